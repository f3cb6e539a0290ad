"""The SMTP client: URLs, bytes on the wire, pipelining, TLS and login."""

import ssl
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage, Unreachable
from digest.delivery.smtp.session import SmtpTimeouts
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport, Tls
from digest.models import DeliveryState
from digest.models.errors import ConfigError
from tests.delivery.certificates import build_client_context, build_server_context
from tests.delivery.harness import SHORT_TIMEOUTS, DeliveryHarness, make_route
from tests.smtp_server import EXTENSIONS, Drop, EndlessReply, RawReply, Reply, SmtpServer
from tests.smtp_server import SmtpStage as ServerStage

LONG_LINK = f"<https://papers.test/u/{'x' * 200}>"


def make_message(raw: bytes = b"Subject: hi\r\n\r\nHello.\r\n", **options: object) -> OutgoingMessage:
    fields = {"mail_from": "b@papers.test", "rcpt_to": "ada@example.com", **options}
    return OutgoingMessage(raw=raw, **fields)  # type: ignore[arg-type]  # any fields


async def send(server: SmtpServer, *messages: OutgoingMessage, pipelining: bool = True) -> list[SendResult]:
    transport = SmtpTransport(
        SmtpServerConfig.parse(f"smtp://127.0.0.1:{server.port}?tls=none"),
        local_hostname="papers.test",
        timeouts=SHORT_TIMEOUTS,
        pipelining=pipelining,
    )
    connection = await transport.open()
    results = []
    for index, message in enumerate(messages):
        next_message = messages[index + 1] if index + 1 < len(messages) and connection.is_open else None
        results.append(await connection.deliver(message, next_message=next_message))
    await connection.close()
    return results


# ---- server URLs


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mx.test", SmtpServerConfig(host="mx.test", port=587)),
        (
            "smtp://u%40x:p%2Fw@mx.test:2525",
            SmtpServerConfig(host="mx.test", port=2525, username="u@x", password="p/w"),
        ),
        ("smtp://mx.test:465", SmtpServerConfig(host="mx.test", port=465, tls=Tls.IMPLICIT)),
        ("smtps://mx.test", SmtpServerConfig(host="mx.test", port=465, tls=Tls.IMPLICIT)),
        ("smtp://mx.test?tls=none", SmtpServerConfig(host="mx.test", port=25, tls=Tls.NONE)),
        ("smtp://localhost", SmtpServerConfig(host="localhost", port=25, tls=Tls.NONE)),
        ("smtp://[::1]:1025", SmtpServerConfig(host="::1", port=1025, tls=Tls.NONE)),
        (
            "smtp://127.0.0.1:1025?tls=required",
            SmtpServerConfig(host="127.0.0.1", port=1025, tls=Tls.REQUIRED),
        ),
    ],
)
def test_server_url_is_parsed(url: str, server: SmtpServerConfig) -> None:
    assert SmtpServerConfig.parse(url) == server


@pytest.mark.parametrize(
    "url", ["", "mx.test", "http://mx.test", "smtp://", "smtp://mx.test:x", "smtp://m?tls=maybe"]
)
def test_invalid_server_url_gives_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError, match="DIGEST_SMTP_URL"):
        SmtpServerConfig.parse(url)


@pytest.mark.parametrize(
    "credentials",
    [
        "user:Top#Secret", "user:#Secret", "user:12/Secret", "AKIA:Aq+Secret/Secret", "user:a?Secret",
        "user:12?tls=Secret", "user:[Secret", "user:]Secret", "user:Sec℀Secret",
        "Secret/Secret:12", "Secret#Secret:x", "user:1/Secret#x?y=Secret",
    ],
)  # fmt: skip
def test_no_piece_of_a_password_is_repeated_and_it_is_said_how_to_write_it(credentials: str) -> None:
    with pytest.raises(ConfigError, match="%2F") as error:
        SmtpServerConfig.parse(f"smtp://{credentials}@mail.example.com:587")
    assert "Secret" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("option", ["tls", "weight"])
