"""What does a page show of a paper?"""

from dataclasses import replace

import pytest

from digest.models import Heat, SignalKind
from digest.web.components import card_of
from tests.factories import NOW, paper

DAY = NOW.date()


def test_a_card_says_who_wrote_it_and_why_it_trends() -> None:
    heat = Heat(value=4, expected=190, kind=SignalKind.UPVOTES, votes=167, hours=9, usual=8)
    card = card_of(paper("Counting Sheep"), heat, day=DAY)
    assert card.title == "Counting Sheep"
    assert card.meta.startswith("Ada Loveless and Bo Chen")
    assert "167 upvotes" in card.why


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "http://["])
def test_only_web_addresses_become_links(url: str) -> None:
    hostile = replace(paper(id="title:hostile"), url=url, pdf_url=url, code_url=url)
    card = card_of(hostile, day=DAY)
    assert card.href == ""
    assert [anchor.label for anchor in card.anchors] == ["Details"]


def test_a_paper_nobody_voted_on_is_shown_without_a_reason() -> None:
    card = card_of(paper("", abstract=""), day=DAY)
    assert card.title == "(untitled)"
    assert card.gist == ""
    assert card.why == ""
