"""The page of a reader's channels beside mail; opened, as the preferences, by the signed link."""

from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from digest.db import Transaction
from digest.models import Status, Subscriber
from digest.models.channels import MAX_CHANNELS
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers import channels as use_cases
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import gettext, translate_error
from digest.web.preferences_form import FormBody, get_reader
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/p/{token}/channels")
def show_channels(token: str, ctx: WebContextDep) -> Response:
    """Show the channels, and a form that adds one."""
    return _render(ctx, token, get_reader(ctx, token))


@router.post("/p/{token}/channels")
def run_channel_action(token: str, ctx: WebContextDep, data: FormBody) -> Response:
    """Run the action of the pressed button."""
    reader = get_reader(ctx, token)
    try:
        with ctx.services.store.begin() as tx:
            done = _run_action(tx, ctx, reader, data)
    except (InvalidChange, NotFound) as error:
        return _render(ctx, token, reader, problem=translate_error(error))
    return _render(ctx, token, get_reader(ctx, token), done=done)


def _render(ctx: WebContext, token: str, reader: Subscriber, **shown: Any) -> Response:
    if not ctx.services.has_channels:
        raise NotFound("Channels are not available here.")
    with ctx.services.store.begin(write=False) as tx:
        channels = use_cases.list_channels(tx, reader)
    return ctx.pages.render(
        "channels",
        subscriber=reader,
        channels=channels,
        may_add=len(channels) < MAX_CHANNELS and reader.status is Status.CONFIRMED,
        action=f"/p/{token}/channels",
        preferences=f"/p/{token}",
        **shown,
    )


def _run_action(tx: Transaction, ctx: WebContext, reader: Subscriber, data: FormData) -> str:
    """Run the action of the pressed button, and return what was done as a sentence."""
    actor, done = ctx.actor("reader"), ""
    services, who, channel = ctx.services, reader.public_id, str(data.get("channel", ""))
    match data.get("do"):
        case "add":
            if reader.status is not Status.CONFIRMED or not services.has_channels:
                raise InvalidChange
            address, hosts = str(data.get("address", "")), services.settings.channel_hosts
            use_cases.add_channel(
                tx, who, address, allowed_hosts=hosts, seal=services.sealer.seal, actor=actor
            )
            done = gettext("Added. A first message is on its way; if it does not arrive, check here again.")
        case "pause":
            use_cases.pause_channel(tx, who, channel, actor=actor)
            done = gettext("Paused.")
        case "resume":
            use_cases.resume_channel(tx, who, channel, actor=actor)
            done = gettext("In use again. A message that says so is on its way.")
        case "remove":
            use_cases.remove_channel(tx, who, channel, actor=actor)
            done = gettext("Removed; its address is deleted.")
        case "mail":
            use_cases.choose_mail(tx, who, by_mail="by_mail" in data, actor=actor)
            done = gettext("Saved.")
    return done
