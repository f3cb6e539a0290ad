"""Does the client say exactly what we mean, and nothing in the clear that should not be?"""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage, Unreachable
from digest.delivery.smtp.session import Patience
from digest.delivery.smtp.transport import Server, SmtpTransport, Tls
from digest.models import DeliveryState
from digest.models.errors import ConfigError
from tests.delivery.certificates import server_context, trusting
from tests.delivery.harness import QUICK, Post, route
from tests.smtp_server import OFFERS, Babble, Drop, Raw, Say, SmtpServer

LONG = f"<https://papers.test/u/{'x' * 200}>"


def letter(raw: bytes = b"Subject: hi\r\n\r\nHello.\r\n", **more: object) -> OutgoingMessage:
    facts = {"mail_from": "b@papers.test", "rcpt_to": "ada@example.com", **more}
    return OutgoingMessage(raw=raw, **facts)  # type: ignore[arg-type]  # a test may say anything


async def hand_over(
    server: SmtpServer, *letters: OutgoingMessage, pipelining: bool = True
) -> list[SendResult]:
    transport = SmtpTransport(
        Server.parse(f"smtp://127.0.0.1:{server.port}?tls=none"),
        local_hostname="papers.test",
        patience=QUICK,
        pipelining=pipelining,
    )
    line = await transport.open()
    outcomes = []
    for place, each in enumerate(letters):
        ahead = letters[place + 1] if place + 1 < len(letters) and line.is_open else None
        outcomes.append(await line.deliver(each, ahead=ahead))
    await line.close()
    return outcomes


# ---- the address of the server


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mx.test", Server(host="mx.test", port=587)),
        (
            "smtp://u%40x:p%2Fw@mx.test:2525",
            Server(host="mx.test", port=2525, username="u@x", password="p/w"),
        ),
        ("smtp://mx.test:465", Server(host="mx.test", port=465, tls=Tls.IMPLICIT)),
        ("smtps://mx.test", Server(host="mx.test", port=465, tls=Tls.IMPLICIT)),
        ("smtp://mx.test?tls=none", Server(host="mx.test", port=25, tls=Tls.NONE)),
        ("smtp://localhost", Server(host="localhost", port=25, tls=Tls.NONE)),
        ("smtp://[::1]:1025", Server(host="::1", port=1025, tls=Tls.NONE)),
        ("smtp://127.0.0.1:1025?tls=required", Server(host="127.0.0.1", port=1025, tls=Tls.REQUIRED)),
    ],
)
def test_a_server_is_named_by_its_address(url: str, server: Server) -> None:
    assert Server.parse(url) == server


@pytest.mark.parametrize(
    "url", ["", "mx.test", "http://mx.test", "smtp://", "smtp://mx.test:x", "smtp://m?tls=maybe"]
)
def test_an_address_that_makes_no_sense_is_a_sentence(url: str) -> None:
    with pytest.raises(ConfigError, match="DIGEST_SMTP_URL"):
        Server.parse(url)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(Server.parse("smtp://u:hunter2@mx.test"))


# ---- bytes


@pytest.mark.parametrize("offers", [OFFERS, OFFERS[1:]], ids=["pipelining", "lock-step"])
async def test_the_bytes_arrive_as_they_are(server: SmtpServer, offers: tuple[str, ...]) -> None:
    server.offers = offers
    raw = f"List-Unsubscribe: {LONG}\r\n\r\n.\r\n..two\r\n.one\r\ntext. \r\n".encode()
    mails = [letter(raw), letter(b".begins with a dot\r\n"), letter(b"no line end"), letter(b"plain\r\n")]
    outcomes = await hand_over(server, *mails)
    assert all(outcome.is_accepted for outcome in outcomes)
    assert [mail.raw for mail in server.taken] == [
        raw,
        b".begins with a dot\r\n",
        b"no line end\r\n",
        b"plain\r\n",
    ]
    assert f"List-Unsubscribe: {LONG}\r\n".encode() in server.taken[0].wire


