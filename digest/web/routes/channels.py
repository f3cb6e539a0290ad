"""The page of a reader's channels beside mail; opened, as the preferences, by the signed link."""

from starlette.datastructures import FormData
from starlette.responses import Response

from digest.db import Transaction
from digest.mail.locale import gettext_noop
from digest.models import Status, Subscriber
from digest.models.channels import MAX_CHANNELS, ChannelKind, ChannelState
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers import channels as use_cases
from digest.web.context import WebContext, WebContextDep
from digest.web.languages import get_page_locale, translate_error
from digest.web.preferences_form import FormBody, get_reader
from digest.web.routing import create_router

KIND_NAMES = {
    ChannelKind.SLACK: "Slack",
    ChannelKind.DISCORD: "Discord",
    ChannelKind.TELEGRAM: "Telegram",
    ChannelKind.MATRIX: "Matrix",
    ChannelKind.MATTERMOST: "Mattermost",
    ChannelKind.ZULIP: "Zulip",
    ChannelKind.NTFY: "ntfy",
    ChannelKind.WEBHOOK: "Webhook",
}
# How an address is written, where the service itself shows none.
ADDRESS_FORMS = (
    ("Slack, Discord, Mattermost", gettext_noop("the webhook that the service shows you")),
    ("Telegram", "tgram://BOT-TOKEN/CHAT"),
    ("Matrix", "matrixs://TOKEN@SERVER/!ROOM"),
    ("Zulip", "zulip://BOT@ORGANIZATION/KEY/STREAM"),
    ("ntfy", "ntfys://SERVER/TOPIC"),
    ("Webhook", "https://…"),
)
STATE_TEXTS = {
    ChannelState.ACTIVE: gettext_noop("In use"),
    ChannelState.PAUSED: gettext_noop("Paused"),
    ChannelState.FAILED: gettext_noop("No longer used"),
}
REASON_TEXTS = {  # by the reasons of delivery/channels/replies.py
    "revoked": gettext_noop("The service refuses this key or webhook. Create a new one there."),
    "gone": gettext_noop("The service says that this webhook or channel no longer exists."),
    "rate-limited": gettext_noop("The service asks for fewer messages; the last one will be sent later."),
    "unreachable": gettext_noop("The service could not be reached."),
    "service-failed": gettext_noop("The service reported an error of its own."),
    "reply-lost": gettext_noop("The service did not say whether it accepted the last message."),
    "message-refused": gettext_noop("The service refused the last message."),
    "host-not-allowed": gettext_noop("Messages to this host are not allowed here."),
    "address-unreadable": gettext_noop("The stored address can no longer be read. Add the channel again."),
}

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


def _render(
    ctx: WebContext,
    token: str,
    reader: Subscriber,
    *,
    done: str = "",
    problem: str = "",
) -> Response:
    if not ctx.services.has_channels:
        raise NotFound("Channels are not available here.")
    with ctx.services.store.begin(write=False) as tx:
        channels = use_cases.list_channels(tx, reader)
    gettext = get_page_locale().gettext
    return ctx.pages.render(
        "channels",
        subscriber=reader,
        channels=channels,
        names=KIND_NAMES,
        states=STATE_TEXTS,
        reasons=REASON_TEXTS,
        may_add=len(channels) < MAX_CHANNELS and reader.status is Status.CONFIRMED,
        address_forms=[(name, gettext(form)) for name, form in ADDRESS_FORMS],
        action=f"/p/{token}/channels",
        preferences=f"/p/{token}",
        done=done,
        problem=problem,
    )


def _run_action(tx: Transaction, ctx: WebContext, reader: Subscriber, data: FormData) -> str:
    """Run the action of the pressed button, and return what was done as a sentence."""
    gettext, actor, done = get_page_locale().gettext, ctx.actor("reader"), ""
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
