"""Returned mail: forged reports are ignored, real ones count once, complaints suppress at once."""

import base64
import json
import quopri
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.bounces.mailbox import (
    BounceRunSummary,
    Maildir,
    find_unsubscribe_token,
    open_mailbox,
    read_bounces,
    read_webhook,
    sign_webhook,
)
from digest.delivery.bounces.reports import parse_report
from digest.delivery.bounces.return_path import build_return_address, parse_return_address
from digest.models import BounceKind, BounceReport, Status, Subscriber
from digest.models.errors import ConfigError, DeliveryError, InvalidToken
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness, make_smtp_route
from tests.smtp_server import SmtpServer

KEY, RETIRED = b"the key of today", b"the key of last year"
DOMAIN = "bounce.papers.test"
PUBLIC_ID = "abcdefgh234567zz"


def make_report(
    to: str, *, status: str = "5.1.1", action: str = "failed", kind: str = "delivery-status", more: str = ""
) -> bytes:
    """Return a delivery report as mail servers write them."""
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
Original-Envelope-Id: {PUBLIC_ID}

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


def make_complaint(to: str, quoted: str, *, feedback: str = "abuse") -> bytes:
    """Return a complaint in the form of RFC 5965, quoting a return address."""
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
Original-Mail-From: <{quoted}>

--=_c
Content-Type: message/rfc822

From: digest@papers.test
Subject: your papers

