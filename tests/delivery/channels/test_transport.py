"""What goes over the wire to each service, and what its answers mean."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from digest.delivery.channels.address import parse_channel_address
from digest.delivery.channels.replies import (
    ACCEPTED,
    ADDRESS_UNREADABLE,
    GONE,
    HOST_NOT_ALLOWED,
    MESSAGE_REFUSED,
    RATE_LIMITED,
    REPLY_LOST,
    REVOKED,
    SERVICE_FAILED,
    UNREACHABLE,
    classify_channel_reply,
)
from digest.delivery.channels.transport import ChannelMessage, ChannelTransport
from digest.delivery.message import OutgoingMessage
from digest.delivery.reply_codes import ReplyAction
from tests.channel_server import ChannelServer, HeardRequest

TEXT = "**Picked for you**\n\n1. [Naps \\_at\\_ work](https://papers.example/1)"
HOSTS = ("127.0.0.1", "hooks.slack.com", "discord.com", "api.telegram.org", "*.zulipchat.com", "ntfy.sh")
LOOPBACK = ("127.0.0.0/8",)
TRANSPORT = ChannelTransport("Papers", "https://papers.example", HOSTS, LOOPBACK)
SLACK = "https://hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx"
KEY = "abcdefghijklmnopqrstuvwx12"
BOT = f"123456789:{KEY}123456789"
DISCORD = "https://discord.com/api/webhooks/123456789012345678/abc_DEF-1"
TELEGRAM = f"tgram://{BOT}/-100123"
MATRIX = "matrix://token@{here}/!room:b"
ZULIP = f"zulip://bot@org/{KEY}ABCDEF/papers"
URL = "https://papers.example/1"
LINK = f"({URL})"


def _message(server: ChannelServer, address: str, *, markdown: bool = True) -> ChannelMessage:
    pasted = address.format(here=f"127.0.0.1:{server.port}")
    return ChannelMessage(
        raw=TEXT.encode(),
        title="Naps + 2 more",
        is_markdown=markdown,
        mail_from="",
        rcpt_to=parse_channel_address(pasted, allowed_hosts=HOSTS).url,
    )


def _read_slack(request: HeardRequest) -> str:
    return str(json.loads(request.body)["attachments"][0]["text"])


def _read_discord(request: HeardRequest) -> str:
    return str(json.loads(request.body)["embeds"][0]["description"])


def _read_json(name: str) -> Callable[[HeardRequest], str]:
    return lambda request: str(json.loads(request.body)[name])


def _read_zulip(request: HeardRequest) -> str:
    return parse_qs(request.body.decode())["content"][0]


WIRES = {  # what people paste; host and path that hear of it; where the text is, and its link
    "slack": (
        SLACK,
        "hooks.slack.com",
        "/services/T0000AAAA/B0",
        _read_slack,
        "<https://papers.example/1|Naps",
    ),
    "discord": (DISCORD, "discord.com", "/api/webhooks/123456789012345678/abc_DEF-1", _read_discord, LINK),
    "telegram": (TELEGRAM, "api.telegram.org", f"/bot{BOT}/sendMessage", _read_json("text"), LINK),
    "matrix": (MATRIX, "127.0.0.1", "/_matrix/client/v3/rooms/", _read_json("formatted_body"), f'="{URL}"'),
    "mattermost": (f"http://{{here}}/hooks/{KEY}", "127.0.0.1", f"/hooks/{KEY}", _read_json("text"), LINK),
    "zulip": (ZULIP, "org.zulipchat.com", "/api/v1/messages", _read_zulip, LINK),
    "ntfy": ("ntfy://{here}/topic", "127.0.0.1", "/", _read_json("message"), URL),
    "webhook": ("http://{here}/hook?key=a%20b", "127.0.0.1", "/hook?key=a+b", _read_json("message"), URL),
}


@pytest.mark.parametrize("kind", WIRES)
def test_wire(channel_server: ChannelServer, kind: str) -> None:
    address, host, path, read, expected = WIRES[kind]
    message = _message(channel_server, address, markdown=kind not in ("ntfy", "webhook"))

    result = TRANSPORT.send(message)

    assert classify_channel_reply(result) is ACCEPTED
    last = channel_server.heard[-1]
    assert (last.host, last.path[: len(path)]) == (host, path)
    assert expected in read(last)
    assert b"github.com" not in last.body  # no icon of another product


ANSWERS: list[tuple[list[int], ReplyAction]] = [
    ([401], REVOKED),
    ([403], REVOKED),
    ([404], GONE),
    ([410], GONE),
    ([400], MESSAGE_REFUSED),
    ([302], MESSAGE_REFUSED),
    ([429, 429], RATE_LIMITED),
    ([500], SERVICE_FAILED),
    ([503], SERVICE_FAILED),
    ([504], REPLY_LOST),
    ([0], REPLY_LOST),
]


@pytest.mark.parametrize("kind", WIRES)
def test_every_service_tells_us_its_answer(channel_server: ChannelServer, kind: str) -> None:
    for answers, action in ANSWERS:
        channel_server.answers = [*answers, *answers]  # some plugins try once more by themselves

        result = TRANSPORT.send(_message(channel_server, WIRES[kind][0]))

        assert classify_channel_reply(result) is action, answers


@pytest.mark.parametrize(
    ("hosts", "networks", "action"),
    [
        (("127.0.0.1",), (), HOST_NOT_ALLOWED),  # a private address
        (("127.0.0.1",), ("10.0.0.0/8",), HOST_NOT_ALLOWED),
        ((), LOOPBACK, HOST_NOT_ALLOWED),  # a host that the operator took off the list since
        (("127.0.0.1",), LOOPBACK, ACCEPTED),
    ],
)
def test_only_allowed_hosts_are_reached(
    channel_server: ChannelServer, hosts: tuple[str, ...], networks: tuple[str, ...], action: ReplyAction
) -> None:
    transport = ChannelTransport("Papers", "", hosts, networks)

    result = transport.send(_message(channel_server, "http://{here}/hook"))

    assert classify_channel_reply(result) is action
    assert len(channel_server.heard) == (action is ACCEPTED)


def test_a_name_that_resolves_to_a_private_address_is_not_reached(channel_server: ChannelServer) -> None:
    url = f"json://localhost:{channel_server.port}/hook"
    message = replace(_message(channel_server, "http://{here}/hook"), rcpt_to=url)

    result = ChannelTransport("Papers", "", ("localhost",)).send(message)

    assert classify_channel_reply(result) is HOST_NOT_ALLOWED
    assert not channel_server.heard


def test_redirects_are_not_followed(channel_server: ChannelServer) -> None:
    channel_server.answers, channel_server.location = [302, 200], "/elsewhere"

    TRANSPORT.send(_message(channel_server, "http://{here}/hook"))

    assert [request.path for request in channel_server.heard] == ["/hook"]


def test_service_that_is_down_is_unreachable(channel_server: ChannelServer) -> None:
    message = replace(_message(channel_server, "http://{here}/hook"), rcpt_to="json://127.0.0.1:9/hook")

    assert classify_channel_reply(TRANSPORT.send(message)) is UNREACHABLE


def test_address_that_did_not_open_is_unreadable(channel_server: ChannelServer) -> None:
    message = replace(_message(channel_server, "http://{here}/hook"), rcpt_to="")

    assert classify_channel_reply(TRANSPORT.send(message)) is ADDRESS_UNREADABLE


@pytest.mark.parametrize(
    ("flood", "pause", "max_seconds"), [(b"x", 0.05, 1.0), (b"x" * 1_000_000, 0.0, 90.0)]
)
async def test_a_service_that_never_ends_its_answer_is_left(
    channel_server: ChannelServer, flood: bytes, pause: float, max_seconds: float
) -> None:
    message = _message(channel_server, "http://{here}/hook")
    assert classify_channel_reply(await TRANSPORT.deliver(message)) is ACCEPTED  # the process has started

    channel_server.flood, channel_server.pause = flood, pause
    result = await replace(TRANSPORT, max_seconds=max_seconds).deliver(message)

    assert classify_channel_reply(result) is REPLY_LOST
    assert channel_server.floods_ended.acquire(timeout=30)  # nothing reads on
    channel_server.flood = b""
    assert classify_channel_reply(await TRANSPORT.deliver(message)) is ACCEPTED


def test_a_channel_takes_no_mail() -> None:
    with pytest.raises(TypeError):
        TRANSPORT.send(OutgoingMessage(raw=b"", mail_from="", rcpt_to="ada@example.org"))


def test_secrets_are_neither_logged_nor_shown(
    channel_server: ChannelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    channel_server.answers = [500]
    message = _message(channel_server, "http://{here}/hook/very-secret")
    output = logging.StreamHandler()
    logging.getLogger().addHandler(output)

    try:
        result = TRANSPORT.send(message)
    finally:
        logging.getLogger().removeHandler(output)

    assert "very-secret" not in repr(message) + repr(result)
    assert capsys.readouterr() == ("", "")
