"""What goes over the wire?"""

import re
from binascii import a2b_qp
from dataclasses import replace
from datetime import timedelta, timezone
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.links import Links
from digest.mail.mime import NoticeEnvelope, digest_message, notice_id, notice_message
from digest.mail.quoted_printable import header_text
from digest.models import Email
from tests.factories import NOW
from tests.mail.examples import LINKS, READER, RENDERER, SITE, edition, every_mail

EMAIL = RENDERER.digest(edition())


def lines(raw: bytes, name: str) -> list[str]:
    return [
        line for line in raw.partition(b"\r\n\r\n")[0].decode().split("\r\n") if line.startswith(f"{name}:")
    ]


def test_the_same_edition_gives_the_same_bytes() -> None:
    first = digest_message(EMAIL, edition(), site=SITE, links=LINKS)
    assert first == digest_message(RENDERER.digest(edition()), edition(), site=SITE, links=LINKS)
    assert b"Date: Mon, 23 Nov 2026 07:00:00 +0000\r\n" in first
    assert b"Message-ID: <d.2026-11-23.reader0001@papers.example.org>\r\n" in first


def test_a_message_id_from_the_ledger_is_kept() -> None:
    raw = digest_message(EMAIL, edition(), site=SITE, links=LINKS, message_id="<x.1@papers.example.org>")
    assert lines(raw, "Message-ID") == ["Message-ID: <x.1@papers.example.org>"]
    raw = digest_message(EMAIL, edition(), site=SITE, links=LINKS, message_id="d.k3v9q2m7w4xh")
    assert lines(raw, "Message-ID") == ["Message-ID: <d.k3v9q2m7w4xh@papers.example.org>"]


def test_a_long_unsubscribe_address_stays_whole_on_its_line() -> None:
    links = Links("https://a-very-long-name." + "sub." * 40 + "example.org", LINKS.keys)
    raw = digest_message(EMAIL, edition(), site=SITE, links=links)
    assert len(links.unsubscribe(READER.pid)) > 200
    assert lines(raw, "List-Unsubscribe")[0].startswith(
        f"List-Unsubscribe: <{links.unsubscribe(READER.pid)}>, <mailto:"
    )
    assert b"=?utf-8?" not in raw.partition(b"\r\n\r\n")[0]


def test_domains_beyond_ascii_are_written_as_the_wire_has_them() -> None:
    site = replace(SITE, sender="post@bücher.example", brand="Bücher täglich")
    of = edition(reader=replace(READER, address="jörg@straße.example"))
    head = digest_message(EMAIL, of, site=site, links=LINKS).partition(b"\r\n\r\n")[0].decode()
    assert "From: =?utf-8?q?B=C3=BCcher_t=C3=A4glich?= <post@xn--bcher-kva.example>\r\n" in head
    assert "To: jörg@xn--strae-oqa.example\r\n" in head
    assert "List-Id: <daily.xn--bcher-kva.example>\r\n" in head


@pytest.mark.parametrize("brand", ["Papers, Inc. <daily>", 'The "Papers"', "A\r\nBcc: x@example.com"])
def test_a_brand_of_any_letters_stays_one_name(brand: str) -> None:
    raw = digest_message(EMAIL, edition(), site=replace(SITE, brand=brand), links=LINKS)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed["From"].addresses[0].addr_spec == SITE.sender
    assert parsed["From"].addresses[0].display_name == " ".join(brand.split())
    assert parsed["Bcc"] is None


@given(st.text(max_size=200))
def test_no_subject_can_end_its_header_and_every_one_reads_back(text: str) -> None:
    raw = digest_message(Email(text, "t\n", "<p>h</p>\n"), edition(), site=SITE, links=LINKS)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert parsed.keys().count("Subject") == 1
    plain = digest_message(EMAIL, edition(), site=SITE, links=LINKS)
    assert parsed.keys() == message_from_bytes(plain, policy=policy.default).keys()
    line = header_text(text)
    assert not re.search(r"\r\n(?! )|\r(?!\n)|(?<!\r)\n", line)
    assert all(len(part) <= 76 for part in line.split("\r\n ")) or line.isascii()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=500))
def test_any_text_survives_the_journey(text: str) -> None:
    raw = notice_message(Email("s", text + "\n", "<p>x</p>\n"), POSTING, site=SITE)
    body = raw.partition(b"text/plain")[2].partition(b"\r\n\r\n")[2].partition(b"\r\n--=_")[0]
    assert a2b_qp(body).decode().replace("\r\n", "\n") == text.replace("\r", "") + "\n"


POSTING = NoticeEnvelope(to="ada@example.com", at=NOW, message_id=notice_id(SITE, "confirm/1/1"))


def test_notices_come_from_an_address_of_their_own_and_of_no_list() -> None:
    raw = every_mail()["confirm"][1]
    assert lines(raw, "From") == ["From: Trending Papers <confirm@papers.example.org>"]
    assert b"\r\nList-" not in raw


def test_a_mail_that_asks_may_be_refused_by_one_click() -> None:
    raw = notice_message(
        every_mail()["confirm"][0], replace(POSTING, refuse="https://x.example/u/T"), site=SITE
    )
    assert lines(raw, "List-Unsubscribe") == ["List-Unsubscribe: <https://x.example/u/T>"]
    assert lines(raw, "List-Unsubscribe-Post") == ["List-Unsubscribe-Post: List-Unsubscribe=One-Click"]


def test_a_notice_says_to_whom_what_when_and_where_an_answer_goes() -> None:
    site = replace(SITE, reply_to="desk@papers.example.org")
    posting = replace(POSTING, message_id="X1X", at=NOW.astimezone(timezone(timedelta(hours=5))))
    raw = notice_message(Email("Sheep", "t\n", "<p>h</p>\n"), posting, site=site)
    parsed = message_from_bytes(raw, policy=policy.default)
    assert (parsed["To"], parsed["Subject"]) == ("ada@example.com", "Sheep")
    assert parsed["Message-ID"] == "<X1X@papers.example.org>"
    assert parsed["Date"].datetime == NOW
    assert parsed["Date"].endswith("+0000")
    assert parsed["Reply-To"] == "desk@papers.example.org"


@pytest.mark.parametrize(("reads_mail", "ways"), [(True, 2), (False, 1)])
def test_a_way_out_by_mail_is_named_only_where_somebody_reads_it(*, reads_mail: bool, ways: int) -> None:
    raw = digest_message(EMAIL, edition(), site=replace(SITE, reads_mail=reads_mail), links=LINKS)
    [line] = lines(raw, "List-Unsubscribe")
    assert line.count("<") == line.count(">") == ways
    assert ("mailto:" in line) is reads_mail


def test_the_lists_name_stands_in_quotation_marks_and_holds_none() -> None:
    raw = digest_message(EMAIL, edition(), site=replace(SITE, brand='The "Papers"'), links=LINKS)
    assert lines(raw, "List-Id") == ['List-Id: "The Papers" <daily.papers.example.org>']


def test_an_address_is_parted_at_its_last_at() -> None:
    of = edition(reader=replace(READER, address='"ada@home"@bücher.example'))
    raw = digest_message(EMAIL, of, site=SITE, links=LINKS)
    assert lines(raw, "To") == ['To: "ada@home"@xn--bcher-kva.example']


def test_a_notices_name_is_stable_its_own_and_gives_nothing_away() -> None:
    assert len({notice_id(SITE, f"confirm/1/{n}") for n in range(9)}) == 9
    assert notice_id(SITE, "confirm/1/1") == notice_id(SITE, "confirm/1/1")
    assert "confirm" not in notice_id(SITE, "confirm/1/1")
