"""Who reads, and how is it going for each of them? Search, look, change."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.models import Status
from digest.models.errors import InvalidAddress, InvalidChange, NotFound
from digest.web.admin.auth import MayChange, Office, OwnForm, SignedIn
from digest.web.admin.explain import explained
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.preferences_form import PreferencesForm

SHOWN = 50
HOME = "/admin/subscribers"
ORDERS = (
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
    ("address", "Address"),
    ("next_due", "Next digest"),
    ("-confirmed_at", "Lately confirmed"),
    ("status", "Status"),
)
CHANGEABLE = ("keywords", "muted", "authors", "categories", "frequency", "send_at", "timezone")

router = APIRouter(include_in_schema=False)


class SubscriberQuery(BaseModel):
    """The filter of the list."""

    q: str = ""
    status: str = ""
    sort: str = "-created_at"
    page: int = 1

    @property
    def offset(self) -> int:
        """How many come before this page."""
        return SHOWN * (min(max(self.page, 1), 100_000) - 1)


@router.get(HOME)
def readers(
    ctx: Office, session: SignedIn, request: Request, asked: Annotated[SubscriberQuery, Query()]
) -> Response:
    """The list."""
    return _list(ctx, session, request, asked)


@router.post(HOME)
def add(ctx: Office, session: SignedIn, by: MayChange, form: OwnForm, request: Request) -> Response:
    """Add someone; they are asked to confirm, unless they agreed already."""
    wishes = ctx.defaults | {"keywords": str(form.get("keywords", ""))}
    try:
        with ctx.services.store.begin() as tx:
            reader = subscribers.enrol(
                tx, str(form.get("email", "")), wishes, has_consented="confirmed" in form, by=by
            )
    except (InvalidAddress, InvalidChange) as error:
        return _list(ctx, session, request, SubscriberQuery(), problem=str(error))
    return RedirectResponse(f"{HOME}/{reader.pid}", 303)


@router.get(HOME + "/{pid}")
def reader(ctx: Office, session: SignedIn, pid: str, paper: str = "") -> Response:
    """One of them: facts, schedule, deliveries, and why a paper was sent or not."""
    return _one(ctx, session, pid, FlashMessage(asked=paper))


@router.post(HOME + "/{pid}")
def change(ctx: Office, session: SignedIn, by: MayChange, form: OwnForm, pid: str) -> Response:
    """Change interests and schedule."""
    wishes: dict[str, object] = {name: str(form[name]) for name in CHANGEABLE if name in form}
    try:
        with ctx.services.store.begin() as tx:
            subscribers.change(tx, pid, wishes, by=by)
    except InvalidChange as error:
        return _one(ctx, session, pid, FlashMessage(problem=str(error)))
    return _one(ctx, session, pid, FlashMessage(done="Saved."))


@router.post(HOME + "/{pid}/{action}")
def act(ctx: Office, by: MayChange, pid: str, action: str) -> Response:
    """Pause, resume, never write again, erase."""
    with ctx.services.store.begin() as tx:
        match action:
            case "pause":
                subscribers.pause(tx, pid, by=by)
            case "resume":
                subscribers.resume(tx, pid, by=by)
            case "suppress":
                subscribers.suppress(tx, tx.subscribers.by_pid(pid).address, by=by)
            case "erase":
                subscribers.erase(tx, pid, by=by)
            case _:
                raise NotFound
    return RedirectResponse(HOME if action == "erase" else f"{HOME}/{pid}", 303)


def _list(
    ctx: WebContext, session: Session, request: Request, asked: SubscriberQuery, *, problem: str = ""
) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        page = tx.subscribers.page(
            status=Status(asked.status) if asked.status in {*Status} else None,
            search=asked.q.replace("\x00", ""),
            sort=asked.sort.removeprefix("-"),
            descending=asked.sort.startswith("-"),
            limit=SHOWN,
            offset=asked.offset,
        )
    return ctx.pages.page(
        "admin/subscribers",
        status=422 if problem else 200,
        here=HOME,
        title="Subscribers",
        session=session,
        problems=[problem] if problem else [],
        q=asked.q,
        wanted=asked.status,
        statuses=[*Status],
        sort=asked.sort,
        sorts=ORDERS,
        found=page.subscribers,
        total=page.total,
        offset=asked.offset,
        before=_page(request, asked.page - 1) if asked.page > 1 else "",
        after=_page(request, asked.page + 1) if page.total > asked.offset + SHOWN else "",
    )


def _page(request: Request, place: int) -> str:
    return f"{HOME}?{request.url.include_query_params(page=place).query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashMessage:
    """What the page says besides the reader: an answer, a success or a problem."""

    asked: str = ""
    done: str = ""
    problem: str = ""


def _one(ctx: WebContext, session: Session, pid: str, said: FlashMessage) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.by_pid(pid)
        deliveries, lines = tx.deliveries.history(reader.id), tx.audit.latest(subject=pid, limit=20)
    return ctx.pages.page(
        "admin/subscriber",
        status=422 if said.problem else 200,
        here=HOME,
        title=reader.address,
        session=session,
        subscriber=reader,
        wishes=PreferencesForm.of(reader),
        deliveries=deliveries,
        lines=lines,
        asked=said.asked,
        explained=explained(ctx, reader, said.asked) if said.asked else [],
        done=said.done,
        problems=[said.problem] if said.problem else [],
    )
