"""The list of subscribers: filters, order, pages, and adding one."""

from math import ceil
from typing import Annotated, NamedTuple

from fastapi import Query
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from digest import subscribers
from digest.models import Frequency, Status
from digest.models.addresses import hash_address
from digest.models.errors import InvalidAddress, InvalidChange
from digest.web.admin.auth import AdminActor, AdminContext, AdminForm, CurrentSession
from digest.web.admin.bulk import VERBS
from digest.web.admin.subscriber_query import (
    HOME,
    PAGE_SIZE,
    SubscriberQuery,
)
from digest.web.admin_session import Session
from digest.web.context import WebContext
from digest.web.preferences_form import LANGUAGES
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


class Refusal(NamedTuple):
    """Why a subscriber could not be added, and what was typed."""

    problem: str
    typed: FormData


@router.get(HOME)
def list_subscribers(
    ctx: AdminContext, session: CurrentSession, query: Annotated[SubscriberQuery, Query()], done: str = ""
) -> Response:
    """Show the subscribers that match."""
    return _render_list(ctx, session, query, done="The subscriber is erased." if done == "erased" else "")


@router.post(HOME)
def add_subscriber(
    ctx: AdminContext, session: CurrentSession, actor: AdminActor, form: AdminForm
) -> Response:
    """Add a subscriber; a mail asks them to confirm, unless they consented already."""
    changes = ctx.services.default_settings | {"keywords": str(form.get("keywords", ""))}
    try:
        with ctx.services.store.begin() as tx:
            reader = subscribers.add_subscriber(
                tx, str(form.get("email", "")), changes, has_consented="confirmed" in form, actor=actor
            )
    except (InvalidAddress, InvalidChange) as error:
        return _render_list(ctx, session, SubscriberQuery(), refused=Refusal(str(error), form))
    return RedirectResponse(f"{HOME}/{reader.public_id}?done=added", 303)


def _render_list(
    ctx: WebContext,
    session: Session,
    query: SubscriberQuery,
    *,
    done: str = "",
    refused: Refusal | None = None,
) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        criteria = query.to_criteria(ctx.clock(), ctx.services.suppression_key)
        page = tx.subscribers.search(criteria).get_page(
            sort=query.sort.removeprefix("-"),
            descending=query.sort.startswith("-"),
            limit=PAGE_SIZE,
            offset=query.offset,
        )
        if page.total and not page.subscribers:  # past the end, because there were more before
            return RedirectResponse(query.to_url(page=ceil(page.total / PAGE_SIZE)), 303)
        tags = tx.tags.get_by_subscriber([reader.id for reader in page.subscribers])
        keys = {
            reader.id: hash_address(ctx.services.suppression_key, reader.address)
            for reader in page.subscribers
        }
        suppressed = tx.suppressions.filter_suppressed(keys.values())
        all_tags, saved = tx.tags.count(), tx.saved_filters.list_all()
    return ctx.pages.render(
        "admin/subscribers",
        status=422 if refused else 200,
        session=session,
        done=done,
        problem=refused.problem if refused else "",
        typed=refused.typed if refused else {},
        query=query,
        statuses=[(str(item), str(item)) for item in Status],
        frequencies=[(str(item), str(item)) for item in Frequency],
        languages=LANGUAGES,
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