Hi.
--=_c--
""".encode()


def make_return_address(public_id: str = PUBLIC_ID, key: bytes = KEY) -> str:
    return build_return_address(public_id, domain=DOMAIN, key=key)


@given(public_id=st.from_regex(r"[a-z2-7]{8,32}", fullmatch=True), index=st.integers(0, 10**6))
def test_return_address_reads_back_and_no_character_can_be_changed(public_id: str, index: int) -> None:
    address = make_return_address(public_id)
    assert len(address.partition("@")[0]) <= 64
    assert parse_return_address(address, keys=[KEY]) == public_id
    local = address.partition("@")[0]
    index %= len(local)
    changed = local[:index] + ("x" if local[index] != "x" else "y") + local[index + 1 :] + "@" + DOMAIN
    assert parse_return_address(changed, keys=[KEY]) is None


def test_a_retired_key_still_reads_its_addresses() -> None:
    assert parse_return_address(make_return_address(key=RETIRED), keys=[KEY, RETIRED]) == PUBLIC_ID
    assert parse_return_address(make_return_address(key=RETIRED), keys=[KEY]) is None


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
        ("nonsense", BounceKind.UNSURE),  # by the reply it quotes
    ],
)
def test_a_report_means_what_its_status_says(status: str, kind: BounceKind) -> None:
    report = parse_report(make_report(make_return_address(), status=status), keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind) == (PUBLIC_ID, kind)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_report_that_is_no_failure_is_ignored(action: str) -> None:
    assert parse_report(make_report(make_return_address(), action=action), keys=[KEY]) is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("550 5.1.1 User unknown", BounceKind.HARD),
        ("550 message refused: bad reputation", BounceKind.OTHER),
        ("554 This mailbox is disabled", BounceKind.UNSURE),
    ],
)
def test_reply_that_a_gateway_of_cisco_quotes_is_read(reply: str, kind: BounceKind) -> None:
    raw = make_report(make_return_address(), status="5.0.0").decode()
    quoted = f"X-Supplementary-Info: <mx.example.com #5.0.0 smtp;\r\n {reply}>"
    raw = raw.replace("Diagnostic-Code: smtp; 550 5.0.0 told you so", quoted)
    report = parse_report(raw.encode(), keys=[KEY])
    assert report is not None
    assert report.kind is kind


def test_36_a_forged_return_address_is_ignored() -> None:
    assert parse_report(make_report(f"b+{PUBLIC_ID}.0123456789abcdef@{DOMAIN}"), keys=[KEY]) is None


def test_36_an_out_of_office_note_has_no_effect() -> None:
    head = f"From: ada@example.com\r\nTo: {make_return_address()}\r\nAuto-Submitted: auto-replied"
    assert parse_report(f"{head}\r\n\r\nI am away. 550 5.1.1\r\n".encode(), keys=[KEY]) is None


def test_36_complaint_is_matched_by_the_quoted_return_address() -> None:
    report = parse_report(make_complaint("fbl@papers.test", make_return_address()), keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind, report.code) == (PUBLIC_ID, BounceKind.COMPLAINT, "abuse")
    assert (
        parse_report(make_complaint("fbl@papers.test", "b+forged22.0123456789abcdef@x.test"), keys=[KEY])
        is None
    )


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [
        ("Abuse ", BounceKind.COMPLAINT),
        ("abuse; score=1", BounceKind.COMPLAINT),
        ("fraud", BounceKind.COMPLAINT),
        ("other", BounceKind.COMPLAINT),
        ("opt-out-list", BounceKind.COMPLAINT),
        ("not-spam", BounceKind.OTHER),
        ("auth-failure", BounceKind.OTHER),
        ("virus", BounceKind.OTHER),
        ("", BounceKind.OTHER),
    ],
)
def test_feedback_is_a_complaint_as_it_is_for_amazon(feedback: str, kind: BounceKind) -> None:
    raw = make_complaint("fbl@papers.test", make_return_address(), feedback=feedback)
    report = parse_report(raw, keys=[KEY])
    assert report is not None
    assert report.kind is kind


def test_36_report_with_sixty_thousand_parts_is_parsed() -> None:
    many = "".join(f"--=_b\r\nContent-Type: message/rfc822\r\n\r\npart {n}\r\n" for n in range(60_000))
    report = parse_report(make_report(make_return_address(), more=many), keys=[KEY])
    assert report is not None
    assert report.kind is BounceKind.HARD


@pytest.mark.parametrize(
    "head",
    [
        "multipart/report; boundary*=idna''a..b",  # a codec without error handlers
        "multipart/report; boundary*=undefined''x",
        "multipart/report; report-type*=a'b'%E9; boundary=\"=_b\"",
        'multipart/report; boundary="=_\xe9"',
        'multipart/report; boundary="=_b"\nTo: ' + "(" * 50_000,
        'multipart/report; boundary="=_b"\nTo: ' + '"' * 50_001,
        'multipart/report; boundary="=_b"\nTo: ' + "a," * 100_000,
    ],
)
def test_36_no_message_stops_the_reading_of_later_ones(head: str) -> None:
    """A message that raises would be read again every time, and hide all that come after it."""
    status = "Reporting-MTA: dns; x\n\nAction: f\xe9iled\nStatus: 5.1.1\xe9\n"
    part = f"--=_b\nContent-Type: message/delivery-status\n\n{status}\n--=_b--\n"
    raw = f"To: {make_return_address()}\nContent-Type: {head}\n\n{part}"
    report = parse_report(raw.encode("latin-1"), keys=[KEY])
    assert report is None or report.kind is BounceKind.OTHER


def test_report_about_a_non_ascii_address_is_parsed() -> None:
    raw = make_report(make_return_address()).replace(
        b"message/delivery-status", b"message/global-delivery-status"
    )
    report = parse_report(raw.replace(b"rfc822; ada@", rb"utf-8; jos\x{E9}@"), keys=[KEY])
    assert report is not None
    assert (report.kind, report.recipient) == (BounceKind.HARD, "utf-8; josé@example.com")


QMAIL = """Hi. This is the qmail-send program at mail.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ada@example.com>:
{reply}

--- Below this line is a copy of the message.

Return-Path: <x>
Subject: 550 5.7.1 is not what was said
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  ada@example.com
    {reply}

------ This is a copy of the message, including all the headers. ------

