"""The page of one subscriber: facts, settings, timeline, mails, suppression, and why a paper was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.db import Transaction
from digest.db.audit import AuditFilter
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Delivery, DeliveryKind, Edition, Email, Status, Subscriber, Suppression
from digest.models.addresses import hash_address
from digest.models.errors import DigestError, InvalidChange, NotFound, StateConflict
from digest.models.schedule import find_due_slot
from digest.pipeline.plan import build_delivery_key
from digest.ranking.selection import EXCLUSION_REASONS
from digest.subscribers.importing import parse_tags
from digest.subscribers.resend import OPEN_STATES, resend
from digest.subscribers.unsubscribe import lift_suppression
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.subscriber_form import Difference, SubscriberForm
from digest.web.admin.subscriber_query import HOME
from digest.web.admin.suppressions import REASONS
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.preferences_form import LANGUAGES
from digest.web.routing import create_router
from digest.web.signup_form import ZONES

MAX_TIMELINE = 60  # entries
ONE_DAY = timedelta(days=1)
MAIL_POLICY = (  # the mail stands in a sandboxed frame, which inherits the policy; its styles are inline
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
VERDICTS = {"more": "More like this", "less": "Less like this", "save": "Saved"}
QUESTIONS = {  # title and button
    "suppress": ("Never write to this address again?", "Never write again"),
    "erase": ("Erase this subscriber?", "Erase permanently"),
    "lift": ("Write to this address again?", "Lift the suppression"),
}

router = create_router(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened to a subscriber or that they did."""

    at: datetime
    what: str
    link: str = ""
    label: str = ""  # of the link
    detail: str = ""
    state: str = ""  # of a mail
    resend: str = ""  # the public id of a mail that can be sent again


@router.get(HOME + "/{pid}")
def show_subscriber(
    ctx: AdminContext, session: CurrentSession, pid: str, paper: str = "", done: str = ""
) -> Response:
    """Show one subscriber, and why *paper* was sent or not if it is given."""
    return _render_subscriber(ctx, session, pid, paper=paper, done=done)


@router.post(HOME + "/{pid}")
def change_subscriber(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm, pid: str
) -> Response:
    """Change settings; 409 if somebody else changed one since the form was opened."""
    entered = SubscriberForm.parse(form)
    try:
        with ctx.services.store.begin() as tx:
            reader = tx.subscribers.get_by_public_id(pid)
            stored = SubscriberForm.read(reader)
            changes = entered.to_changes(reader, has_facets="facet_name" in form)
            wanted = SubscriberForm.read(subscribers.preview_settings(reader, changes))
            is_changed = str(form.get("version", stored.version)) != stored.version
            is_stale = is_changed and wanted != stored  # what is sent twice is no conflict
            if not is_stale:
                subscribers.change_settings(tx, pid, changes, actor=actor)
    except InvalidChange as error:
        return _render_subscriber(ctx, session, pid, problem=str(error), form=entered)
    if is_stale:
        problem = "Somebody else changed this subscriber. Compare, then save again or keep what is stored."
        differences = stored.list_differences(wanted)
        return _render_subscriber(
            ctx, session, pid, problem=problem, status=409, form=entered, differences=differences
        )
    return _render_subscriber(ctx, session, pid, done="saved")


@router.post(HOME + "/{pid}/tags")
def change_tags(ctx: AdminContext, actor: AdminActor, form: AdminForm, pid: str) -> Response:
    """Replace the tags of a subscriber."""
    tags = parse_tags(str(form.get("tags", "")))
    with ctx.services.store.begin() as tx:
        reader = tx.subscribers.get_by_public_id(pid)
        before = tx.tags.get_by_subscriber([reader.id]).get(reader.id, ())
        for tag in set(before) - set(tags):
            tx.tags.remove([reader.id], tag)
        for tag in set(tags) - set(before):
            tx.tags.add([reader.id], tag)
        if set(tags) != set(before):
            actor.write_audit(tx, "tag", pid, {"tags": sorted(tags)})
    return RedirectResponse(f"{HOME}/{pid}?done=tags", 303)


@router.post(HOME + "/{pid}/address")
def change_address(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm, pid: str
) -> Response:
    """Ask a new address to confirm, or use it at once if the administrator says that it is theirs."""
    address = str(form.get("address", ""))
    try:
        with ctx.services.store.begin() as tx:
            if "confirmed" in form:
                subscribers.set_address(tx, pid, address, actor=actor)
            elif not subscribers.change_address(tx, pid, address, actor=actor):
                raise StateConflict(
                    "No email was sent: this address is in use or suppressed, or a new address was asked to "
                    "confirm in the last ten minutes."
                )
    except DigestError as error:
        return _render_subscriber(ctx, session, pid, problem=str(error))
    return RedirectResponse(f"{HOME}/{pid}?done={'address' if 'confirmed' in form else 'asked'}", 303)