def test_no_value_of_an_option_is_repeated(option: str) -> None:
    with pytest.raises(ConfigError, match=option) as error:
        SmtpServerConfig.parse(f"smtp://mail.example.com?{option}=Secret")
    assert "Secret" not in str(error.value)


@given(username=st.text(min_size=1, max_size=20), password=st.text(min_size=1, max_size=20))
def test_percent_encoded_name_and_password_are_read_as_they_are(username: str, password: str) -> None:
    url = f"smtp://{quote(username, safe='')}:{quote(password, safe='')}@mail.example.com:587"
    config = SmtpServerConfig.parse(url)
    assert (config.username, config.password) == (username, password)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(SmtpServerConfig.parse("smtp://u:hunter2@mx.test"))


# ---- bytes


@pytest.mark.parametrize("extensions", [EXTENSIONS, EXTENSIONS[1:]], ids=["pipelining", "lock-step"])
async def test_the_bytes_arrive_as_they_are(server: SmtpServer, extensions: tuple[str, ...]) -> None:
    server.extensions = extensions
    raw = f"List-Unsubscribe: {LONG_LINK}\r\n\r\n.\r\n..two\r\n.one\r\ntext. \r\n".encode()
    mails = [
        make_message(raw),
        make_message(b".begins with a dot\r\n"),
        make_message(b"no line end"),
        make_message(b"plain\r\n"),
    ]
    results = await send(server, *mails)
    assert all(result.is_accepted for result in results)
    assert [mail.raw for mail in server.accepted] == [
        raw,
        b".begins with a dot\r\n",
        b"no line end\r\n",
        b"plain\r\n",
    ]
    assert f"List-Unsubscribe: {LONG_LINK}\r\n".encode() in server.accepted[0].wire


