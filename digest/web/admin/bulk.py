"""Actions on all selected subscribers: a page that asks, one that tells what was done, and undoing it."""

import secrets
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from digest.db import Transaction
from digest.db.subscribers.bulk_operations import BulkOperation
from digest.db.subscribers.saved_filters import SavedFilter
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import Status
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers.bulk import FITTING, IRREVERSIBLE, BulkAction, run_operation, undo_operation
from digest.subscribers.importing import parse_tags
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.subscriber_query import HOME, PAGE_SIZE, SubscriberQuery
from digest.web.context import WebContext
from digest.web.routing import create_router

BULK = "/admin/bulk"
OPERATIONS = "/admin/operations"
FILTERS = "/admin/filters"
MAX_SELECTED = 500
MAX_NAME_CHARS = 60

router = create_router(include_in_schema=False)

VERBS = {
    BulkAction.PAUSE: "Pause",
    BulkAction.RESUME: "Resume",
    BulkAction.TAG: "Tag",
    BulkAction.UNTAG: "Remove the tag from",
    BulkAction.SUPPRESS: "Suppress",
    BulkAction.LIFT: "Lift the suppression of",
    BulkAction.ERASE: "Erase",
}


class BulkQuery(SubscriberQuery):
    """What to do, and to whom: the ticked subscribers, those on the page, or all who match."""

    model_config = ConfigDict(extra="forbid")  # a misspelt condition must not mean everybody

    action: str = ""
    new_tag: str = Field("", max_length=200)
    select: str = "some"
    id: list[str] = Field(default_factory=list, max_length=MAX_SELECTED)  # those ticked
    shown: list[str] = Field(default_factory=list, max_length=MAX_SELECTED)  # those on the page

    @property
    def whom(self) -> str:
        """The selection as it is stored with an operation."""
        if self.select == "all":
            return self.query
        chosen = self.shown if self.select == "page" else self.id
        return urlencode([("id", public_id) for public_id in chosen])


@router.get(BULK)
def ask_bulk(ctx: AdminContext, session: CurrentSession, query: Annotated[BulkQuery, Query()]) -> Response:
    """Ask whether to do this; nothing is changed. An export needs no question."""
    back = query.to_url()
    if query.select != "all" and not query.whom:
        return _complain(
            ctx, session, "Nobody is selected: tick subscribers, or choose all that match.", back
        )
    if query.action == "export":
        return RedirectResponse(f"/admin/export.csv?{query.whom}", 303)
    if query.action not in {*BulkAction}:
        return _complain(ctx, session, "Choose what to do with the selected subscribers.", back)
    return _render_question(ctx, session, BulkAction(query.action), query.whom, query.new_tag, back=back)


@router.post(BULK)
def run_bulk(ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm) -> Response:
    """Do it, once, if it is still about as many subscribers as the question said."""
    action, whom = str(form.get("action", "")), str(form.get("whom", ""))
    tag = _parse_tag(str(form.get("tag", "")))
    name = str(form.get("operation", ""))[:64]
    if action not in {*BulkAction} or not name.isalnum() or (action in ("tag", "untag") and not tag):
        raise InvalidChange("This form is incomplete; please go back and choose again.")
    operation = BulkOperation(id=name, at=actor.now, actor=actor.name, action=action, tag=tag, query=whom)
    criteria = parse_selection(ctx, whom)
    with ctx.services.store.begin() as tx:
        is_known = _is_started(tx, name)
        counts = {} if is_known else tx.subscribers.search(criteria).count_by_status()
        count = _sum_fitting(counts, BulkAction(action))
        is_as_asked = is_known or str(count) == str(form.get("count", "")).replace(",", "").strip()
        if is_as_asked:
            tx.bulk_operations.start(operation)
    if not is_as_asked:
        problem = f"The number has changed to {count:,} subscribers or was mistyped. Please check again."
        return _render_question(
            ctx, session, BulkAction(action), whom, tag, back=str(form.get("back", HOME)), problem=problem
        )
    if not is_known:
        run_operation(ctx.services.store, operation, criteria, actor=actor)
    return RedirectResponse(f"{OPERATIONS}/{name}", 303)


@router.get(OPERATIONS + "/{name}")
def show_operation(ctx: AdminContext, session: CurrentSession, name: str) -> Response:
    """Show what an operation did, with the way back."""
    with ctx.services.store.begin(write=False) as tx:
        operation = tx.bulk_operations.get(name)
        names = describe_actors(tx, [operation.actor])
    action = BulkAction(operation.action)
    return ctx.pages.render(
        "admin/operation",
        session=session,
        operation=operation,
        actor=names[operation.actor],
        is_undoable=action not in IRREVERSIBLE and operation.finished_at and operation.undone is None,
        whom=describe_selection(operation.query),
        home=f"{HOME}?{operation.query}" if "id=" not in operation.query else HOME,
    )