Subject: 550 5.7.1 is not what was said
"""
EXIM_WARNING = EXIM.replace("This is a permanent error. The following address(es) failed:", "It is late.")


def make_notice(text: str, *, to: str = "", return_path: str = "<>", more: str = "") -> bytes:
    """Return a plain bounce."""
    to = to or make_return_address()
    head = f"Return-Path: {return_path}\nFrom: MAILER-DAEMON@mx.example.com\nTo: <{to}>\n{more}"
    return f"{head}Auto-Submitted: auto-replied\nSubject: failure notice\n\n{text}".encode()


@pytest.mark.parametrize(
    ("form", "reply", "kind"),
    [
        (QMAIL, "192.0.2.9 does not like recipient.\nRemote host said: 550 5.1.1 gone", BounceKind.HARD),
        (QMAIL, "Sorry, no mailbox here by that name. (#5.1.1)", BounceKind.HARD),
        (QMAIL, "Remote host said: 550 5.7.1 unknown user", BounceKind.OTHER),
        (
            QMAIL,
            "Connected to mx, but sender was rejected.\nRemote host said: 553 no",
            BounceKind.OTHER,
        ),
        (QMAIL, "Remote host said: 552 mailbox is over quota", BounceKind.SOFT),
        (QMAIL, "This message has been in the queue too long. (#4.4.1)", BounceKind.SOFT),
        (EXIM, "host mx.example.com [192.0.2.9]: 550-5.1.1 no such\n    550 5.1.1 user", BounceKind.HARD),
        (EXIM, "SMTP error after end of data: host mx [192.0.2.9]: 554 5.7.1 no", BounceKind.OTHER),
        (EXIM, "SMTP error after MAIL FROM:<b@papers.test>: 550 no", BounceKind.OTHER),
        (EXIM, "Unrouteable address", BounceKind.UNSURE),
        (EXIM, "retry timeout exceeded", BounceKind.SOFT),
    ],
)
def test_plain_bounce_of_qmail_or_exim_to_our_return_address_is_heard(
    form: str, reply: str, kind: BounceKind
) -> None:
    report = parse_report(make_notice(form.format(reply=reply)), keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind) == (PUBLIC_ID, kind)


@pytest.mark.parametrize(
    "raw",
    [
        make_notice(QMAIL.format(reply="550 5.1.1"), to=f"b+{PUBLIC_ID}.0123456789abcdef@{DOMAIN}"),
        make_notice(QMAIL.format(reply="550 5.1.1"), return_path="<ada@example.com>"),
        make_notice(EXIM_WARNING.format(reply="550 5.1.1")),
        make_notice("I am on holiday. 550 5.1.1 <ada@example.com>: no such user until Monday."),
        make_notice("I am away.", more="Content-Type: text/html\n"),
    ],
)
def test_plain_mail_that_is_no_bounce_of_ours_is_ignored(raw: bytes) -> None:
    assert parse_report(raw, keys=[KEY]) is None


FAILED_HEADER = "X-Failed-Recipients: ada@example.com\n"
TRANSLATED = """Diese Nachricht hat der Mailserver verfasst.

Ihre E-Mail konnte an diese Adresse nicht zugestellt werden:

  ada@example.com
    {reply}

------ Es folgt eine Kopie der E-Mail. ------

