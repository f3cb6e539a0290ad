"""The page of a reader's channels beside mail; opened, as the preferences, by the signed link."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.responses import Response

from digest.app.services import Services
from digest.db import Transaction
from digest.mail.locale import gettext_noop
from digest.models import Status, Subscriber
from digest.models.channels import MAX_CHANNELS, Channel, ChannelKind, ChannelState
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers import Actor
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


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel as the page shows it."""

    id: str
    name: str
    host: str
    is_active: bool
    state: str
    problem: str
    last: str


@router.get("/p/{token}/channels")
def show_channels(token: str, ctx: WebContextDep) -> Response:
    """Show the channels, and a form that adds one."""
    return _render(ctx, token, get_reader(ctx, token))


@router.post("/p/{token}/channels")
def run_channel_action(token: str, ctx: WebContextDep, data: FormBody) -> Response:
    """Run the action of the pressed button."""
    reader = get_reader(ctx, token)
    action = ACTIONS.get(str(data.get("do", "")))
    if action is None:
        return _render(ctx, token, reader)
    try:
        with ctx.services.store.begin() as tx:
            done = action(tx, reader, data, ctx.services, ctx.actor("reader"))
    except (InvalidChange, NotFound) as error:
        return _render(ctx, token, reader, problems=[translate_error(error)], status=422)
    return _render(ctx, token, get_reader(ctx, token), done=get_page_locale().gettext(done))


def _render(  # noqa: PLR0913  what the page shows
    ctx: WebContext,
    token: str,
    reader: Subscriber,
    *,
    done: str = "",
    problems: Sequence[str] = (),
    status: int = 200,
) -> Response:
    if not ctx.services.has_channels:
        raise NotFound("Channels are not available here.")
    with ctx.services.store.begin(write=False) as tx:
        channels = use_cases.list_channels(tx, reader)
    gettext = get_page_locale().gettext
    return ctx.pages.render(
        "channels",
        status=status,
        subscriber=reader,
        channels=[_to_view(channel) for channel in channels],
        may_add=len(channels) < MAX_CHANNELS and reader.status is Status.CONFIRMED,
        address_forms=[(name, gettext(form)) for name, form in ADDRESS_FORMS],
        action=f"/p/{token}/channels",
        preferences=f"/p/{token}",
        done=done,
        problems=problems,
    )


def _to_view(channel: Channel) -> ChannelView:
    locale = get_page_locale()
    last = channel.accepted_at and locale.format_long_day(channel.accepted_at.date())
    return ChannelView(
        id=channel.public_id,
        name=KIND_NAMES[channel.kind],
        host=channel.host,
        is_active=channel.state is ChannelState.ACTIVE,
        state=locale.gettext(STATE_TEXTS[channel.state]),
        problem=locale.gettext(REASON_TEXTS[channel.note]) if channel.note in REASON_TEXTS else "",
        last=locale.gettext("Last message on %(day)s.") % {"day": last} if last else "",
    )


ChannelAction = Callable[[Transaction, Subscriber, FormData, Services, Actor], str]


def _add(tx: Transaction, reader: Subscriber, data: FormData, services: Services, actor: Actor) -> str:
    if reader.status is not Status.CONFIRMED or not services.has_channels:
        raise InvalidChange
    use_cases.add_channel(
        tx,
        reader.public_id,
        str(data.get("address", "")),
        allowed_hosts=services.settings.channel_hosts,
        seal=services.sealer.seal,
        actor=actor,
    )
    return gettext_noop("Added. A first message is on its way; if it does not arrive, check here again.")


def _pause(tx: Transaction, reader: Subscriber, data: FormData, _: Services, actor: Actor) -> str:
    use_cases.pause_channel(tx, reader.public_id, str(data.get("channel", "")), actor=actor)
    return gettext_noop("Paused.")


def _resume(tx: Transaction, reader: Subscriber, data: FormData, _: Services, actor: Actor) -> str:
    use_cases.resume_channel(tx, reader.public_id, str(data.get("channel", "")), actor=actor)
    return gettext_noop("In use again. A message that says so is on its way.")


def _remove(tx: Transaction, reader: Subscriber, data: FormData, _: Services, actor: Actor) -> str:
    use_cases.remove_channel(tx, reader.public_id, str(data.get("channel", "")), actor=actor)
    return gettext_noop("Removed; its address is deleted.")


def _choose_mail(tx: Transaction, reader: Subscriber, data: FormData, _: Services, actor: Actor) -> str:
    use_cases.choose_mail(tx, reader.public_id, by_mail="by_mail" in data, actor=actor)
    return gettext_noop("Saved.")


ACTIONS: dict[str, ChannelAction] = {
    "add": _add,
    "pause": _pause,
    "resume": _resume,
    "remove": _remove,
    "mail": _choose_mail,
}
