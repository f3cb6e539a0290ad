"""The section with news of papers that the reader knows."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.bulk_renderer import MAX_HTML_BYTES, BulkRenderer
from digest.mail.locale import LANGUAGES, get_locale
from digest.models.editions import NewsKind, PaperNews
from tests.mail.checks import find_problems
from tests.mail.examples import BULK, RENDERER, make_edition, make_picks, make_reader
from tests.mail.full_renderer import FullRenderer, decode

FULL = FullRenderer(RENDERER)
NEWS = tuple(
    PaperNews(
        kind=kind,
        paper_id=f"arxiv:2611.0000{number}",
        title=f"Counting Sheep, Part {number}",
        url=f"https://arxiv.org/abs/2611.0000{number}",
        new_title="Counting Goats" if kind is NewsKind.REVISED else "",
        link=f"https://example.org/{kind}" if kind in (NewsKind.CODE, NewsKind.PUBLISHED) else "",
        id=number,
    )
    for number, kind in enumerate(NewsKind)
)
news_lists = st.lists(
    st.builds(
        PaperNews,
        kind=st.sampled_from(NewsKind),
        paper_id=st.just("arxiv:2611.00001"),
        title=st.text(max_size=30) | st.just("<b>{{7*7}}</b> .\r\n.\ue000why\ue001"),
        url=st.sampled_from(("https://arxiv.org/abs/2611.00001", "javascript:alert(1)", "")),
        new_title=st.text(max_size=30),
        link=st.sampled_from(("https://example.org/?a=1&b=2", "data:text/html,x", "")),
    ),
    min_size=1,
    max_size=5,
)


def test_each_kind_is_said_with_its_links_at_the_end_of_both_parts() -> None:
    email = BULK.render_email(replace(make_edition(), news=NEWS))

    page = BeautifulSoup(email.html, "html.parser")
    headings = [heading.get_text() for heading in page.find_all("h2")]
    assert headings[-2:] == ["News of papers you know", "About this email"]
    html = email.html[email.html.index("News of papers") :]
    text = email.text[email.text.index("NEWS OF PAPERS") :]
    for words in (
        "Withdrawn or retracted", "Published in a journal", "Code is available",
        "New version, now called “Counting Goats”", "https://example.org/code", "https://example.org/published",
        "https://arxiv.org/abs/2611.00000",
    ):  # fmt: skip
        assert words in html
        assert words in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_with_news_has_no_problem_in_any_language(language: str) -> None:
    edition = replace(make_edition(reader=make_reader(language)), news=NEWS)
    email = BULK.render_email(edition)

    assert find_problems(email, BULK.render_digest(edition), bulk=True) == []
    assert get_locale(language).gettext("Code is available") in email.html


def test_without_news_there_is_no_such_section() -> None:
    email = BULK.render_email(make_edition())

    assert "News of papers" not in email.html
    assert "NEWS OF PAPERS" not in email.text


@given(news_lists, st.sampled_from(LANGUAGES))
def test_news_are_rendered_to_the_same_mail_in_bulk(news: list[PaperNews], language: str) -> None:
    edition = replace(make_edition(reader=make_reader(language)), news=tuple(news))
    bulk = BulkRenderer(RENDERER)

    raw = bulk.render_digest(edition)

    assert raw == bulk.render_digest(edition)
    assert decode(raw) == decode(FULL.render_digest(edition))
    html = BULK.render_email(edition).html
    assert "javascript:" not in html
    assert "data:text" not in html
    assert "<b>{{" not in html


def test_long_news_make_room_by_dropping_papers() -> None:
    news = tuple(
        replace(item, title="é" * 150, new_title="ñ" * 150, link="https://x.example/" + "a" * 380)
        for item in NEWS
    )
    picks = tuple(
        replace(pick, paper=replace(pick.paper, id=f"arxiv:2611.{number}{turn:04d}", abstract="word " * 400))
        for turn in range(4)
        for number, pick in enumerate(make_picks())
    )
    edition = replace(make_edition(picks=picks), news=news)

    assert len(BULK.render_email(edition).html.encode()) <= MAX_HTML_BYTES
    assert "Shortened so that" in BULK.render_email(edition).text