Subject: 550 5.7.1 is not what was said
"""


@pytest.mark.parametrize(
    ("reply", "kind"),
    [("host mx: 550 5.1.1 unbekannt", BounceKind.HARD), ("host mx: 552 Postfach voll", BounceKind.SOFT)],
)
def test_translated_bounce_of_exim_is_found_by_its_header(reply: str, kind: BounceKind) -> None:
    report = parse_report(make_notice(TRANSLATED.format(reply=reply), more=FAILED_HEADER), keys=[KEY])
    assert report is not None
    assert (report.kind, report.recipient) == (kind, "ada@example.com")


@pytest.mark.parametrize("reply", ["451 4.3.2 później", "host mx: 452 4.2.2 täis", "connection timed out"])
def test_translated_notice_without_a_lasting_refusal_may_be_one_of_delay(reply: str) -> None:
    text = TRANSLATED.format(reply=reply).replace("nicht", "noch nicht")
    assert parse_report(make_notice(text, more=FAILED_HEADER), keys=[KEY]) is None


@pytest.mark.parametrize("form", [EXIM, TRANSLATED])
def test_first_of_several_recipients_is_judged_by_its_own_reply(form: str) -> None:
    reply = "550 5.1.1 gone\n  bob@example.com\n    550 5.7.1 blocked as spam"
    header = FAILED_HEADER.replace("com\n", "com, bob@example.com\n")
    report = parse_report(make_notice(form.format(reply=reply), more=header), keys=[KEY])
    assert report is not None
    assert (report.kind, report.recipient) == (BounceKind.HARD, "ada@example.com")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        (TRANSLATED, ""),
        (EXIM_WARNING, FAILED_HEADER),
        (TRANSLATED, FAILED_HEADER.replace("ada", "bob")),
        (f"Ihre Nachricht ist verzögert.\n{TRANSLATED}", FAILED_HEADER),
    ],
)
def test_text_with_an_address_is_no_bounce_without_the_header_of_exim(text: str, more: str) -> None:
    assert parse_report(make_notice(text.format(reply="550 5.1.1 gone"), more=more), keys=[KEY]) is None


@pytest.mark.parametrize("field", ["X-Envelope-To", "X-Delivered-To", "X-Forwarded-To", "Apparently-To"])
def test_report_is_matched_by_any_field_with_our_return_address(field: str) -> None:
    head = f"{field}: <{make_return_address()}>\r\n".encode()
    raw = head + make_report("postmaster@papers.test")
    report = parse_report(raw, keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind) == (PUBLIC_ID, BounceKind.HARD)


def encode_status(raw: bytes, encoding: str) -> bytes:
    """Encode the delivery-status part of a report."""
    mark = b"Content-Type: message/delivery-status\r\n"
    head, _, rest = raw.partition(mark)
    status, _, tail = rest.lstrip().partition(b"\r\n--=_b")
    encode = base64.encodebytes if encoding == "base64" else quopri.encodestring
    heading = mark + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    return head + heading + encode(status) + b"\r\n--=_b" + tail


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize("outer", ["multipart/report", "multipart/mixed"])
@pytest.mark.parametrize("status", ["5.1.1", "5.7.1"])
def test_report_is_read_in_any_envelope_and_encoding(encoding: str, outer: str, status: str) -> None:
    raw = encode_status(make_report(make_return_address(), status=status), encoding)
    report = parse_report(raw.replace(b"multipart/report", outer.encode()), keys=[KEY])
    assert report is not None
    assert report.kind is (BounceKind.HARD if status == "5.1.1" else BounceKind.OTHER)


def test_report_inside_another_multipart_is_read() -> None:
    inner = make_report(make_return_address()).decode()
    head, _, body = inner.partition("Content-Type: multipart/report")
    outer = f'{head}Content-Type: multipart/mixed; boundary="=_o"\r\n\r\n--=_o\r\n'
    raw = f"{outer}Content-Type: multipart/report{body}\r\n--=_o\r\n\r\nA disclaimer.\r\n--=_o--\r\n"
    report = parse_report(raw.encode(), keys=[KEY])
    assert report is not None
    assert report.kind is BounceKind.HARD


@given(flips=st.lists(st.booleans(), min_size=64, max_size=64))
def test_return_address_is_read_in_any_case(flips: list[bool]) -> None:
    address = make_return_address()
    changed = "".join(
        letter.upper() if flip else letter for letter, flip in zip(address, flips * 2, strict=False)
    )
    assert parse_return_address(changed, keys=[KEY]) == PUBLIC_ID


TOKEN = "k1k1.abcdefgh234567zz.aaaabbbbccccddddeeee"


def make_copy(field: str) -> str:
    links = f"<https://papers.test/u/{TOKEN}>,\n <mailto:unsubscribe+{TOKEN}@papers.test>"
    return f"{field}\nFrom: digest@papers.test\nSubject: your papers\nList-Unsubscribe: {links}\n\nHi.\n"


def make_microsoft_complaint(copy: str, *, report: str = "", subject: str = "complaint about it") -> bytes:
    """Return a complaint as Microsoft's JMRP sends them: the copy, and at most a meagre report."""
    parts = "".join(
        f"--c\nContent-Type: {kind}\n\n{content}\n"
        for kind, content in (("message/feedback-report", report), ("message/rfc822", copy))
        if content
    )
    kind = "report; report-type=feedback-report" if report else "mixed"
    head = f"From: staff@fbl.test\nTo: fbl@papers.test\nSubject: {subject}\nMIME-Version: 1.0\n"
    return f'{head}Content-Type: multipart/{kind}; boundary="c"\n\n{parts}--c--\n'.encode()


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: mx.test; spf=pass smtp.mailfrom={}; dkim=none",
        "Received-SPF: Pass (mx.test: domain of {} designates 192.0.2.7) client-ip=192.0.2.7",
        'Received-SPF: pass\n envelope-from="{}"',
        "Return-Path: <{}>",
    ],
)
@pytest.mark.parametrize("report_text", ["Feedback-Type: abuse\nUser-Agent: JMRP/1.0\nVersion: 1", ""])
def test_complaint_is_matched_by_our_address_in_the_copy(field: str, report_text: str) -> None:
    copy = make_copy(field.format(make_return_address().upper()))
    report = parse_report(make_microsoft_complaint(copy, report=report_text), keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind) == (PUBLIC_ID, BounceKind.COMPLAINT)


