"""The page of the tokens by which a reader's own programs act for them."""

from collections.abc import Sequence
from contextlib import suppress

from starlette.responses import Response

from digest.db import Transaction
from digest.models import Status, Subscriber
from digest.models.errors import InvalidChange, NotFound
from digest.models.reader_tokens import MAX_READER_TOKENS
from digest.subscribers.reader_tokens import MAX_NAME_CHARS, add_reader_token, end_reader_token
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import get_page_locale, translate_error
from digest.web.preferences_form import FormBody, get_reader
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/p/{token}/programs")
def show_programs(token: str, ctx: WebContextDep) -> Response:
    """Show the tokens, and a form that makes one."""
    return _render(ctx, token, get_reader(ctx, token))


@router.post("/p/{token}/programs")
def change_programs(token: str, ctx: WebContextDep, data: FormBody) -> Response:
    """Make a token and show it this once, or end one."""
    reader, actor = get_reader(ctx, token), ctx.actor("reader")
    gettext = get_page_locale().gettext
    try:
        with ctx.services.store.begin() as tx:
            if data.get("do") == "add":
                _check_subscribed(reader)
                name, may_write = str(data.get("name", "")), "may_write" in data
                made = add_reader_token(tx, reader.public_id, name, may_write=may_write, actor=actor)
            else:
                made = ""
                _end(tx, reader, str(data.get("token", "")), ctx)
    except InvalidChange as error:
        return _render(ctx, token, reader, problems=[translate_error(error)], status=422)
    return _render(ctx, token, reader, made=made, done="" if made else gettext("Revoked."))


def _check_subscribed(reader: Subscriber) -> None:
    if reader.status not in (Status.CONFIRMED, Status.PAUSED):
        raise InvalidChange


def _end(tx: Transaction, reader: Subscriber, token_id: str, ctx: WebContext) -> None:
    with suppress(NotFound):  # pressed twice
        number = int(token_id) if token_id.isdecimal() and len(token_id) < 18 else 0
        end_reader_token(tx, reader.public_id, number, actor=ctx.actor("reader"))


def _render(  # noqa: PLR0913  what the page shows
    ctx: WebContext,
    token: str,
    reader: Subscriber,
    *,
    made: str = "",
    done: str = "",
    problems: Sequence[str] = (),
    status: int = 200,
) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        tokens = tx.reader_tokens.list_by_subscriber(reader.id)
    may_add = len(tokens) < MAX_READER_TOKENS and reader.status in (Status.CONFIRMED, Status.PAUSED)
    return ctx.pages.render(
        "programs",
        status=status,
        tokens=tokens,
        made=made,
        may_add=may_add,
        max_name_chars=MAX_NAME_CHARS,
        base_url=ctx.services.settings.base_url,
        action=f"/p/{token}/programs",
        preferences=f"/p/{token}",
        done=done,
        problems=problems,
    )
