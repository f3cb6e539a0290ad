"""What do returned mails do? Forged ones nothing, real ones once, complaints at once."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.bounces.mailbox import (
    BounceRunSummary,
    Maildir,
    open_mailbox,
    read_bounces,
    read_webhook,
    sign_webhook,
)
from digest.delivery.bounces.reports import BounceReport, read_report
from digest.delivery.bounces.return_path import delivery_behind, return_address
from digest.models import BounceKind, Status, Subscriber
from digest.models.errors import ConfigError, DeliveryError, InvalidToken
from tests.delivery.harness import PEPPER, Post, route_to
from tests.smtp_server import SmtpServer

KEY, RETIRED = b"the key of today", b"the key of last year"
DOMAIN = "bounce.papers.test"
PID = "abcdefgh234567zz"


def returned(
    to: str, *, status: str = "5.1.1", action: str = "failed", kind: str = "delivery-status", more: str = ""
) -> bytes:
    """A delivery report as mail servers write them."""
    return f"""From: MAILER-DAEMON@mx.example.com
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary="=_b"

--=_b
Content-Type: text/plain

Sorry. 5.7.1 is what this text says, and nobody reads it.
--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Original-Envelope-Id: {PID}

Final-Recipient: rfc822; ada@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} told you so
{more}
--=_b
Content-Type: text/rfc822-headers

Return-Path: <someone@else.test>
Subject: your papers

--=_b--
""".replace("\n", "\r\n").encode()


def complaint(to: str, inside: str, *, feedback: str = "abuse") -> bytes:
    """A complaint in the form of RFC 5965."""
    return f"""From: fbl@provider.test
To: {to}
Content-Type: multipart/report; report-type=feedback-report; boundary="=_c"

--=_c
Content-Type: text/plain

This is an email abuse report.
--=_c
Content-Type: message/feedback-report

Feedback-Type: {feedback}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{inside}>

--=_c
Content-Type: message/rfc822

From: digest@papers.test
Subject: your papers