@given(lines=st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x.", b"text"]), min_size=1, max_size=8))
def test_dots_at_line_starts_survive(lines: list[bytes]) -> None:
    from digest.delivery.smtp.session import _encode_body  # noqa: PLC0415  the pure part alone

    raw = b"\r\n".join(lines) + b"\r\n"
    wire = b"".join(_encode_body(make_message(raw)))
    assert wire.endswith(b"\r\n.\r\n")
    sent = wire.removesuffix(b".\r\n").split(b"\r\n")[:-1]
    assert b"." not in sent
    assert [line.removeprefix(b".") if line.startswith(b"..") else line for line in sent] == lines


async def test_each_message_has_one_envelope_and_no_reset(server: SmtpServer) -> None:
    await send(server, make_message(), make_message(), make_message())
    assert [line.split()[0] for line in server.commands] == [
        "EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"
    ]  # fmt: skip


async def test_a_refused_recipient_does_not_disturb_the_next(server: SmtpServer) -> None:
    server.respond("rcpt", Reply(250), Reply(550, "5.1.1 nobody"), Reply(250))
    results = await send(server, make_message(), make_message(rcpt_to="nobody@example.com"), make_message())
    assert [(result.stage, result.code) for result in results] == [
        (SmtpStage.DOT, 250), (SmtpStage.RCPT, 550), (SmtpStage.DOT, 250)
    ]  # fmt: skip
    assert server.recipients() == ["ada@example.com"] * 2


async def test_server_that_wants_a_body_without_recipients_gets_an_empty_one(server: SmtpServer) -> None:
    server.wants_body_always = True
    server.respond("rcpt", Reply(550, "5.1.1 nobody"), Reply(250))
    results = await send(server, make_message(), make_message())
    assert [result.code for result in results] == [550, 250]
    assert [len(mail.wire) for mail in server.accepted if mail.rcpt_to] == [len(make_message().raw)]


async def test_unexpected_reply_is_not_taken_for_an_answer(server: SmtpServer) -> None:
    server.respond("dot", RawReply(b"250 2.0.0 queued\r\n250 2.0.0 and another\r\n"))
    server.respond("mail", Reply(250), Reply(451, "4.3.0 no"))
    first, second = await send(server, make_message(), make_message(), pipelining=False)
    assert first.is_accepted
    assert (second.stage, second.code) == (SmtpStage.MAIL, 451)


async def test_delivery_reports_are_requested_if_the_server_offers_dsn(server: SmtpServer) -> None:
    await send(server, make_message(envelope_id="abc+def", rcpt_to="a+b=c@example.com"))
    accepted = server.accepted[0]
    assert "RET=HDRS ENVID=abc+2Bdef" in accepted.mail_options
    assert accepted.rcpt_options == "NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@example.com"
    server.extensions = ()
    await send(server, make_message(envelope_id="abc"))
    assert (server.accepted[1].mail_options, server.accepted[1].rcpt_options) == ("", "")


# ---- failing connections, TLS and login


async def open_and_fail(transport: SmtpTransport) -> SendResult:
    with pytest.raises(Unreachable) as raised:
        await transport.open()
    return raised.value.result


async def test_13_unreachable_server_is_a_connect_failure(server: SmtpServer) -> None:
    closed_port = SmtpServerConfig(host="127.0.0.1", port=1, tls=Tls.NONE)
    assert (
        await open_and_fail(SmtpTransport(closed_port, timeouts=SHORT_TIMEOUTS))
    ).stage is SmtpStage.CONNECT
    unknown_host = SmtpServerConfig(host="no-such-host.invalid", port=25, tls=Tls.NONE)
    assert (
        await open_and_fail(SmtpTransport(unknown_host, timeouts=SHORT_TIMEOUTS))
    ).stage is SmtpStage.CONNECT


async def test_13_starttls_stripped_means_nothing_is_sent(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    config = SmtpServerConfig.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    key = harness.queue_digest(harness.add_reader())
    stats = await harness.run(make_route(SmtpTransport(config, timeouts=SHORT_TIMEOUTS)))
    assert harness.state(key) is DeliveryState.QUEUED
    assert "is down" in stats.alerts[0]
    assert [line.split()[0] for line in server.commands] == ["EHLO"]


async def test_13_unknown_certificate_ends_the_session_before_the_password(
    harness: DeliveryHarness, server: SmtpServer, tmp_path: Path
) -> None:
    server.tls, server.extensions = build_server_context(tmp_path), ("STARTTLS", "AUTH PLAIN")
    config = SmtpServerConfig.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    key = harness.queue_digest(harness.add_reader())
    await harness.run(make_route(SmtpTransport(config, timeouts=SHORT_TIMEOUTS)))
    assert harness.state(key) is DeliveryState.QUEUED
    assert not [line for line in server.commands if line.startswith(("AUTH", "MAIL"))]


async def test_tls_and_login_and_then_mail(server: SmtpServer, tmp_path: Path) -> None:
    server.tls, server.extensions = build_server_context(tmp_path), (*EXTENSIONS, "STARTTLS", "AUTH PLAIN")
    config = SmtpServerConfig.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    transport = SmtpTransport(config, tls_context=build_client_context(tmp_path), timeouts=SHORT_TIMEOUTS)
    connection = await transport.open()
    one, two = make_message(), make_message(b"Subject: two\r\n\r\n" + b"x" * 70 + b"\r\n")
    assert (await connection.deliver(one, next_message=two)).is_accepted
    assert (await connection.deliver(two)).is_accepted
    await connection.close()
    assert [mail.over_tls for mail in server.accepted] == [True, True]


async def test_implicit_tls(tmp_path: Path) -> None:
    async with SmtpServer(tls=build_server_context(tmp_path), implicit_tls=True).running() as server:
        config = SmtpServerConfig.parse(f"smtps://127.0.0.1:{server.port}")
        connection = await SmtpTransport(
            config, tls_context=build_client_context(tmp_path), timeouts=SHORT_TIMEOUTS
        ).open()
        assert (await connection.deliver(make_message())).is_accepted
        await connection.close()
        assert server.accepted[0].over_tls


async def test_12_wrong_password_is_distinguished_from_a_lost_connection(
    server: SmtpServer, tmp_path: Path
) -> None:
    server.tls, server.extensions = build_server_context(tmp_path), ("STARTTLS", "AUTH PLAIN")
    server.respond("auth", Reply(535, "5.7.8 wrong"))
    config = SmtpServerConfig.parse(f"smtp://user:wrong@127.0.0.1:{server.port}?tls=required")
    result = await open_and_fail(
        SmtpTransport(config, tls_context=build_client_context(tmp_path), timeouts=SHORT_TIMEOUTS)
    )
    assert (result.stage, result.code) == (SmtpStage.LOGIN, 535)


@pytest.mark.parametrize(
    "act", [Drop(), EndlessReply(), Reply(554, "5.3.2 no service"), Reply(421, "4.3.2 busy")]
)
async def test_bad_greeting_is_a_connect_failure(
    server: SmtpServer, act: Drop | EndlessReply | Reply
) -> None:
    server.respond("greeting", act)
    config = SmtpServerConfig.parse(f"smtp://127.0.0.1:{server.port}")
    result = await open_and_fail(SmtpTransport(config, timeouts=SmtpTimeouts(connect=0.5)))
    assert result.stage is SmtpStage.CONNECT


@pytest.mark.parametrize(
    "size", ["²", "٣", "9" * 5000, "many", "-1", "", "1e3", "10 20"], ids=lambda size: size[:9]
)
async def test_size_limit_that_is_no_number_is_ignored(server: SmtpServer, size: str) -> None:
    server.extensions = ("PIPELINING", f"SIZE {size}")
    first, second = await send(server, make_message(), make_message())
    assert first.is_accepted
    assert second.is_accepted


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
async def test_a_connection_is_used_no_more_once_the_server_closes_it(
    server: SmtpServer, stage: ServerStage
) -> None:
    server.respond(stage, Reply(421, "4.3.2 closing"))
    config = SmtpServerConfig.parse(f"smtp://127.0.0.1:{server.port}")
    connection = await SmtpTransport(config, timeouts=SHORT_TIMEOUTS).open()
    result = await connection.deliver(make_message())
    assert (result.stage, result.code, result.text) == (SmtpStage(stage), 421, "4.3.2 closing")
    assert not connection.is_open
    await connection.close()
    assert "QUIT" not in server.commands


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_message_the_server_cannot_take_leaves_those_before_and_after_alone(
    server: SmtpServer, *, pipelining: bool
) -> None:
    server.extensions = ("PIPELINING", "SIZE 200")
    names = [f"r{number}@example.com" for number in range(4)]
    messages = [make_message(rcpt_to=name) for name in names]
    messages[1] = make_message(b"Subject: long\r\n\r\n" + b"x" * 300, rcpt_to=names[1])
    results = await send(server, *messages, pipelining=pipelining)
    assert [result.code for result in results] == [250, 552, 250, 250]
    assert server.recipients() == [names[0], *names[2:]]


@pytest.mark.parametrize("pipelining", [True, False])
async def test_no_body_is_sent_if_the_server_does_not_ask_for_it(
    server: SmtpServer, *, pipelining: bool
) -> None:
    server.respond("data", Reply(250, "2.0.0 why not"))
    (result,) = await send(server, make_message(), pipelining=pipelining)
    assert (result.stage, result.code) == (SmtpStage.DATA, 250)
    assert not [line for line in server.commands if line.startswith("Subject")]


async def test_reply_that_is_no_utf8_can_be_stored(server: SmtpServer) -> None:
    server.respond("greeting", RawReply(b"554 5.3.2 kein Dienst f\xfcr Sie\r\n"))
    config = SmtpServerConfig.parse(f"smtp://127.0.0.1:{server.port}")
    result = await open_and_fail(SmtpTransport(config, timeouts=SHORT_TIMEOUTS))
    assert result.text.encode().startswith(b"5.3.2 kein Dienst")


def test_tls_contexts_check_names_and_certificates() -> None:
    context = ssl.create_default_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_server_url_sets_the_weight() -> None:
    assert SmtpServerConfig.parse("smtp://mail.example.org?weight=0.25").weight == 0.25
    assert SmtpServerConfig.parse("smtp://mail.example.org").weight == 1
    for weight in ("much", "-1", "inf", "nan"):
        with pytest.raises(ConfigError, match="weight"):
            SmtpServerConfig.parse(f"smtp://mail.example.org?weight={weight}")