@given(lines=st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x.", b"text"]), min_size=1, max_size=8))
def test_any_dots_survive(lines: list[bytes]) -> None:
    from digest.delivery.smtp.session import _body  # noqa: PLC0415  the pure part alone

    raw = b"\r\n".join(lines) + b"\r\n"
    wire = b"".join(_body(letter(raw)))
    assert wire.endswith(b"\r\n.\r\n")
    sent = wire.removesuffix(b".\r\n").split(b"\r\n")[:-1]
    assert b"." not in sent
    assert [line.removeprefix(b".") if line.startswith(b"..") else line for line in sent] == lines


async def test_every_letter_has_one_envelope_and_no_reset(server: SmtpServer) -> None:
    await hand_over(server, letter(), letter(), letter())
    assert [line.split()[0] for line in server.commands] == [
        "EHLO", *["MAIL", "RCPT", "DATA"] * 3, "QUIT"
    ]  # fmt: skip


async def test_a_refused_recipient_does_not_disturb_the_next(server: SmtpServer) -> None:
    server.tell("rcpt", Say(250), Say(550, "5.1.1 nobody"), Say(250))
    outcomes = await hand_over(server, letter(), letter(rcpt_to="nobody@example.com"), letter())
    assert [(outcome.step, outcome.code) for outcome in outcomes] == [
        (SmtpStage.DOT, 250), (SmtpStage.RCPT, 550), (SmtpStage.DOT, 250)
    ]  # fmt: skip
    assert server.recipients() == ["ada@example.com"] * 2


async def test_a_server_that_wants_a_body_for_nobody_gets_an_empty_one(server: SmtpServer) -> None:
    server.lenient = True
    server.tell("rcpt", Say(550, "5.1.1 nobody"), Say(250))
    outcomes = await hand_over(server, letter(), letter())
    assert [outcome.code for outcome in outcomes] == [550, 250]
    assert [len(mail.wire) for mail in server.taken if mail.rcpt_to] == [len(letter().raw)]


async def test_an_unasked_reply_never_passes_for_an_answer(server: SmtpServer) -> None:
    server.tell("dot", Raw(b"250 2.0.0 queued\r\n250 2.0.0 and another\r\n"))
    server.tell("mail", Say(250), Say(451, "4.3.0 no"))
    first, second = await hand_over(server, letter(), letter(), pipelining=False)
    assert first.is_accepted
    assert (second.step, second.code) == (SmtpStage.MAIL, 451)


async def test_delivery_reports_are_asked_for_where_they_are_offered(server: SmtpServer) -> None:
    await hand_over(server, letter(envelope_id="abc+def", rcpt_to="a+b=c@example.com"))
    taken = server.taken[0]
    assert "RET=HDRS ENVID=abc+2Bdef" in taken.mail_options
    assert taken.rcpt_options == "NOTIFY=FAILURE ORCPT=rfc822;a+2Bb+3Dc@example.com"
    server.offers = ()
    await hand_over(server, letter(envelope_id="abc"))
    assert (server.taken[1].mail_options, server.taken[1].rcpt_options) == ("", "")


# ---- what a connection may not be


async def unreachable(transport: SmtpTransport) -> SendResult:
    with pytest.raises(Unreachable) as told:
        await transport.open()
    return told.value.outcome


async def test_13_nobody_there(server: SmtpServer) -> None:
    nowhere = Server(host="127.0.0.1", port=1, tls=Tls.NONE)
    assert (await unreachable(SmtpTransport(nowhere, patience=QUICK))).step is SmtpStage.CONNECT
    unknown = Server(host="no-such-host.invalid", port=25, tls=Tls.NONE)
    assert (await unreachable(SmtpTransport(unknown, patience=QUICK))).step is SmtpStage.CONNECT


async def test_13_starttls_stripped_means_nothing_is_sent(post: Post, server: SmtpServer) -> None:
    demanding = Server.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    key = post.digest(post.reader())
    tally = await post.run(route(SmtpTransport(demanding, patience=QUICK)))
    assert post.state(key) is DeliveryState.QUEUED
    assert "is down" in tally.alerts[0]
    assert [line.split()[0] for line in server.commands] == ["EHLO"]


async def test_13_a_certificate_we_do_not_know_ends_it_before_the_password(
    post: Post, server: SmtpServer, tmp_path: Path
) -> None:
    server.tls, server.offers = server_context(tmp_path), ("STARTTLS", "AUTH PLAIN")
    demanding = Server.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    key = post.digest(post.reader())
    await post.run(route(SmtpTransport(demanding, patience=QUICK)))
    assert post.state(key) is DeliveryState.QUEUED
    assert not [line for line in server.commands if line.startswith(("AUTH", "MAIL"))]


async def test_tls_and_login_and_then_mail(server: SmtpServer, tmp_path: Path) -> None:
    server.tls, server.offers = server_context(tmp_path), (*OFFERS, "STARTTLS", "AUTH PLAIN")
    demanding = Server.parse(f"smtp://user:secret@127.0.0.1:{server.port}?tls=required")
    transport = SmtpTransport(demanding, tls_context=trusting(tmp_path), patience=QUICK)
    line = await transport.open()
    one, two = letter(), letter(b"Subject: two\r\n\r\n" + b"x" * 70 + b"\r\n")
    assert (await line.deliver(one, ahead=two)).is_accepted
    assert (await line.deliver(two)).is_accepted
    await line.close()
    assert [mail.over_tls for mail in server.taken] == [True, True]


async def test_implicit_tls(tmp_path: Path) -> None:
    async with SmtpServer(tls=server_context(tmp_path), implicit=True).running() as server:
        hidden = Server.parse(f"smtps://127.0.0.1:{server.port}")
        line = await SmtpTransport(hidden, tls_context=trusting(tmp_path), patience=QUICK).open()
        assert (await line.deliver(letter())).is_accepted
        await line.close()
        assert server.taken[0].over_tls


async def test_12_a_wrong_password_is_told_apart_from_a_bad_line(server: SmtpServer, tmp_path: Path) -> None:
    server.tls, server.offers = server_context(tmp_path), ("STARTTLS", "AUTH PLAIN")
    server.tell("auth", Say(535, "5.7.8 wrong"))
    demanding = Server.parse(f"smtp://user:wrong@127.0.0.1:{server.port}?tls=required")
    outcome = await unreachable(SmtpTransport(demanding, tls_context=trusting(tmp_path), patience=QUICK))
    assert (outcome.step, outcome.code) == (SmtpStage.LOGIN, 535)


@pytest.mark.parametrize("act", [Drop(), Babble(), Say(554, "5.3.2 no service"), Say(421, "4.3.2 busy")])
async def test_a_bad_greeting_is_an_outcome(server: SmtpServer, act: Drop | Babble | Say) -> None:
    server.tell("greeting", act)
    plain = Server.parse(f"smtp://127.0.0.1:{server.port}")
    outcome = await unreachable(SmtpTransport(plain, patience=Patience(connect=0.5)))
    assert outcome.step is SmtpStage.CONNECT


def test_tls_contexts_check_names_and_certificates() -> None:
    context = ssl.create_default_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_server_may_say_how_much_of_the_mail_it_takes() -> None:
    assert Server.parse("smtp://mail.example.org?weight=0.25").weight == 0.25
    assert Server.parse("smtp://mail.example.org").weight == 1
    for nonsense in ("much", "-1", "inf", "nan"):
        with pytest.raises(ConfigError, match="weight"):
            Server.parse(f"smtp://mail.example.org?weight={nonsense}")