Hi.
--=_c--
""".encode()


def ours(pid: str = PID, key: bytes = KEY) -> str:
    return return_address(pid, domain=DOMAIN, key=key)


@given(pid=st.from_regex(r"[a-z2-7]{8,32}", fullmatch=True), place=st.integers(0, 10**6))
def test_a_return_address_is_known_again_and_no_letter_of_it_can_be_changed(pid: str, place: int) -> None:
    address = ours(pid)
    assert len(address.partition("@")[0]) <= 64
    assert delivery_behind(address, keys=[KEY]) == pid
    local = address.partition("@")[0]
    place %= len(local)
    changed = local[:place] + ("x" if local[place] != "x" else "y") + local[place + 1 :] + "@" + DOMAIN
    assert delivery_behind(changed, keys=[KEY]) is None


def test_a_retired_key_still_reads_its_addresses() -> None:
    assert delivery_behind(ours(key=RETIRED), keys=[KEY, RETIRED]) == PID
    assert delivery_behind(ours(key=RETIRED), keys=[KEY]) is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", BounceKind.HARD),
        ("5.1.10", BounceKind.HARD),
        ("5.2.2", BounceKind.SOFT),
        ("4.4.7", BounceKind.SOFT),
        ("5.0.0", BounceKind.UNSURE),
        ("5.7.1", BounceKind.OTHER),
        ("5.3.4", BounceKind.OTHER),
        ("nonsense", BounceKind.OTHER),
    ],
)
def test_a_report_means_what_its_status_says(status: str, kind: BounceKind) -> None:
    heard = read_report(returned(ours(), status=status), keys=[KEY])
    assert heard is not None
    assert (heard.pid, heard.kind) == (PID, kind)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_report_that_is_no_failure_is_nothing(action: str) -> None:
    assert read_report(returned(ours(), action=action), keys=[KEY]) is None


def test_36_a_forged_return_address_is_ignored() -> None:
    assert read_report(returned(f"b+{PID}.0123456789abcdef@{DOMAIN}"), keys=[KEY]) is None


def test_36_an_out_of_office_note_has_no_effect() -> None:
    head = f"From: ada@example.com\r\nTo: {ours()}\r\nAuto-Submitted: auto-replied"
    assert read_report(f"{head}\r\n\r\nI am away. 550 5.1.1\r\n".encode(), keys=[KEY]) is None


def test_36_a_complaint_quotes_the_return_address() -> None:
    heard = read_report(complaint("fbl@papers.test", ours()), keys=[KEY])
    assert heard is not None
    assert (heard.pid, heard.kind, heard.code) == (PID, BounceKind.COMPLAINT, "abuse")
    praise = read_report(complaint("fbl@papers.test", ours(), feedback="not-spam"), keys=[KEY])
    assert praise is not None
    assert praise.kind is BounceKind.OTHER
    assert read_report(complaint("fbl@papers.test", "b+forged22.0123456789abcdef@x.test"), keys=[KEY]) is None


def test_36_sixty_thousand_parts_are_no_burden() -> None:
    many = "".join(f"--=_b\r\nContent-Type: message/rfc822\r\n\r\npart {n}\r\n" for n in range(60_000))
    heard = read_report(returned(ours(), more=many), keys=[KEY])
    assert heard is not None
    assert heard.kind is BounceKind.HARD


@pytest.mark.parametrize(
    "head",
    [
        "multipart/report; boundary*=idna''a..b",  # a codec that knows no error handling
        "multipart/report; boundary*=undefined''x",
        "multipart/report; report-type*=a'b'%E9; boundary=\"=_b\"",
        'multipart/report; boundary="=_\xe9"',
        'multipart/report; boundary="=_b"\nTo: ' + "(" * 50_000,
        'multipart/report; boundary="=_b"\nTo: ' + '"' * 50_001,
        'multipart/report; boundary="=_b"\nTo: ' + "a," * 100_000,
    ],
)
def test_36_no_mail_stops_the_reading_of_those_behind_it(head: str) -> None:
    """A mail that raises would be met again at every reading, and hide all that come after it."""
    inside = "Reporting-MTA: dns; x\n\nAction: f\xe9iled\nStatus: 5.1.1\xe9\n"
    part = f"--=_b\nContent-Type: message/delivery-status\n\n{inside}\n--=_b--\n"
    raw = f"To: {ours()}\nContent-Type: {head}\n\n{part}"
    heard = read_report(raw.encode("latin-1"), keys=[KEY])
    assert heard is None or heard.kind is BounceKind.OTHER


def test_a_report_about_an_address_beyond_ascii_is_one_too() -> None:
    raw = returned(ours()).replace(b"message/delivery-status", b"message/global-delivery-status")
    heard = read_report(raw, keys=[KEY])
    assert heard is not None
    assert heard.kind is BounceKind.HARD


def test_36_a_mailbox_of_many_read_mails_and_one_monster_is_read_at_once(tmp_path: Path) -> None:
    box = Maildir(tmp_path / "box")
    monster = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 60_000 + b"\xff"
    (tmp_path / "box/new/1.host").write_bytes(monster)
    (tmp_path / "box/new/2.host:2,").write_bytes(b"To: x@y\r\n\r\n")
    assert [name for name, _ in box.unread()] == ["1.host", "2.host:2,"]
    for name in ("1.host", "2.host:2,", "1.host"):  # the second time somebody else was first
        box.mark_read(name)
    assert list(box.unread()) == []
    assert (tmp_path / "box/cur/1.host:2,S").read_bytes() == monster
    assert (tmp_path / "box/cur/2.host:2,S").exists()


@given(st.binary(max_size=400))
def test_no_mail_upsets_the_reader(noise: bytes) -> None:
    assert read_report(noise, keys=[KEY]) is None
    heading = b"Content-Type: multipart/report; boundary=x\r\nTo: " + ours().encode() + b"\r\n\r\n--x\r\n"
    heard = read_report(heading + noise, keys=[KEY])
    assert heard is None or heard.pid == PID


async def delivered(post: Post, server: SmtpServer) -> tuple[Subscriber, str]:
    reader = post.reader()
    key = post.digest(reader)
    await post.run(route_to(server))
    return reader, post.row(key).pid


def hear_in(post: Post, heard: BounceReport) -> bool:
    with post.store.begin() as tx:
        return tx.deliveries.report(
            heard.pid,
            heard.kind,
            now=post.now,
            code=heard.code,
            raw_hash=heard.raw_hash,
            suppression_key=PEPPER,
        )


def drop_into(folder: Path, *mails: bytes) -> None:
    Maildir(folder)
    for number, mail in enumerate(mails):
        (folder / "new" / f"{number}.mail").write_bytes(mail)


async def test_36_the_bounce_mailbox_is_read_once_and_the_same_report_counts_once(
    any_post: Post, server: SmtpServer, tmp_path: Path
) -> None:
    reader, pid = await delivered(any_post, server)
    report = returned(ours(pid), status="5.0.0")
    drop_into(tmp_path / "box", report, report, b"To: b@papers.test\r\n\r\nhello\r\n")
    with open_mailbox(f"maildir:{tmp_path}/box") as box:
        assert read_bounces(box, lambda heard: hear_in(any_post, heard), keys=[KEY]) == BounceRunSummary(
            3, 1, 2
        )
        assert list(box.unread()) == []
    assert any_post.status(reader) is Status.CONFIRMED  # the second unexplained one would be too many


async def test_36_a_complaint_suppresses_at_once(any_post: Post, server: SmtpServer) -> None:
    reader, pid = await delivered(any_post, server)
    heard = read_report(complaint("fbl@papers.test", ours(pid)), keys=[KEY])
    assert heard is not None
    assert hear_in(any_post, heard)
    assert any_post.status(reader) is Status.UNSUBSCRIBED
    with any_post.store.begin() as tx:
        assert [str(reason) for reason in tx.suppressions.count()] == ["complaint"]


async def test_a_bounce_after_two_weeks_is_not_believed(post: Post, server: SmtpServer) -> None:
    reader, pid = await delivered(post, server)
    post.later(days=15)
    assert not hear_in(post, BounceReport(pid, BounceKind.HARD, "5.1.1", "x"))
    assert post.status(reader) is Status.CONFIRMED


def test_a_webhook_is_believed_only_with_our_signature_and_only_now() -> None:
    body = json.dumps({"envelope": ours(), "type": "hard", "code": "5.1.1"}).encode()
    signature = sign_webhook(body, b"shared", at=1000)
    heard = read_webhook(body, signature, secret=b"shared", keys=[KEY], now=1010.0)
    assert heard is not None
    assert (heard.pid, heard.kind) == (PID, BounceKind.HARD)
    for wrong in (
        {"secret": b"other", "now": 1010.0},
        {"secret": b"shared", "now": 1000.0 + timedelta(hours=1).total_seconds()},
        {"secret": b"", "now": 1010.0},
    ):
        with pytest.raises(InvalidToken):
            read_webhook(body, signature, keys=[KEY], **wrong)  # type: ignore[arg-type]  # two shapes of wrong
    with pytest.raises(InvalidToken):
        read_webhook(body + b" ", signature, secret=b"shared", keys=[KEY], now=1010.0)


@pytest.mark.parametrize("signature", ["t=²,v1=00", "t=1,v1=é", "t=" + "9" * 5000 + ",v1=0", "t=,v1=", ","])
def test_a_signature_of_any_letters_is_refused_in_the_same_way(signature: str) -> None:
    with pytest.raises(InvalidToken):
        read_webhook(b"{}", signature, secret=b"shared", keys=[KEY], now=1000.0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"envelope": 7, "type": "hard"}'])
def test_a_webhook_without_sense_is_nothing(body: bytes) -> None:
    signature = sign_webhook(body, b"shared", at=1000)
    assert read_webhook(body, signature, secret=b"shared", keys=[KEY], now=1000.0) is None


def test_a_mailbox_address_that_makes_no_sense_says_how_it_should_read() -> None:
    with pytest.raises(ConfigError, match="maildir:/path"), open_mailbox("pop3://x"):
        pass


def test_an_imap_server_that_is_not_there_is_a_sentence() -> None:
    with (
        pytest.raises(DeliveryError, match=r"127\.0\.0\.1 cannot be read"),
        open_mailbox("imap://user:pass@127.0.0.1:1/INBOX"),
    ):
        pass
