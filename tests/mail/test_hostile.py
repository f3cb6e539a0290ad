"""What if the papers mean harm?"""

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from digest.mail.bulk_renderer import BulkRenderer, SimpleRenderer
from digest.mail.mime import digest_message
from digest.models import Email, Pick, Section
from tests.mail.checks import findings
from tests.mail.examples import LINKS, RENDERER, SITE, edition
from tests.mail.hostile import HOSTILE, hostile_picks

ALL = [
    pytest.param(pick, id=f"{name}, {pick.section}")
    for section in Section
    for name, pick in zip(HOSTILE, hostile_picks(section), strict=True)
]


def sent(*picks: Pick) -> tuple[Email, bytes]:
    of = edition(chosen=picks)
    email = RENDERER.digest(of)
    return email, digest_message(email, of, site=SITE, links=LINKS)


@pytest.mark.parametrize("pick", ALL)
def test_a_hostile_paper_is_shown_as_text_in_an_intact_mail(pick: Pick) -> None:
    email, raw = sent(pick)
    assert [
        f for f in findings(email, raw, bulk=True) if not f.startswith(("agreement", "subject: the pre"))
    ] == []


@pytest.mark.parametrize("section", Section)
def test_all_of_them_together_fit_and_are_the_same_from_the_press(section: Section) -> None:
    of = edition(chosen=hostile_picks(section))
    email = RENDERER.digest(of)
    assert len(email.html.encode()) <= 80_000
    assert BulkRenderer(RENDERER).digest(of) == SimpleRenderer(RENDERER).digest(of)


def test_nothing_is_run_loaded_or_computed() -> None:
    email, raw = sent(*hostile_picks(Section.PICKED)[:12])
    page = BeautifulSoup(email.html, "lxml")
    assert not page.find_all(["script", "img", "iframe", "form"])
    assert "{{7*7}}" in page.get_text()
    assert not re.search(r"\b49\b", email.text)
    for anchor in page.find_all("a"):
        assert str(anchor["href"]).startswith("https://")
    assert b"\r\nBcc:" not in raw


def test_an_untitled_paper_says_so_and_a_link_as_title_is_not_a_link() -> None:
    assert "(untitled)" in sent(hostile_picks(Section.PICKED)[list(HOSTILE).index("untitled")])[0].html
    page = BeautifulSoup(
        sent(hostile_picks(Section.PICKED)[list(HOSTILE).index("a link as title")])[0].html, "lxml"
    )
    title = page.h3
    assert title is not None
    assert not title.find_all("a")
    assert page.find("a", string="Abstract")


def test_a_reader_with_a_crafted_address_cannot_add_a_header() -> None:
    of = edition()
    of = replace(of, subscriber=replace(of.subscriber, address="a@example.com\r\nBcc: b@example.com"))
    raw = SimpleRenderer(RENDERER).digest(of)
    assert b"\r\nBcc" not in raw
    assert raw.count(b"\r\nTo: ") == 1
