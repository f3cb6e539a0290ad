"""Suppressed addresses: the list, the look-up of an address, lifting, adding, and importing a list."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.db.subscribers.suppressions import SuppressionCriteria
from digest.models import SuppressionReason
from digest.models.addresses import hash_address
from digest.models.errors import InvalidAddress, InvalidChange, require
from digest.subscribers.suppression_list import find_suppressed, import_suppressions, lift_by_key
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.period import parse_period
from digest.web.admin.transfer import UploadedFile
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.routing import create_router

HOME = "/admin/suppressions"
PAGE_SIZE = 50
REASONS: Mapping[str, str] = {
    SuppressionReason.HARD: "Bounced",
    SuppressionReason.COMPLAINT: "Complained",
    SuppressionReason.REQUEST: "On request",
    SuppressionReason.ADMIN: "An administrator",
}

router = create_router(include_in_schema=False)


class SuppressionQuery(BaseModel):
    """Filter and page of the list, and an address to look up."""

    address: str = Field("", max_length=300)
    reason: str = ""
    since: str = ""  # days
    until: str = ""  # this day included
    page: int = Field(1, ge=1, le=100_000)

    def to_url(self, page: int) -> str:
        """Return the URL of another page."""
        fields = self.model_dump(exclude={"address", "page"}) | {"page": page}
        return f"{HOME}?{urlencode({name: value for name, value in fields.items() if value})}"


@router.get(HOME)
def list_suppressions(
    ctx: AdminContext, session: CurrentSession, query: Annotated[SuppressionQuery, Query()], done: str = ""
) -> Response:
    """Show the suppressions that match, newest first, and whether an address is among them."""
    return _render_list(ctx, session, query, done="The suppression is lifted." if done else "")


@router.post(HOME)
def suppress_address(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm
) -> Response:
    """Suppress an address; a subscription of it ends."""
    address = str(form.get("address", ""))
    try:
        with ctx.services.store.begin() as tx:
            subscribers.suppress(tx, address, actor=actor)
    except InvalidAddress as error:
        return _render_list(ctx, session, SuppressionQuery(), problem=str(error))
    return _render_list(ctx, session, SuppressionQuery(address=address), done="Nothing will be sent to it.")


@router.get(HOME + "/lift")
def ask_lift(ctx: AdminContext, session: CurrentSession, key: str = "") -> Response:
    """Ask before a suppression is lifted; opening the page changes nothing."""
    with ctx.services.store.begin(write=False) as tx:
        found = tx.suppressions.find(key.replace("\x00", ""))
        suppression = require(found, "This address is not suppressed.")
        readers = find_suppressed(tx, [key], suppression_key=ctx.services.suppression_key)
        names = describe_actors(tx, [suppression.source])
    return ctx.pages.render(
        "admin/lift",
        session=session,
        suppression=suppression,
        reason=REASONS[suppression.reason],
        source=names[suppression.source],
        reader=readers.get(key),
    )


@router.post(HOME + "/lift")
def lift(ctx: AdminContext, actor: AdminActor, form: AdminForm) -> Response:
    """Lift a suppression by its key; lifting it twice is no error."""
    key = str(form.get("key", "")).replace("\x00", "")
    with ctx.services.store.begin() as tx:
        lift_by_key(tx, key, actor=actor)
    return RedirectResponse(f"{HOME}?done=lifted", 303)


@router.get(HOME + "/import")
def show_import(ctx: AdminContext, session: CurrentSession) -> Response:
    """Show the form that takes a list of addresses."""
    return ctx.pages.render("admin/suppressions_import", session=session)


@router.post(HOME + "/import")
def run_import(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm, file: UploadedFile
) -> Response:
    """Suppress every address of a file, or only check it."""
    dry_run = "dry_run" in form
    try:
        report = import_suppressions(
            ctx.services.store, file.file, actor=actor, dry_run=dry_run, file_name=file.filename or ""
        )
    except InvalidChange as error:
        return ctx.pages.render("admin/suppressions_import", session=session, problem=str(error))
    return ctx.pages.render("admin/suppressions_import", session=session, report=report, dry_run=dry_run)


def _render_list(
    ctx: WebContext, session: Session, query: SuppressionQuery, *, done: str = "", problem: str = ""
) -> Response:
    period = parse_period(query.since, query.until)
    problems = [*([problem] if problem else []), *period.problems]
    reason = SuppressionReason(query.reason) if query.reason in {*SuppressionReason} else None
    criteria = SuppressionCriteria(reason=reason, since=period.since, until=period.until)
    suppression_key, key = ctx.services.suppression_key, ""
    try:
        key = hash_address(suppression_key, query.address) if query.address.strip() else ""
    except InvalidAddress as error:
        problems.append(str(error))
    with ctx.services.store.begin(write=False) as tx:
        found = tx.suppressions.find(key) if key else None
        rows = tx.suppressions.list_latest(criteria, limit=PAGE_SIZE, offset=PAGE_SIZE * (query.page - 1))
        total = tx.suppressions.count(criteria)
        counts = tx.suppressions.count_by_reason()
        shown = [*rows, found] if found else rows
        readers = find_suppressed(tx, {row.key for row in shown}, suppression_key=suppression_key)
        names = describe_actors(tx, {row.source for row in shown})
    return ctx.pages.render(
        "admin/suppressions",
        status=422 if problem else 200,
        session=session,
        problems=problems,
        done=done,
        query=query,
        period=period,
        reasons=REASONS,
        counts=[(label, counts.get(SuppressionReason(value), 0), value) for value, label in REASONS.items()],
        lookup=query.address.strip() if key else "",
        found=found,
        rows=rows,
        names=names,
        readers=readers,
        total=total,
        offset=PAGE_SIZE * (query.page - 1),
        before=query.to_url(query.page - 1) if query.page > 1 else "",
        after=query.to_url(query.page + 1) if total > PAGE_SIZE * query.page else "",
    )