@router.get(HOME + "/{pid}/confirm/{action}")
def ask_action(
    ctx: AdminContext, session: CurrentSession, pid: str, action: Literal["suppress", "erase", "lift"]
) -> Response:
    """Ask before something is done; opening the page changes nothing."""
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(pid)
        suppression = _find_suppression(ctx, tx, reader)
        suppressed_by = describe_actors(tx, [suppression.source]) if suppression else {}
        mails = len(tx.deliveries.list_by_subscriber(reader.id, limit=1000)) if action == "erase" else 0
    title, label = QUESTIONS[action]
    return ctx.pages.render(
        "admin/confirm",
        title=title,
        session=session,
        subscriber=reader,
        label=label,
        mails=mails,
        suppression=suppression if action == "lift" else None,
        suppressed_by=suppressed_by,
        reasons=REASONS,
        action=action,
    )


@router.post(HOME + "/{pid}/mails/{mail}/resend")
def resend_mail(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, pid: str, mail: str
) -> Response:
    """Send a mail once more, at most once a day."""
    try:
        with ctx.services.store.begin() as tx:
            reader, delivery = _find_mail(tx, pid, mail)
            resend(tx, reader, delivery, actor=actor)
    except StateConflict as error:
        return _render_subscriber(ctx, session, pid, problem=str(error), status=409)
    return RedirectResponse(f"{HOME}/{pid}?done=resent", 303)


@router.get(HOME + "/{pid}/mails/{mail}")
def show_mail(ctx: AdminContext, session: CurrentSession, pid: str, mail: str) -> Response:
    """Show a mail as it was sent."""
    with ctx.services.store.begin(write=False) as tx:
        reader, delivery = _find_mail(tx, pid, mail)
    email = ctx.mail_previews.render_sent(delivery, reader)
    return _render_mail(ctx, session, reader, email, delivery=delivery)


@router.get(HOME + "/{pid}/next")
def show_next_mail(ctx: AdminContext, session: CurrentSession, pid: str) -> Response:
    """Show what the next digest would be if it were chosen now."""
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(pid)
    edition = ctx.previews.edition(reader, ctx.clock())
    return _render_mail(
        ctx, session, reader, ctx.mail_previews.render_upcoming(edition), picks=len(edition.picks)
    )


@router.post(HOME + "/{pid}/{action}")
def run_action(ctx: AdminContext, actor: AdminActor, pid: str, action: str) -> Response:
    """Pause, resume, suppress, lift or erase a subscriber."""
    with ctx.services.store.begin() as tx:
        match action:
            case "pause":
                subscribers.pause(tx, pid, actor=actor)
            case "resume":
                subscribers.resume(tx, pid, actor=actor)
            case "suppress":
                subscribers.suppress(tx, tx.subscribers.get_by_public_id(pid).address, actor=actor)
            case "lift":
                lift_suppression(tx, tx.subscribers.get_by_public_id(pid), actor=actor)
            case "erase":
                subscribers.erase(tx, pid, actor=actor)
            case _:
                raise NotFound
    target = f"{HOME}?done=erased" if action == "erase" else f"{HOME}/{pid}?done={action}"
    return RedirectResponse(target, 303)


def _find_mail(tx: Transaction, pid: str, mail: str) -> tuple[Subscriber, Delivery]:
    """Return a subscriber and one of their mails. Raises NotFound if it is not theirs."""
    reader, delivery = tx.subscribers.get_by_public_id(pid), tx.deliveries.find_by_public_id(mail)
    if delivery is None or delivery.subscriber_id != reader.id or delivery.channel_id is not None:
        raise NotFound("This subscriber got no such email.")
    return reader, delivery


def _find_suppression(ctx: WebContext, tx: Transaction, reader: Subscriber) -> Suppression | None:
    return tx.suppressions.find(hash_address(ctx.services.suppression_key, reader.address))


def _render_mail(  # noqa: PLR0913  what the page shows
    ctx: WebContext,
    session: Session,
    reader: Subscriber,
    email: Email,
    *,
    delivery: Delivery | None = None,
    picks: int = 0,
) -> Response:
    response = ctx.pages.render(
        "admin/mail",
        session=session,
        subscriber=reader,
        email=email,
        delivery=delivery,
        picks=picks,
        is_resendable=delivery is not None and _is_resendable(delivery),
    )
    response.headers["content-security-policy"] = MAIL_POLICY
    return response


def _is_resendable(delivery: Delivery) -> bool:
    return bool(delivery.payload) and delivery.channel_id is None and delivery.state not in OPEN_STATES


