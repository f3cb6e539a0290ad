"""Cards of papers on web pages."""

from dataclasses import replace

import pytest

from digest.mail.locale import get_locale
from digest.models import Heat, SignalKind
from digest.web.components import build_public_card
from tests.factories import NOW, make_paper, make_signal

DAY = NOW.date()


def test_a_card_says_who_wrote_it_and_why_it_trends() -> None:
    heat = Heat(value=4, expected=190, kind=SignalKind.UPVOTES, votes=167, hours=9, usual=8)
    card = build_public_card(make_paper("Counting Sheep"), heat, day=DAY)
    assert card.title == "Counting Sheep"
    assert card.meta.startswith("Ada Loveless and Bo Chen")
    assert "167 upvotes" in card.why


def test_a_sparkline_is_described_in_the_language_of_its_card() -> None:
    paper, heat = make_paper(), Heat(value=4, expected=190, kind=SignalKind.UPVOTES, votes=61)
    signals = [make_signal(paper, 3, hours_ago=9), make_signal(paper, 61)]
    card = build_public_card(paper, heat, day=DAY, signals=signals, locale=get_locale("fr"))
    assert " à 61" in card.sparkline


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "http://["])
def test_only_web_addresses_become_links(url: str) -> None:
    hostile = replace(make_paper(id="title:hostile"), url=url, pdf_url=url, code_url=url)
    card = build_public_card(hostile, day=DAY)
    assert card.href == ""
    assert [anchor.label for anchor in card.anchors] == ["Details"]


def test_a_paper_nobody_voted_on_is_shown_without_a_reason() -> None:
    card = build_public_card(make_paper("", abstract=""), day=DAY)
    assert card.title == "(untitled)"
    assert card.gist == ""
    assert card.why == ""