def test_complaint_without_our_address_offers_the_token_of_the_copy() -> None:
    copy = make_copy("X-HmXmrOriginalRecipient: <ada@example.com>")
    report = parse_report(make_microsoft_complaint(copy, subject="x"), keys=[KEY])
    assert report is not None
    assert (report.public_id, report.kind, set(report.tokens)) == ("", BounceKind.COMPLAINT, {TOKEN})


@pytest.mark.parametrize("kind", [b"text/plain", b"application/octet-stream", b"Message/RFC822"])
@pytest.mark.parametrize("field", ["Return-Path: <{}>", "X-Mailer: none"])
def test_complaint_is_matched_whatever_the_copy_is_called(kind: bytes, field: str) -> None:
    copy = make_copy(field.format(make_return_address()))
    raw = make_microsoft_complaint(copy, report="Feedback-Type: abuse").replace(b"message/rfc822", kind)
    report = parse_report(raw, keys=[KEY])
    assert report is not None
    assert report.kind is BounceKind.COMPLAINT
    assert report.public_id == PUBLIC_ID or set(report.tokens) == {TOKEN}


def test_reported_mail_alone_is_a_complaint() -> None:
    copy = make_copy("X-HmXmrOriginalRecipient: <ada@example.com>")
    raw = f"From: staff@fbl.test\nSubject: x\nContent-Type: message/rfc822\n\n{copy}".encode()
    report = parse_report(raw, keys=[KEY])
    assert report is not None
    assert (report.kind, set(report.tokens)) == (BounceKind.COMPLAINT, {TOKEN})


def make_unsubscribe_mail(field: str) -> bytes:
    return f"To: papers@papers.test\n{field}: <unsubscribe+{TOKEN}@papers.test>\n\nHi.\n".encode()


@pytest.mark.parametrize("field", ["Cc", "X-Envelope-To", "X-Forwarded-To"])
def test_unsubscribe_address_counts_in_any_field_of_recipients(field: str) -> None:
    assert find_unsubscribe_token(make_unsubscribe_mail(field)) == TOKEN


@pytest.mark.parametrize("field", ["Reply-To", "In-Reply-To", "Subject", "List-Unsubscribe"])
def test_unsubscribe_address_does_not_count_in_other_fields(field: str) -> None:
    assert find_unsubscribe_token(make_unsubscribe_mail(field)) is None


