"""What counts as news of a paper, and what does not."""

from dataclasses import replace

import pytest

from digest.models import Paper
from digest.models.editions import NewsKind, PaperNews
from digest.models.news import find_news
from tests.factories import make_paper

WORDS = "We count sheep in sublinear time and sleep well after that"
PAPER = replace(make_paper("Counting Sheep", id="arxiv:2611.00042", abstract=WORDS))
JOURNAL = ("doi:10.1038/s1",)


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (PAPER, ""),
        (replace(PAPER, withdrawn=True, code_url="https://code.example.org"), "withdrawn"),
        (replace(PAPER, aliases=JOURNAL), "published"),
        (replace(PAPER, aliases=("doi:10.48550/arxiv.2611.00042", "doi:10.1101/123456")), ""),
        (replace(PAPER, code_url="https://code.example.org"), "code"),
        (replace(PAPER, version=2), ""),
        (replace(PAPER, title="Another Sheep"), ""),
        (replace(PAPER, version=2, title="Another Sheep"), "revised"),
        (replace(PAPER, version=2, title="COUNTING sheep"), ""),
        (replace(PAPER, version=2, abstract="We count goats by other means"), "revised"),
        (replace(PAPER, version=2, abstract=WORDS.replace("well", "better")), ""),
        (replace(PAPER, version=2, abstract=""), ""),
        (replace(PAPER, version=2, title="Another", aliases=JOURNAL), "published revised"),
    ],
)
def test_find_news(after: Paper, kinds: str) -> None:
    assert " ".join(news.kind for news in find_news(PAPER, after)) == kinds


def test_known_things_are_no_news() -> None:
    known = replace(PAPER, withdrawn=True)
    published = replace(PAPER, aliases=JOURNAL, code_url="https://code.example.org")

    assert find_news(known, replace(known, code_url="https://code.example.org")) == ()
    assert find_news(published, replace(published, code_url="https://other.example.org")) == ()
    assert find_news(published, replace(published, aliases=(*JOURNAL, "doi:10.1038/s2"))) == ()


def test_news_say_what_and_where() -> None:
    after = replace(PAPER, version=3, title="Another\nSheep", aliases=JOURNAL)

    published, revised = find_news(PAPER, after)

    assert published.link == "https://doi.org/10.1038/s1"
    assert (revised.title, revised.new_title) == ("Counting Sheep", "Another Sheep")
    assert (published.key, revised.key) == ("published/arxiv:2611.00042", "revised/arxiv:2611.00042/3")


def test_long_titles_are_cut() -> None:
    [news] = find_news(replace(PAPER, title="Sheep " * 100), replace(PAPER, withdrawn=True))

    assert news == PaperNews(
        kind=NewsKind.WITHDRAWN, paper_id=PAPER.id, title=news.title, url=PAPER.url, version=1
    )
    assert len(news.title) <= 150
