"""The messages a mail server receives, byte for byte, from the subscriber to SMTP."""

import re
from email import message_from_bytes, policy

import pytest

from digest.app import run
from digest.app.services import Services
from digest.app.settings import load_settings
from digest.db import Database
from digest.models import Schedule, Status
from digest.pipeline.plan import plan_editions
from digest.subscribers import Actor, add_subscriber
from tests.factories import NOW, make_paper
from tests.smtp_server import AcceptedMessage, SmtpServer
from tests.web.visit import Clock

LONG_BASE_URL = "https://" + "a-long-way-down." * 12 + "example.org/"
HOSTILE_TITLE = "Grüße\r\nBcc: victim@example.com — sheep\x07"


async def send_digest(
    store: Database, server: SmtpServer, address: str, **options: object
) -> AcceptedMessage:
    """Send a new subscriber a digest; return it as it arrives."""
    settings: dict[str, object] = {
        "secret_key": "a secret of the tests", "smtp_url": server.url, "from_": "digest@papers.example.org",
        "base_url": "https://papers.example.org", "reply_to": "editor@papers.example.org", **options,
    }  # fmt: skip
    services = Services(load_settings(**settings), store)
    with store.begin() as tx:
        tx.papers.add([make_paper(HOSTILE_TITLE, first_seen=None)], seen_at=NOW)
        reader = add_subscriber(
            tx, address, {}, has_consented=True, actor=Actor("test", NOW, services.suppression_key)
        )
        tx.subscribers.set_next_due({reader.id: NOW})
        assert (reader.status, reader.schedule) == (Status.CONFIRMED, Schedule())
    plan_editions(store, NOW)
    await run.send(services, Clock())
    local_part = address.partition("@")[0]
    (mail,) = (mail for mail in server.accepted if mail.rcpt_to.partition("@")[0] == local_part)
    return mail


def read_headers(mail: AcceptedMessage) -> list[tuple[str, str]]:
    """Return names and values of the headers, still folded."""
    raw = mail.raw.partition(b"\r\n\r\n")[0].decode()
    return [
        (name, value) for name, _, value in (field.partition(": ") for field in re.split(r"\r\n(?=\S)", raw))
    ]


async def test_every_header_of_a_digest_arrives_as_it_should(any_store: Database, server: SmtpServer) -> None:
    mail = await send_digest(
        any_store, server, "ada@example.com", bounce_secret="s", bounce_domain="b.example.org"
    )
    headers = read_headers(mail)
    patterns = {
        "From": r"Trending Papers <digest@papers\.example\.org>",
        "To": r"ada@example\.com",
        "Subject": r"[^\r\n]{1,78}(\r\n [^\r\n]+)*",
        "Date": r"Mon, 23 Nov 2026 \d\d:\d\d:00 \+0000",
        "Message-ID": r"<d\.2026-11-23\.[\w-]+@papers\.example\.org>",
        "Reply-To": r"editor@papers\.example\.org",
        "List-Id": r'"Trending Papers" <daily\.papers\.example\.org>',
        "List-Unsubscribe": r"<https://papers\.example\.org/u/[\w.-]+>",
        "List-Unsubscribe-Post": r"List-Unsubscribe=One-Click",
        "List-Help": r"<https://papers\.example\.org/p/[\w.-]+>",
        "List-Owner": r"<mailto:editor@papers\.example\.org>",
        "List-Post": r"NO",
        "List-Archive": r"<https://papers\.example\.org/archive>",
        "Archived-At": r"<https://papers\.example\.org/archive/2026-11-23>",
        "Auto-Submitted": r"auto-generated",
        "X-Auto-Response-Suppress": r"OOF, AutoReply",
        "Feedback-ID": r"20261123:digest:papersexampleorg",
        "Content-Language": r"en",
        "MIME-Version": r"1\.0",
        "Content-Type": r'multipart/alternative; boundary="=_\w+"',
    }
    assert sorted(name for name, _ in headers) == sorted(patterns)  # each once, and no others
    wrong = [(name, value) for name, value in headers if not re.fullmatch(patterns[name], value)]
    assert wrong == []
    assert re.fullmatch(r"b\+[a-z2-7]+\.[0-9a-f]{16}@b\.example\.org", mail.mail_from)
    assert re.search(r"SIZE=\d+ RET=HDRS ENVID=[a-z2-7]+$", mail.mail_options)
    assert mail.rcpt_options == "NOTIFY=FAILURE ORCPT=rfc822;ada@example.com"


async def test_every_line_is_short_seven_bit_and_free_of_control_characters(
    store: Database, server: SmtpServer
) -> None:
    mail = await send_digest(store, server, "ada@example.com")
    lines = mail.raw.split(b"\r\n")
    assert max(map(len, lines[lines.index(b"") :])) <= 76
    assert max(map(len, lines)) <= 998
    assert not re.search(rb"[^\r\n\t\x20-\x7e]|\r(?!\n)|(?<!\r)\n", mail.raw)
    parsed = message_from_bytes(mail.raw, policy=policy.default)
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert "victim@example.com" not in {name for name, _ in read_headers(mail)} | {
        str(parsed["Bcc"]),
        mail.rcpt_to,
    }


async def test_26_long_unsubscribe_link_arrives_on_one_line_unencoded(
    store: Database, server: SmtpServer
) -> None:
    mail = await send_digest(
        store, server, "ada@example.com", base_url=LONG_BASE_URL.rstrip("/"), bounce_mailbox="maildir:/x"
    )
    (value,) = (value for name, value in read_headers(mail) if name == "List-Unsubscribe")
    assert re.fullmatch(
        rf"<{LONG_BASE_URL}u/[\w.-]+>, <mailto:unsubscribe\+[\w.-]+@papers\.example\.org>", value
    )
    assert len(value) > 200
    assert b"=?" not in mail.raw.partition(b"\r\nList-Unsubscribe")[2].partition(b"\r\n")[0]
    mailto = re.search(r"mailto:([^@]+)@", value)
    assert mailto
    assert len(mailto[1]) <= 64  # the longest local part of an address


@pytest.mark.parametrize("extensions", [("SMTPUTF8", "DSN"), ()])
async def test_27_non_ascii_domain_needs_no_server_extension(
    store: Database, server: SmtpServer, extensions: tuple[str, ...]
) -> None:
    server.extensions = extensions
    mail = await send_digest(store, server, "ada@bücher.example", from_="post@zürich.example")
    assert mail.rcpt_to == "ada@xn--bcher-kva.example"
    assert mail.mail_from == "post@xn--zrich-kva.example"
    assert "SMTPUTF8" not in mail.mail_options
    assert ("To", "ada@xn--bcher-kva.example") in read_headers(mail)
    assert b"=?" not in b"".join(
        line for line in mail.raw.split(b"\r\n") if line.startswith((b"To:", b"List-"))
    )