@pytest.mark.parametrize("subject", ["Fwd: your papers", "Re: 12 papers"])
def test_mail_with_our_mail_attached_is_no_complaint(subject: str) -> None:
    raw = make_microsoft_complaint(make_copy("X-Forwarded: yes"), subject=subject)
    assert parse_report(raw, keys=[KEY]) is None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"type": "hard"}, BounceKind.HARD),
        ({"type": "hard", "code": "5.7.1"}, BounceKind.OTHER),
        ({"type": "hard", "code": "550"}, BounceKind.HARD),
        ({"type": "hard", "code": "5.2.2"}, BounceKind.SOFT),
        ({"type": "hard", "code": "550", "reply": "550 blocked using a DNSBL"}, BounceKind.OTHER),
        ({"type": "soft", "code": "4.7.0"}, BounceKind.OTHER),
        ({"type": "soft", "code": "4.4.1"}, BounceKind.SOFT),
        ({"type": "unsure", "code": "5.1.1"}, BounceKind.HARD),
        ({"type": "complaint", "code": "5.7.1"}, BounceKind.COMPLAINT),
        ({"type": "other", "code": "5.1.1"}, BounceKind.OTHER),
    ],
)
def test_webhook_is_judged_by_its_code_and_words(fields: dict[str, str], kind: BounceKind) -> None:
    body = json.dumps({"envelope": make_return_address(), **fields}).encode()
    report = read_webhook(body, sign_webhook(body, b"s", at=1000), secret=b"s", keys=[KEY], now=1000.0)
    assert report is not None
    assert report.kind is kind


@pytest.mark.parametrize(
    "url",
    [
        "imaps://user:Top#Secret@mail.example.com/INBOX",
        "imaps://user:Top/Secret@mail.example.com/INBOX",
        "imaps://user:12/Secret@mail.example.com/INBOX",
        "imaps://user:12?Secret@mail.example.com/INBOX",
        "imaps://user:[Secret@mail.example.com/INBOX",
    ],
)
def test_no_piece_of_a_mailbox_password_is_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="percent-encode") as error, open_mailbox(url):
        pass
    assert "Secret" not in str(error.value)
    assert error.value.__cause__ is None


def test_36_maildir_with_a_huge_message_is_read_and_marked(tmp_path: Path) -> None:
    mailbox = make_maildir(tmp_path / "box")
    huge = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 60_000 + b"\xff"
    (tmp_path / "box/new/1.host").write_bytes(huge)
    (tmp_path / "box/new/2.host:2,").write_bytes(b"To: x@y\r\n\r\n")
    assert [name for name, _ in mailbox.unread()] == ["1.host", "2.host:2,"]
    for name in ("1.host", "2.host:2,", "1.host"):  # the second time another process was first
        mailbox.mark_read(name)
    assert list(mailbox.unread()) == []
    assert (tmp_path / "box/cur/1.host:2,S").read_bytes() == huge
    assert (tmp_path / "box/cur/2.host:2,S").exists()


@given(st.binary(max_size=400))
def test_parse_report_survives_any_bytes(noise: bytes) -> None:
    assert parse_report(noise, keys=[KEY]) is None
    heading = (
        b"Content-Type: multipart/report; boundary=x\r\nTo: "
        + make_return_address().encode()
        + b"\r\n\r\n--x\r\n"
    )
    report = parse_report(heading + noise, keys=[KEY])
    assert report is None or report.public_id == PUBLIC_ID


async def send_digest(
    harness: DeliveryHarness, server: SmtpServer, reader: Subscriber | None = None
) -> tuple[Subscriber, str]:
    reader = reader or harness.add_reader()
    key = harness.queue_digest(reader)
    await harness.run(make_smtp_route(server))
    return reader, harness.row(key).public_id


def record_bounce(harness: DeliveryHarness, report: BounceReport) -> bool:
    with harness.store.begin() as tx:
        return tx.deliveries.record_bounce(report, now=harness.now, suppression_key=SUPPRESSION_KEY)


