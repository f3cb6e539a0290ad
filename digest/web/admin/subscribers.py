"""The list of subscribers, and the page of each: facts, interests, deliveries, actions."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Edition, Frequency, Status, Subscriber
from digest.models.addresses import hash_address
from digest.models.errors import InvalidAddress, InvalidChange, NotFound
from digest.ranking.selection import EXCLUSION_REASONS
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.bulk import VERBS
from digest.web.admin.subscriber_query import BOUNCES, HOME, LAST_DIGESTS, PAGE_SIZE, SORTS, SubscriberQuery
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.preferences_form import LANGUAGES, PreferencesForm
from digest.web.routing import create_router

CHANGEABLE = ("keywords", "muted", "authors", "categories", "frequency", "send_at", "timezone")

router = create_router(include_in_schema=False)


@router.get(HOME)
def list_subscribers(
    ctx: AdminContext, session: CurrentSession, query: Annotated[SubscriberQuery, Query()]
) -> Response:
    """Show the subscribers that match."""
    return _render_list(ctx, session, query)


@router.post(HOME)
def add_subscriber(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm
) -> Response:
    """Add a subscriber; a mail asks them to confirm, unless they consented already."""
    changes = ctx.defaults | {"keywords": str(form.get("keywords", ""))}
    try:
        with ctx.services.store.begin() as tx:
            reader = subscribers.add_subscriber(
                tx, str(form.get("email", "")), changes, has_consented="confirmed" in form, actor=actor
            )
    except (InvalidAddress, InvalidChange) as error:
        return _render_list(ctx, session, SubscriberQuery(), problem=str(error))
    return RedirectResponse(f"{HOME}/{reader.public_id}", 303)


@router.get(HOME + "/{pid}")
def show_subscriber(ctx: AdminContext, session: CurrentSession, pid: str, paper: str = "") -> Response:
    """Show one subscriber, and why *paper* was sent or not if it is given."""
    return _render_subscriber(ctx, session, pid, FlashMessage(paper=paper))


@router.post(HOME + "/{pid}")
def change_subscriber(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm, pid: str
) -> Response:
    """Change interests and schedule."""
    changes: dict[str, object] = {name: str(form[name]) for name in CHANGEABLE if name in form}
    try:
        with ctx.services.store.begin() as tx:
            subscribers.change_settings(tx, pid, changes, actor=actor)
    except InvalidChange as error:
        return _render_subscriber(ctx, session, pid, FlashMessage(problem=str(error)))
    return _render_subscriber(ctx, session, pid, FlashMessage(done="Saved."))


@router.post(HOME + "/{pid}/{action}")
def run_action(ctx: AdminContext, actor: AdminActor, pid: str, action: str) -> Response:
    """Pause, resume, suppress or erase a subscriber."""
    with ctx.services.store.begin() as tx:
        match action:
            case "pause":
                subscribers.pause(tx, pid, actor=actor)
            case "resume":
                subscribers.resume(tx, pid, actor=actor)
            case "suppress":
                subscribers.suppress(tx, tx.subscribers.get_by_public_id(pid).address, actor=actor)
            case "erase":
                subscribers.erase(tx, pid, actor=actor)
            case _:
                raise NotFound
    return RedirectResponse(HOME if action == "erase" else f"{HOME}/{pid}", 303)


def _render_list(ctx: WebContext, session: Session, query: SubscriberQuery, *, problem: str = "") -> Response:
    with ctx.services.store.begin(write=False) as tx:
        page = tx.subscribers.search(query.to_criteria(ctx.clock())).get_page(
            sort=query.sort.removeprefix("-"),
            descending=query.sort.startswith("-"),
            limit=PAGE_SIZE,
            offset=query.offset,
        )
        tags = tx.tags.get_by_subscriber([reader.id for reader in page.subscribers])
        keys = {
            reader.id: hash_address(ctx.services.suppression_key, reader.address)
            for reader in page.subscribers
        }
        suppressed = tx.suppressions.filter_suppressed(keys.values())
        all_tags, saved = tx.tags.count(), tx.saved_filters.list_all()
    return ctx.pages.render(
        "admin/subscribers",
        status=422 if problem else 200,
        here=HOME,
        title="Subscribers",
        session=session,
        problems=[problem] if problem else [],
        query=query,
        statuses=[(str(item), str(item)) for item in Status],
        frequencies=[(str(item), str(item)) for item in Frequency],
        languages=LANGUAGES,
        bounces=BOUNCES,
        last_digests=LAST_DIGESTS,
        sorts=SORTS,
        subscribers=page.subscribers,
        tags=tags,
        all_tags=all_tags,
        tag_options=[(name, f"{name} ({count:,})") for name, count in all_tags.items()],
        suppressed={key for key, value in keys.items() if value in suppressed},
        saved=[(item, item.query == query.query) for item in saved],
        actions=[(str(action), label) for action, label in VERBS.items()],
        total=page.total,
        before=query.to_url(page=query.page - 1) if query.page > 1 else "",
        after=query.to_url(page=query.page + 1) if page.total > query.offset + PAGE_SIZE else "",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlashMessage:
    """What the page says besides the subscriber: a paper to explain, a success or a problem."""

    paper: str = ""
    done: str = ""
    problem: str = ""


def _render_subscriber(ctx: WebContext, session: Session, pid: str, message: FlashMessage) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(pid)
        deliveries = tx.deliveries.list_by_subscriber(reader.id)
        lines = tx.audit.list_latest(subject=pid, limit=20)
        suppression = tx.suppressions.find(hash_address(ctx.services.suppression_key, reader.address))
    return ctx.pages.render(
        "admin/subscriber",
        status=422 if message.problem else 200,
        here=HOME,
        title=reader.address,
        session=session,
        subscriber=reader,
        form=PreferencesForm.from_subscriber(reader),
        deliveries=deliveries,
        suppression=suppression,
        lines=lines,
        paper=message.paper,
        explanation=explain_choice(ctx, reader, message.paper) if message.paper else [],
        done=message.done,
        problems=[message.problem] if message.problem else [],
    )


def explain_choice(ctx: WebContext, reader: Subscriber, name: str) -> list[str]:
    """Return sentences on why a paper was sent to a reader or not; *name* is any of its ids or its URL."""
    with ctx.services.store.begin(write=False) as tx:
        papers = tx.papers.get_by_ids([name])
        sent = tx.sent_papers.get_by_subscriber([reader.id]).get(reader.id, {})
    if not papers:
        return ["No source has announced this paper to us."]
    paper = next(iter(papers.values()))
    sentences = [f"{paper.title} ({paper.id})."]
    if paper.withdrawn:
        sentences.append("It was withdrawn, and is not sent.")
    if paper.id in sent:
        sentences.append(f"It was sent on {sent[paper.id].day:%d %B %Y}.")
    edition, stopped = ctx.previews.choose(reader, ctx.clock())
    return [*sentences, _explain_today(edition, paper.id, stopped.get(paper.id))]


def _explain_today(edition: Edition, paper_id: str, rule: str | None) -> str:
    """Return why today's edition holds the paper or not; *rule* is None if it was not even a candidate."""
    for pick in edition.picks:
        if pick.paper.id == paper_id:
            reason = describe_reason(get_locale("en"), pick, edition.day)
            numbers = f"heat {pick.heat.value:.2f}, affinity {pick.affinity:.2f}"
            return f"Today's digest holds it under “{pick.section}”: {reason or 'new'} ({numbers})."
    if rule is None:
        return "It is not among today's candidates: seen too long ago, or only revised."
    return f"Today's digest leaves it out: {EXCLUSION_REASONS.get(rule, rule)}."
