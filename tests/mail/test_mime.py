"""MIME messages: headers, encoding and stable message ids."""

import re
from binascii import a2b_qp
from dataclasses import replace
from datetime import timedelta, timezone
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.links import Links
from digest.mail.mime import build_digest_message, build_notice_message, notice_message_id
from digest.mail.quoted_printable import encode_header
from digest.models import Email
from tests.factories import NOW
from tests.mail.examples import BULK, LINKS, READER, SITE, make_edition, render_every_mail

EMAIL = BULK.render_email(make_edition())


def find_header_lines(raw: bytes, name: str) -> list[str]:
    return [
        line for line in raw.partition(b"\r\n\r\n")[0].decode().split("\r\n") if line.startswith(f"{name}:")
    ]


def test_the_same_edition_gives_the_same_bytes() -> None:
    first = build_digest_message(EMAIL, make_edition(), site=SITE, links=LINKS)
    assert first == build_digest_message(
        BULK.render_email(make_edition()), make_edition(), site=SITE, links=LINKS
    )
    assert b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n" in first
    assert b"Message-ID: <d.2026-11-23.reader0001@papers.example.org>\r\n" in first


def test_a_long_unsubscribe_address_stays_whole_on_its_line() -> None:
    links = Links("https://a-very-long-name." + "sub." * 40 + "example.org", LINKS.keys)
    raw = build_digest_message(EMAIL, make_edition(), site=SITE, links=links)
    assert len(links.unsubscribe_url(READER.public_id)) > 200
    assert find_header_lines(raw, "List-Unsubscribe")[0].startswith(
        f"List-Unsubscribe: <{links.unsubscribe_url(READER.public_id)}>, <mailto:"
    )
    assert b"=?utf-8?" not in raw.partition(b"\r\n\r\n")[0]


def test_non_ascii_domains_are_converted() -> None:
    site = replace(SITE, sender="post@bücher.example", brand="Bücher täglich")
    edition = make_edition(reader=replace(READER, address="jörg@straße.example"))
    head = build_digest_message(EMAIL, edition, site=site, links=LINKS).partition(b"\r\n\r\n")[0].decode()
    assert "From: =?utf-8?q?B=C3=BCcher_t=C3=A4glich?= <post@xn--bcher-kva.example>\r\n" in head
    assert "To: jörg@xn--strae-oqa.example\r\n" in head
    assert "List-Id: <daily.xn--bcher-kva.example>\r\n" in head


@pytest.mark.parametrize("brand", ["Papers, Inc. <daily>", 'The "Papers"', "A\r\nBcc: x@example.com"])
def test_any_brand_stays_one_display_name(brand: str) -> None:
    raw = build_digest_message(EMAIL, make_edition(), site=replace(SITE, brand=brand), links=LINKS)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["From"].addresses[0].addr_spec == SITE.sender
    assert parsed["From"].addresses[0].display_name == " ".join(brand.split())
    assert parsed["Bcc"] is None


@given(st.text(max_size=200))
def test_no_subject_can_end_its_header_and_every_one_reads_back(text: str) -> None:
    raw = build_digest_message(Email(text, "t\n", "<p>h</p>\n"), make_edition(), site=SITE, links=LINKS)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed.keys().count("Subject") == 1
    plain = build_digest_message(EMAIL, make_edition(), site=SITE, links=LINKS)
    assert parsed.keys() == message_from_bytes(plain, policy=policy.default).keys()
    line = encode_header(text)
    assert not re.search(r"\r\n(?! )|\r(?!\n)|(?<!\r)\n", line)
    assert all(len(part) <= 76 for part in line.split("\r\n ")) or line.isascii()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
def test_any_text_decodes_to_itself(text: str) -> None:
    raw = build_notice(Email("s", text + "\n", "<p>x</p>\n"))
    body = raw.partition(b"text/plain")[2].partition(b"\r\n\r\n")[2].partition(b"\r\n--=_")[0]
    assert a2b_qp(body).decode().replace("\r\n", "\n") == text.replace("\r", "") + "\n"


def build_notice(email: Email, **changes: Any) -> bytes:
    fields = {"to": "ada@example.com", "at": NOW, "key": "confirm/1/1", "site": SITE, "language": "en"}
    return build_notice_message(email, **{**fields, **changes})


def test_notices_have_their_own_sender_and_no_list_headers() -> None:
    raw = render_every_mail()["confirm"][1]
    assert find_header_lines(raw, "From") == ["From: Trending Papers <confirm@papers.example.org>"]
    assert b"\r\nList-" not in raw


def test_confirmation_can_be_refused_by_one_click() -> None:
    raw = build_notice(render_every_mail()["confirm"][0], unsubscribe_url="https://x.example/u/T")
    assert find_header_lines(raw, "List-Unsubscribe") == ["List-Unsubscribe: <https://x.example/u/T>"]
    assert find_header_lines(raw, "List-Unsubscribe-Post") == [
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
    ]


def test_notice_has_to_subject_date_and_reply_to() -> None:
    site = replace(SITE, reply_to="desk@papers.example.org")
    at = NOW.astimezone(timezone(timedelta(hours=5)))
    raw = build_notice(Email("Sheep", "t\n", "<p>h</p>\n"), at=at, site=site)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert (parsed["To"], parsed["Subject"]) == ("ada@example.com", "Sheep")
    assert parsed["Message-ID"] == notice_message_id(SITE, "confirm/1/1")
    assert parsed["Message-ID"].endswith("@papers.example.org>")
    assert parsed["Date"].datetime == NOW
    assert parsed["Date"].endswith("+0000")
    assert parsed["Reply-To"] == "desk@papers.example.org"


@pytest.mark.parametrize(("reads_mail", "links"), [(True, 2), (False, 1)])
def test_mailto_unsubscribe_needs_a_mailbox_that_is_read(*, reads_mail: bool, links: int) -> None:
    raw = build_digest_message(EMAIL, make_edition(), site=replace(SITE, reads_mail=reads_mail), links=LINKS)
    [line] = find_header_lines(raw, "List-Unsubscribe")
    assert line.count("<") == line.count(">") == links
    assert ("mailto:" in line) is reads_mail


def test_list_id_quotes_the_brand_without_its_own_quotes() -> None:
    raw = build_digest_message(EMAIL, make_edition(), site=replace(SITE, brand='The "Papers"'), links=LINKS)
    assert find_header_lines(raw, "List-Id") == ['List-Id: "The Papers" <daily.papers.example.org>']


def test_address_is_split_at_its_last_at_sign() -> None:
    edition = make_edition(reader=replace(READER, address='"ada@home"@bücher.example'))
    raw = build_digest_message(EMAIL, edition, site=SITE, links=LINKS)
    assert find_header_lines(raw, "To") == ['To: "ada@home"@xn--bcher-kva.example']


def test_notice_message_id_is_stable_unique_and_reveals_nothing() -> None:
    assert len({notice_message_id(SITE, f"confirm/1/{n}") for n in range(9)}) == 9
    assert notice_message_id(SITE, "confirm/1/1") == notice_message_id(SITE, "confirm/1/1")
    assert "confirm" not in notice_message_id(SITE, "confirm/1/1")