def make_maildir(folder: Path) -> Maildir:
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True)
    return Maildir(folder)


def test_a_maildir_that_does_not_exist_is_refused_and_not_created(tmp_path: Path) -> None:
    (tmp_path / "half" / "new").mkdir(parents=True)
    for name in ("typo", "half"):
        with (
            pytest.raises(ConfigError, match=f"{name} is not a Maildir"),
            open_mailbox(f"maildir:{tmp_path}/{name}"),
        ):
            pass
    assert not (tmp_path / "typo").exists()


def fill_maildir(folder: Path, *mails: bytes) -> None:
    make_maildir(folder)
    for number, mail in enumerate(mails):
        (folder / "new" / f"{number}.mail").write_bytes(mail)


async def test_36_the_bounce_mailbox_is_read_once_and_the_same_report_counts_once(
    any_harness: DeliveryHarness, server: SmtpServer, tmp_path: Path
) -> None:
    reader, public_id = await send_digest(any_harness, server)
    report = make_report(make_return_address(public_id), status="5.0.0")
    fill_maildir(tmp_path / "box", report, report, b"To: b@papers.test\r\n\r\nhello\r\n")
    with open_mailbox(f"maildir:{tmp_path}/box") as mailbox:
        assert read_bounces(
            mailbox, lambda report: record_bounce(any_harness, report), keys=[KEY]
        ) == BounceRunSummary(3, 1, 2)
        assert list(mailbox.unread()) == []
    assert any_harness.status(reader) is Status.CONFIRMED  # the second unexplained one would be too many


FAILED = "\n\nFinal-Recipient: rfc822; {}\nAction: failed\nStatus: 5.1.1\n"
OF_AN_ALIAS = FAILED.format("left.colleague@example.com")


@pytest.mark.parametrize(
    ("groups", "status"),
    [
        (FAILED.format("ada@example.com"), Status.UNSUBSCRIBED),
        (FAILED.format("<ADA+papers@mx.example.com>"), Status.UNSUBSCRIBED),
        (
            FAILED.format("ada@example.com") + "X-Actual-Recipient: rfc822; |/usr/bin/deliver",
            Status.UNSUBSCRIBED,
        ),
        (OF_AN_ALIAS, Status.CONFIRMED),
        (OF_AN_ALIAS + "Original-Recipient: rfc822; ada@example.com", Status.CONFIRMED),
        (FAILED.format("ada@example.com") + "X-Actual-Recipient: rfc822; grace@b.test", Status.CONFIRMED),
        (
            "\n\nFinal-Recipient: rfc822; b@c.test\nAction: relayed" + FAILED.format("ada@example.com"),
            Status.CONFIRMED,
        ),
        (OF_AN_ALIAS + "\n\nFinal-Recipient: rfc822; b@c.test\nAction: delivered\n", Status.CONFIRMED),
    ],
)
async def test_only_the_mailbox_of_the_reader_counts_not_one_behind_an_alias(
    harness: DeliveryHarness, server: SmtpServer, groups: str, status: Status
) -> None:
    reader = harness.add_reader()
    for _ in range(4):
        _, public_id = await send_digest(harness, server, reader)
        raw = make_report(make_return_address(public_id)).decode()
        head, _, rest = raw.partition("\r\n\r\nFinal-Recipient")
        raw = head + groups.replace("\n", "\r\n") + "\r\n--=_b" + rest.partition("--=_b")[2]
        if report := parse_report(raw.encode(), keys=[KEY]):
            record_bounce(harness, report)
        if harness.status(reader) is Status.UNSUBSCRIBED:
            break
        harness.advance(days=1)
    assert harness.status(reader) is status


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (QMAIL.format(reply="Remote host said: 550 5.1.1 gone"), Status.UNSUBSCRIBED),
        (QMAIL.format(reply="550 5.1.1 gone").replace("<ada@", "<left.colleague@"), Status.CONFIRMED),
        (EXIM.format(reply="host mx [192.0.2.9]: 550 5.1.1 gone"), Status.UNSUBSCRIBED),
        (
            EXIM.format(reply="(generated from ada@example.com)\n 550 5.1.1 gone").replace(
                "  ada@", "  grace@"
            ),
            Status.CONFIRMED,
        ),
    ],
)
async def test_plain_bounce_counts_if_it_is_of_the_mailbox_of_the_reader(
    harness: DeliveryHarness, server: SmtpServer, text: str, status: Status
) -> None:
    reader, public_id = await send_digest(harness, server)
    report = parse_report(make_notice(text, to=make_return_address(public_id)), keys=[KEY])
    assert report is not None
    assert record_bounce(harness, report)
    assert harness.status(reader) is status


