"""Mails with hostile papers: shown as text, nothing run, loaded or injected."""

import re
from dataclasses import replace

import pytest
from bs4 import BeautifulSoup

from digest.models import Email, Pick, Section
from tests.mail.checks import find_problems
from tests.mail.examples import BULK, RENDERER, make_edition
from tests.mail.full_renderer import FullRenderer, decode
from tests.mail.hostile import HOSTILE_PAPERS, make_hostile_picks

ALL_HOSTILE_PICKS = [
    pytest.param(pick, id=f"{name}, {pick.section}")
    for section in Section
    for name, pick in zip(HOSTILE_PAPERS, make_hostile_picks(section), strict=True)
]


def render(*picks: Pick) -> tuple[Email, bytes]:
    edition = make_edition(picks=picks)
    return BULK.render_email(edition), BULK.render_digest(edition)


@pytest.mark.parametrize("pick", ALL_HOSTILE_PICKS)
def test_a_hostile_paper_is_shown_as_text_in_an_intact_mail(pick: Pick) -> None:
    email, raw = render(pick)
    assert [
        problem
        for problem in find_problems(email, raw, bulk=True)
        if not problem.startswith(("check_agreement", "check_subject: the pre"))
    ] == []


@pytest.mark.parametrize("section", Section)
def test_all_of_them_together_fit_and_are_the_same_in_bulk(section: Section) -> None:
    edition = make_edition(picks=make_hostile_picks(section))
    email = BULK.render_email(edition)
    assert len(email.html.encode()) <= 80_000
    assert decode(BULK.render_digest(edition)) == decode(FullRenderer(RENDERER).render_digest(edition))


def test_nothing_is_run_loaded_or_computed() -> None:
    email, raw = render(*make_hostile_picks(Section.PICKED)[:12])
    page = BeautifulSoup(email.html, "lxml")
    assert not page.find_all(["script", "img", "iframe", "form"])
    assert "{{7*7}}" in page.get_text()
    assert not re.search(r"\b49\b", email.text)
    for anchor in page.find_all("a"):
        assert str(anchor["href"]).startswith("https://")
    assert b"\r\nBcc:" not in raw


def test_an_untitled_paper_says_so_and_a_link_as_title_is_not_a_link() -> None:
    assert (
        "(untitled)"
        in render(make_hostile_picks(Section.PICKED)[list(HOSTILE_PAPERS).index("untitled")])[0].html
    )
    page = BeautifulSoup(
        render(make_hostile_picks(Section.PICKED)[list(HOSTILE_PAPERS).index("a link as title")])[0].html,
        "lxml",
    )
    title = page.h3
    assert title is not None
    assert not title.find_all("a")
    assert page.find("a", string="Abstract")


def test_a_reader_with_a_crafted_address_cannot_add_a_header() -> None:
    edition = make_edition()
    edition = replace(
        edition, subscriber=replace(edition.subscriber, address="a@example.com\r\nBcc: b@example.com")
    )
    raw = BULK.render_digest(edition)
    assert b"\r\nBcc" not in raw
    assert raw.count(b"\r\nTo: ") == 1
