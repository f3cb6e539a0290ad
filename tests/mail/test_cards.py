"""Cards: texts, links and reasons of a paper in a mail."""

from dataclasses import replace

import pytest

from digest.mail.cards import (
    NO_PERSONAL_FIELDS,
    Anchor,
    Card,
    build_card,
    build_personal_fields,
    sanitize_url,
    wrap_reason,
)
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import Heat, Paper, Pick, Preferences, Reason, ReasonKind, Section
from tests.factories import make_paper
from tests.mail.examples import DAY, LINKS, READER

EN = get_locale("en")
SOURCE = "https://example.org/paper"
TEACHING_READER = replace(READER, preferences=Preferences(clicks_may_teach=True))


def make_pick(paper: Paper, section: Section = Section.PICKED) -> Pick:
    reason = Reason(because=ReasonKind.NEW, category="cs.CL")
    return Pick(paper=paper, section=section, heat=Heat(value=0, expected=0), reason=reason)


def make_card(paper: Paper, section: Section = Section.PICKED) -> Card:
    return build_card(EN, make_pick(paper, section), 2, NO_PERSONAL_FIELDS)


@pytest.mark.parametrize("section", Section)
def test_title_links_to_our_page_only_if_clicks_may_teach(section: Section) -> None:
    pick = make_pick(replace(make_paper(), url=SOURCE), section)
    direct = build_personal_fields(EN, LINKS, READER, pick, "Your keyword: graphs")
    assert build_card(EN, pick, 1, direct).href == SOURCE
    counted = build_personal_fields(EN, LINKS, TEACHING_READER, pick, "Your keyword: graphs")
    assert build_card(EN, pick, 1, counted).href == LINKS.opening_url(
        TEACHING_READER.public_id, pick.paper.id
    )
    assert replace(counted, href="") == direct


def test_title_without_a_safe_url_has_no_link_to_our_page_either() -> None:
    pick = make_pick(replace(make_paper(), url="ftp://example.org/paper"))
    personal = build_personal_fields(EN, LINKS, TEACHING_READER, pick, "Your keyword: graphs")
    assert build_card(EN, pick, 1, personal).href == ""


def test_papers_are_numbered_except_under_also_new() -> None:
    assert [make_card(make_paper(), section).number for section in Section] == ["2", "2", ""]


def test_reason_names_linked_code_without_votes_and_is_short_under_also_new() -> None:
    with_code = replace(make_paper(), code_url="https://example.org/code")
    assert (
        describe_reason(EN, make_pick(with_code, Section.TRENDING), DAY)
        == "new: too recent for votes; code linked"
    )
    assert describe_reason(EN, make_pick(make_paper(), Section.TRENDING), DAY) == "new: too recent for votes"
    assert (
        describe_reason(EN, make_pick(make_paper(), Section.PICKED), DAY) == "new in Computation and Language"
    )
    followed = replace(
        make_pick(make_paper(), Section.ALSO_NEW),
        reason=Reason(because=ReasonKind.CATEGORY, category="cs.CL"),
    )
    assert describe_reason(EN, followed, DAY) == "in a category you follow"
    unexplained = replace(followed, reason=Reason(because=ReasonKind.NEW))
    assert describe_reason(EN, unexplained, DAY) == ""


def test_wrapped_reason_has_its_label_and_is_empty_without_a_reason() -> None:
    assert wrap_reason(EN, "new in cs.CL") == "   Why: new in cs.CL"
    assert wrap_reason(EN, "") == ""


@pytest.mark.parametrize("title", ["", " \u200b"])
def test_paper_without_a_title_is_marked_untitled(title: str) -> None:
    assert make_card(make_paper(title)).title == "(untitled)"


@pytest.mark.parametrize("title", ["https://evil.example", "See www.evil.example", "evil.example/login"])
def test_title_that_looks_like_a_url_is_not_linked_and_the_abstract_is_linked_below(title: str) -> None:
    card = make_card(replace(make_paper(title), url=SOURCE))
    assert card.href == ""
    assert card.anchors[0] == Anchor("Abstract", SOURCE)


def test_card_links_every_url_of_a_paper_under_its_label() -> None:
    paper = replace(
        make_paper(id="doi:10.1/x"),
        url=SOURCE,
        pdf_url=f"{SOURCE}.pdf",
        code_url="https://example.org/code",
        project_url="https://example.org/home",
        discussion_url="https://example.org/talk",
    )
    assert [(anchor.label, anchor.href) for anchor in make_card(paper).anchors] == [
        ("PDF", f"{SOURCE}.pdf"),
        ("Code", "https://example.org/code"),
        ("Project", "https://example.org/home"),
        ("Discussion", "https://example.org/talk"),
    ]


def test_card_links_what_cites_the_paper_on_hugging_face() -> None:
    pick = make_pick(make_paper(id="arxiv:2611.00001"))
    counted = replace(pick, heat=replace(pick.heat, models=1, datasets=1234, spaces=0))
    label, href = "1\xa0model, 1,234\xa0datasets", "https://huggingface.co/papers/2611.00001"
    assert build_card(EN, counted, 1, NO_PERSONAL_FIELDS).anchors[-1] == Anchor(label, href)
    assert build_card(get_locale("de"), counted, 1, NO_PERSONAL_FIELDS).anchors[-1].label == (
        "1\xa0Modell, 1.234\xa0Datensätze"
    )


def test_pdf_url_is_guessed_only_for_arxiv_papers() -> None:
    assert make_card(make_paper(id="arxiv:2611.00001")).anchors == (
        Anchor("PDF", "https://arxiv.org/pdf/2611.00001"),
    )
    assert make_card(make_paper(id="doi:10.1/x")).anchors == ()


def test_gist_by_a_model_is_marked_cleaned_and_cut() -> None:
    paper = replace(make_paper(abstract="We count sheep."), retold="It\u202e counts sheep.")
    assert make_card(paper).gist == "AI summary: It counts sheep."
    assert make_card(replace(paper, retold="a" * 241)).gist == f"AI summary: {'a' * 239}…"
    assert make_card(replace(paper, retold="")).gist == "We count sheep."


@pytest.mark.parametrize(
    "url", [SOURCE, "http://example.org/", "https://example.org/" + "a" * 380, "https://e.org/@ada?q=1#x"]
)
def test_safe_web_urls_are_kept(url: str) -> None:
    assert sanitize_url(url) == url


@pytest.mark.parametrize(
    "url",
    ["", "javascript:alert(1)", "ftp://example.org/x", "//example.org", "https:///path", "https://[::1",
     "https://ada@example.org/", "https://example.org/" + "a" * 381, "https://example.org/a b",
     "https://example.org/<b>", 'https://example.org/"', "https://example.org/\\", "https://example.org/\x7f",
     "https://example.org/\ue005"],
)  # fmt: skip
def test_unsafe_urls_are_dropped(url: str) -> None:
    assert sanitize_url(url) == ""
