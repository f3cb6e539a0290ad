"""The page of the tokens by which a reader's own programs act for them."""

from contextlib import suppress
from typing import Any

from starlette.responses import Response

from digest.models import SUBSCRIBED, Subscriber
from digest.models.api_tokens import MAX_READER_TOKENS
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers.reader_tokens import MAX_NAME_CHARS, add_reader_token, end_reader_token
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import gettext, translate_error
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
    try:
        with ctx.services.store.begin() as tx:
            if data.get("do") == "add":
                _check_subscribed(reader)
                name, may_write = str(data.get("name", "")), "may_write" in data
                made = add_reader_token(tx, reader.public_id, name, may_write=may_write, actor=actor)
            else:
                made = ""
                number = str(data.get("token", ""))
                with suppress(NotFound):  # pressed twice
                    known = int(number) if number.isdecimal() and len(number) < 18 else 0
                    end_reader_token(tx, reader.public_id, known, actor=actor)
    except InvalidChange as error:
        return _render(ctx, token, reader, problem=translate_error(error))
    return _render(ctx, token, reader, made=made, done="" if made else gettext("Revoked."))


def _check_subscribed(reader: Subscriber) -> None:
    if reader.status not in SUBSCRIBED:
        raise InvalidChange


def _render(ctx: WebContext, token: str, reader: Subscriber, *, made: str = "", **shown: Any) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        tokens = tx.reader_tokens.list_by_subscriber(reader.id)
    may_add = len(tokens) < MAX_READER_TOKENS and reader.status in SUBSCRIBED
    return ctx.pages.render(
        "programs",
        tokens=tokens,
        made=made,
        may_add=may_add,
        max_name_chars=MAX_NAME_CHARS,
        base_url=ctx.services.settings.base_url,
        action=f"/p/{token}/programs",
        preferences=f"/p/{token}",
        **shown,
    )
