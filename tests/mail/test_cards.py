"""What stands on a paper's card?"""

from dataclasses import replace

import pytest

from digest.mail.cards import NOTHING_OWN, Anchor, Card, allowed, card, personal, reason, why_lines
from digest.mail.locale import get_locale
from digest.models import Heat, Paper, Pick, Preferences, Reason, ReasonKind, Section
from tests.factories import paper
from tests.mail.examples import DAY, LINKS, READER

EN = get_locale("en")
SOURCE = "https://example.org/paper"
TAUGHT = replace(READER, preferences=Preferences(clicks_may_teach=True))


def pick(of: Paper, section: Section = Section.PICKED) -> Pick:
    because = Reason(because=ReasonKind.NEW, category="cs.CL")
    return Pick(paper=of, section=section, heat=Heat(value=0, expected=0), reason=because)


def printed(of: Paper, section: Section = Section.PICKED) -> Card:
    return card(EN, pick(of, section), 2, NOTHING_OWN)


@pytest.mark.parametrize("section", Section)
def test_a_title_leads_to_the_paper_s_page_here_only_if_opening_may_teach(section: Section) -> None:
    of = pick(replace(paper(), url=SOURCE), section)
    straight = personal(EN, LINKS, READER, of, DAY)
    assert card(EN, of, 1, straight).href == SOURCE
    taught = personal(EN, LINKS, TAUGHT, of, DAY)
    assert card(EN, of, 1, taught).href == LINKS.opening(TAUGHT.pid, of.paper.id)
    assert replace(taught, href="") == straight


def test_a_title_that_leads_nowhere_does_not_lead_to_a_page_here_either() -> None:
    of = pick(replace(paper(), url="ftp://example.org/paper"))
    assert card(EN, of, 1, personal(EN, LINKS, TAUGHT, of, DAY)).href == ""


def test_only_trending_papers_are_numbered() -> None:
    assert [printed(paper(), section).number for section in Section] == ["2", "", ""]


def test_a_hot_paper_without_votes_tells_of_its_code_and_a_line_among_the_new_tells_nothing() -> None:
    coded = replace(paper(), code_url="https://example.org/code")
    assert reason(EN, pick(coded, Section.TRENDING), DAY) == "new: too young for votes; code linked"
    assert reason(EN, pick(paper(), Section.TRENDING), DAY) == "new: too young for votes"
    assert reason(EN, pick(paper(), Section.PICKED), DAY) == "new in cs.CL"
    assert reason(EN, pick(paper(), Section.ALSO_NEW), DAY) == ""


def test_the_reason_stands_in_lines_of_the_text_and_where_there_is_none_no_line_does() -> None:
    assert why_lines(EN, "new in cs.CL") == "   Why: new in cs.CL"
    assert why_lines(EN, "") == ""


@pytest.mark.parametrize("title", ["", " \u200b"])
def test_a_paper_without_a_title_says_so(title: str) -> None:
    assert printed(paper(title)).title == "(untitled)"


@pytest.mark.parametrize("title", ["https://evil.example", "See www.evil.example", "evil.example/login"])
def test_a_title_that_looks_like_an_address_is_no_link_and_the_abstract_is_linked_below(title: str) -> None:
    shown = printed(replace(paper(title), url=SOURCE))
    assert shown.href == ""
    assert shown.anchors[0] == Anchor("Abstract", SOURCE)


def test_a_card_links_what_there_is_under_its_name() -> None:
    known = replace(
        paper(id="doi:10.1/x"),
        url=SOURCE,
        pdf_url=f"{SOURCE}.pdf",
        code_url="https://example.org/code",
        project_url="https://example.org/home",
        discussion_url="https://example.org/talk",
    )
    assert [(anchor.label, anchor.href) for anchor in printed(known).anchors] == [
        ("PDF", f"{SOURCE}.pdf"),
        ("Code", "https://example.org/code"),
        ("Project", "https://example.org/home"),
        ("Discussion", "https://example.org/talk"),
    ]


def test_only_arxiv_s_papers_have_a_pdf_that_nobody_named() -> None:
    assert printed(paper(id="arxiv:2611.00001")).anchors == (
        Anchor("PDF", "https://arxiv.org/pdf/2611.00001"),
    )
    assert printed(paper(id="doi:10.1/x")).anchors == ()


def test_what_a_model_wrote_says_so_is_clean_and_is_cut_like_any_gist() -> None:
    of = replace(paper(abstract="We count sheep."), retold="It\u202e counts sheep.")
    assert printed(of).gist == "AI summary: It counts sheep."
    assert printed(replace(of, retold="a" * 241)).gist == f"AI summary: {'a' * 239}…"
    assert printed(replace(of, retold="")).gist == "We count sheep."


@pytest.mark.parametrize(
    "url", [SOURCE, "http://example.org/", "https://example.org/" + "a" * 380, "https://e.org/@ada?q=1#x"]
)
def test_addresses_of_the_web_may_stand_in_a_mail(url: str) -> None:
    assert allowed(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "ftp://example.org/x", "//example.org", "https:///path", "https://[::1",
     "https://ada@example.org/", "https://example.org/" + "a" * 381, "https://example.org/a b",
     "https://example.org/<b>", 'https://example.org/"', "https://example.org/\\", "https://example.org/\x7f"],
)  # fmt: skip
def test_no_other_address_may(url: str) -> None:
    assert allowed(url) == ""