async def test_36_a_complaint_suppresses_at_once(any_harness: DeliveryHarness, server: SmtpServer) -> None:
    reader, public_id = await send_digest(any_harness, server)
    report = parse_report(make_complaint("fbl@papers.test", make_return_address(public_id)), keys=[KEY])
    assert report is not None
    assert record_bounce(any_harness, report)
    assert any_harness.status(reader) is Status.UNSUBSCRIBED
    with any_harness.store.begin() as tx:
        assert [str(reason) for reason in tx.suppressions.count_by_reason()] == ["complaint"]


async def test_bounce_after_two_weeks_is_ignored(harness: DeliveryHarness, server: SmtpServer) -> None:
    reader, public_id = await send_digest(harness, server)
    harness.advance(days=15)
    assert not record_bounce(harness, BounceReport(public_id, BounceKind.HARD, "5.1.1", "x"))
    assert harness.status(reader) is Status.CONFIRMED


def test_webhook_is_accepted_only_with_our_signature_and_only_when_recent() -> None:
    body = json.dumps({"envelope": make_return_address(), "type": "hard", "code": "5.1.1"}).encode()
    signature = sign_webhook(body, b"shared", at=1000)
    report = read_webhook(body, signature, secret=b"shared", keys=[KEY], now=1010.0)
    assert report is not None
    assert (report.public_id, report.kind) == (PUBLIC_ID, BounceKind.HARD)
    for wrong in (
        {"secret": b"other", "now": 1010.0},
        {"secret": b"shared", "now": 1000.0 + timedelta(hours=1).total_seconds()},
        {"secret": b"", "now": 1010.0},
    ):
        with pytest.raises(InvalidToken):
            read_webhook(body, signature, keys=[KEY], **wrong)  # type: ignore[arg-type]  # keyword arguments of two types
    with pytest.raises(InvalidToken):
        read_webhook(body + b" ", signature, secret=b"shared", keys=[KEY], now=1010.0)


@pytest.mark.parametrize("signature", ["t=²,v1=00", "t=1,v1=é", "t=" + "9" * 5000 + ",v1=0", "t=,v1=", ","])
def test_malformed_signature_is_refused(signature: str) -> None:
    with pytest.raises(InvalidToken):
        read_webhook(b"{}", signature, secret=b"shared", keys=[KEY], now=1000.0)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"envelope": 7, "type": "hard"}', b"[" * 100_000, b'{"envelope":' * 100_000],
    ids=lambda body: body[:20],
)
def test_webhook_without_a_valid_report_is_ignored(body: bytes) -> None:
    signature = sign_webhook(body, b"shared", at=1000)
    assert read_webhook(body, signature, secret=b"shared", keys=[KEY], now=1000.0) is None


def test_invalid_mailbox_url_gives_an_error_with_the_right_form() -> None:
    with pytest.raises(ConfigError, match="maildir:/path"), open_mailbox("pop3://x"):
        pass


def test_unreachable_imap_server_gives_an_error() -> None:
    with (
        pytest.raises(DeliveryError, match=r"127\.0\.0\.1 cannot be read"),
        open_mailbox("imap://user:pass@127.0.0.1:1/INBOX"),
    ):
        pass