def _render_subscriber(  # noqa: PLR0913  what the page says besides the subscriber
    ctx: WebContext,
    session: Session,
    pid: str,
    *,
    paper: str = "",
    done: str = "",
    problem: str = "",
    status: int = 200,
    form: SubscriberForm | None = None,
    differences: Sequence[Difference] = (),
) -> Response:
    """Show the page; with a *paper* it is explained, with a *form* it shows what was entered, not saved."""
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(pid)
        suppression = _find_suppression(ctx, tx, reader)
        tags = tx.tags.get_by_subscriber([reader.id]).get(reader.id, ())
        timeline = _build_timeline(tx, reader)
        suppressed_by = describe_actors(tx, [suppression.source]) if suppression else {}
        missing_digest = _explain_missing_digest(tx, reader, ctx.clock())
        all_tags = tx.tags.count()
    stored = SubscriberForm.read(reader)
    shown = form or stored
    return ctx.pages.render(
        "admin/subscriber",
        status=status,
        session=session,
        subscriber=reader,
        form={**stored.values, **shown.values},
        facets=shown.facets,
        version=stored.version,
        differences=differences,
        languages=LANGUAGES,
        zones=ZONES,
        tags=tags,
        all_tags=all_tags,
        suppression=suppression,
        suppressed_by=suppressed_by,
        reasons=REASONS,
        is_reading=reader.status in (Status.CONFIRMED, Status.PAUSED),
        missing_digest=missing_digest,
        timeline=timeline,
        paper=paper,
        explanation=explain_choice(ctx, reader, paper) if paper else [],
        done=done,
        problem=problem,
    )


def _explain_missing_digest(tx: Transaction, reader: Subscriber, now: datetime) -> str:
    """Return why the timeline has no digest of the latest slot; empty if it has one or none was due."""
    due = find_due_slot(reader.schedule, now, max_lateness=ONE_DAY)
    if due is None or reader.status is not Status.CONFIRMED or reader.next_due is None:
        return ""
    is_new = reader.status_since is None or reader.status_since > due.slot
    if is_new or reader.next_due <= now:  # it was not due to them, or is about to be made
        return ""
    if tx.deliveries.find_by_key(build_delivery_key(reader.id, due.day)) is not None:
        return ""
    return (
        f"No digest was made when one was due ({due.slot:%d %b, %H:%M} UTC): nothing new was worth sending, "
        "or the program was not running. Preview the next mail to see what would be chosen now."
    )


def _build_timeline(tx: Transaction, reader: Subscriber) -> list[TimelineEntry]:
    """Return the mails, votes and changes of a subscriber, newest first."""
    lines = tx.audit.search(AuditFilter(subject=reader.public_id), limit=30)
    operations = tx.bulk_operations.list_by_subscriber(reader.id)
    imports = tx.import_reports.list_at([at for at in (reader.created_at, reader.status_since) if at])
    actors = {line.actor for line in lines} | {operation.actor for operation in operations}
    actors |= {report.actor for report in imports}
    names = describe_actors(tx, actors)
    entries = [
        *(_describe_mail(reader, mail) for mail in tx.deliveries.list_by_subscriber(reader.id)),
        *(
            TimelineEntry(
                vote.at,
                f"Vote: {VERDICTS.get(vote.verdict, vote.verdict)}",
                f"/paper/{vote.paper_id}",
                vote.title or vote.paper_id,
            )
            for vote in tx.votes.list_titled(reader.id)
        ),
        *(
            TimelineEntry(
                line.at,
                f"{_to_words(line.action)} by {names[line.actor]}",
                detail=_describe_detail(line.detail),
            )
            for line in lines
        ),
        *(
            TimelineEntry(
                at=operation.at,
                what=f"{operation.action} of many by {names[operation.actor]}",
                link=f"/admin/operations/{operation.id}",
                label=operation.tag or "See",
            )
            for operation in operations
        ),
        *(
            TimelineEntry(
                report.at,
                f"import by {names[report.actor]}",
                f"/admin/import/{report.id}",
                report.file_name or "Report",
            )
            for report in imports
        ),
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:MAX_TIMELINE]


def _describe_mail(reader: Subscriber, mail: Delivery) -> TimelineEntry:
    name = f"Digest of {mail.day:%d %b}" if mail.kind is DeliveryKind.DIGEST and mail.day else ""
    name = name or f"Email: {_to_words(mail.payload.get('mail', mail.kind))}"
    has_content = bool(mail.payload) and mail.channel_id is None
    if mail.channel_id is not None:
        name = f"{name}, to a channel"
    tries = f"{mail.attempt + 1} attempts. " if mail.attempt else ""
    return TimelineEntry(
        at=mail.accepted_at or mail.slot,
        what=name,
        state=str(mail.state),
        detail=f"{tries}{mail.last_reply}",
        link=f"{HOME}/{reader.public_id}/mails/{mail.public_id}" if has_content else "",
        label="As it was sent" if has_content else "",
        resend=mail.public_id if _is_resendable(mail) else "",
    )


def _describe_detail(detail: object) -> str:
    if not isinstance(detail, dict):
        return ""
    shown = {name: value if isinstance(value, list) else [value] for name, value in detail.items()}
    shown["changed"] = [*map(_to_words, shown.get("changed", ()))]  # names of settings
    return ", ".join(f"{name}: {', '.join(map(str, values))}" for name, values in shown.items() if values)


def _to_words(name: object) -> str:
    """Return a stored name, such as `address_change`, as words."""
    return str(name).replace("_", " ").replace("-", " ")


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
        sentences.append("It was withdrawn, so it is not sent.")
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