@router.post(OPERATIONS + "/{name}/undo")
def undo(ctx: AdminContext, actor: AdminActor, name: str) -> Response:
    """Change back whom the operation changed."""
    with ctx.services.store.begin(write=False) as tx:
        operation = tx.bulk_operations.get(name)
    undo_operation(ctx.services.store, operation, actor=actor)
    return RedirectResponse(f"{OPERATIONS}/{name}", 303)


@router.post(OPERATIONS + "/{name}/continue")
def continue_operation(ctx: AdminContext, actor: AdminActor, name: str) -> Response:
    """Go on with an operation that was interrupted."""
    with ctx.services.store.begin(write=False) as tx:
        operation = tx.bulk_operations.get(name)
    run_operation(ctx.services.store, operation, parse_selection(ctx, operation.query), actor=actor)
    return RedirectResponse(f"{OPERATIONS}/{name}", 303)


@router.post(FILTERS)
def save_filter(ctx: AdminContext, actor: AdminActor, form: AdminForm) -> Response:
    """Save the filter of the list under a name."""
    name = " ".join(str(form.get("name", "")).split())[:MAX_NAME_CHARS]
    query = SubscriberQuery.parse(str(form.get("query", ""))).query
    if not name or not name.isprintable():
        raise InvalidChange("A saved filter needs a name.")
    with ctx.services.store.begin() as tx:
        tx.saved_filters.save(SavedFilter(name, query, actor.name, actor.now))
        actor.write_audit(tx, "save-filter", f"filter/{name}")
    return RedirectResponse(f"{HOME}?{query}", 303)


@router.post(FILTERS + "/delete")
def delete_filter(ctx: AdminContext, actor: AdminActor, form: AdminForm) -> Response:
    """Delete a saved filter; deleting it twice is no error."""
    name = str(form.get("name", ""))[:MAX_NAME_CHARS].replace("\x00", "")
    with ctx.services.store.begin() as tx:
        if tx.saved_filters.delete(name):
            actor.write_audit(tx, "delete-filter", f"filter/{name}")
    return RedirectResponse(HOME, 303)


def parse_selection(ctx: WebContext, whom: str) -> SubscriberCriteria:
    """Return what to search for: the subscribers with the ids in a query, or its filter."""
    ids = tuple(part.removeprefix("id=") for part in whom.split("&") if part.startswith("id="))
    if ids:
        return SubscriberCriteria(public_ids=ids[:MAX_SELECTED])
    return SubscriberQuery.parse(whom).to_criteria(ctx.clock(), ctx.services.suppression_key)


def describe_selection(whom: str) -> str:
    """Return the selection in words."""
    if "id=" in whom:
        return "the subscribers that were ticked"
    conditions = SubscriberQuery.parse(whom).conditions
    words = {"q": "address contains", "last": "last digest", "suppressed": "suppressed address:"}
    parts = [f"{words.get(name, name)} “{value}”" for name, value in conditions.items()]
    return f"everybody with {', '.join(parts)}" if parts else "everybody"


def _render_question(  # noqa: PLR0913  what is asked
    ctx: WebContext,
    session: CurrentSession,
    action: BulkAction,
    whom: str,
    tag: str,
    *,
    back: str,
    problem: str = "",
) -> Response:
    tag = _parse_tag(tag)
    if action in (BulkAction.TAG, BulkAction.UNTAG) and not tag:
        return _complain(ctx, session, "Enter one tag next to the action, without a comma.", back)
    criteria = parse_selection(ctx, whom)
    with ctx.services.store.begin(write=False) as tx:
        counts = tx.subscribers.search(criteria).count_by_status()
    total, fitting = sum(counts.values()), _sum_fitting(counts, action)
    others = [f"{n:,} {status}" for status, n in counts.items() if n and status not in FITTING[action]]
    return ctx.pages.render(
        "admin/bulk",
        status=409 if problem else 200,
        session=session,
        problem=problem,
        action=action,
        verb=VERBS[action],
        tag=tag,
        whom=whom,
        described=describe_selection(whom),
        total=total,
        fitting=fitting,
        others=others,
        is_undoable=action not in IRREVERSIBLE,
        must_type_count=action in IRREVERSIBLE and fitting > PAGE_SIZE,  # nobody has seen them all
        operation=secrets.token_hex(8),
        back=back if back.startswith(HOME) else HOME,
    )


def _parse_tag(text: str) -> str:
    """Return the tag; empty if there is none or more than one, of which others would be lost."""
    tags = parse_tags(text)
    return tags[0] if len(tags) == 1 else ""


def _complain(ctx: WebContext, session: CurrentSession, sentence: str, back: str) -> Response:
    return ctx.pages.render(
        "admin/message",
        session=session,
        problem=sentence,
        back=back,
    )


def _sum_fitting(counts: Mapping[Status, int], action: BulkAction) -> int:
    return sum(n for status, n in counts.items() if status in FITTING[action])


def _is_started(tx: Transaction, name: str) -> bool:
    try:
        return bool(tx.bulk_operations.get(name))
    except NotFound:
        return False
