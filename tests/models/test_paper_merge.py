"""Tests of merging two reports of one paper, and of withdrawal notices."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import reduce
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from digest.models import Announcement, Paper
from digest.models.paper_merge import merge_papers
from tests.factories import NOW, make_paper

reports = st.builds(
    Paper,
    id=st.sampled_from(["arxiv:2611.00001", "doi:10.1000/sheep"]),
    title=st.sampled_from(["Sheep", "Sheep, Revised"]),
    abstract=st.sampled_from(["", "Short.", "A longer abstract."]),
    authors=st.sampled_from([(), ("Ada L",), ("Ada L", "Bo C")]),
    version=st.integers(1, 3),
    categories=st.just(("cs.CL",)) | st.just(("cs.CL", "cs.LG")),
    source=st.sampled_from(["arxiv", "arxiv-oai", "huggingface", "arxiv-api"]),
    announcement=st.sampled_from(Announcement),
    published=st.sampled_from([None, NOW, datetime(2026, 11, 1, tzinfo=UTC)]),
    listed=st.sampled_from([None, date(2026, 11, 20)]),
    withdrawn=st.booleans(),
    code_url=st.sampled_from(["", "https://example.org/code"]),
    keywords=st.sampled_from([(), ("sheep",)]),
)


@given(reports)
def test_merging_a_paper_with_itself_changes_nothing(report: Paper) -> None:
    assert merge_papers(report, report) == report


@given(reports, reports, reports)
def test_the_order_in_which_reports_come_does_not_matter(one: Paper, two: Paper, three: Paper) -> None:
    results = {merge_papers(merge_papers(a, b), c) for a, b, c in permutations((one, two, three))}
    assert len(results) == 1
    assert merge_papers(one, merge_papers(two, three)) in results
    assert reduce(merge_papers, (one, two, three, one, two)) in results


def test_arxiv_wins_the_text_and_the_better_source_the_authors() -> None:
    rss = make_paper("Sheep from the feed", id="arxiv:2611.00001", authors=("A. Feed",))
    rss = replace(rss, source="arxiv", categories=("cs.CL", "cs.LG"))
    hub = replace(rss, title="Sheep from HF", source="huggingface", categories=(), authors=("Ada Hub",))
    rss = replace(rss, first_seen=None)
    merged = merge_papers(hub, rss)
    assert (merged.title, merged.text_from) == ("Sheep from the feed", "arxiv")
    assert (merged.authors, merged.source, merged.authors_from) == (("Ada Hub",), "huggingface", "")
    assert merged.categories == ("cs.CL", "cs.LG")
    clean = replace(rss, source="arxiv-oai", authors=("Ada Harvest",), version=1)
    assert merge_papers(merged, clean).authors == ("Ada Harvest",)


def test_the_text_of_the_higher_version_wins() -> None:
    first = replace(make_paper("First words", id="arxiv:2611.00001"), source="arxiv", version=1)
    second = replace(first, title="Second words", version=2, announcement=Announcement.REPLACE)
    for merged in (merge_papers(first, second), merge_papers(second, first)):
        assert (merged.title, merged.version) == ("Second words", 2)
        assert merged.announcement is Announcement.NEW


def test_an_arxiv_id_wins_over_a_doi_which_stays_as_an_alias() -> None:
    journal = replace(make_paper("Sheep"), id="doi:10.1000/sheep")
    preprint = replace(make_paper("Sheep", id="arxiv:2611.00001"), aliases=("doi:10.1000/SHEEP",))
    merged = merge_papers(journal, preprint)
    assert merged.id == "arxiv:2611.00001"
    assert merged.aliases == ("doi:10.1000/sheep",)
    assert merged.url.startswith("https://arxiv.org/abs/")


def test_a_blog_that_links_the_pdf_changes_neither_url_nor_text() -> None:
    known = Paper(id="arxiv:2611.00001", title="Sheep", abstract="Short.", source="huggingface")
    listed = replace(known, url="https://arxiv.org/abs/2611.00001")
    blogged = replace(
        listed,
        title="[R] Sheep",
        url="https://arxiv.org/pdf/2611.00001v2",
        source="feeds",
        abstract="Wow. " * 50,
    )
    merged = merge_papers(blogged, listed)
    assert (merged.title, merged.url) == ("Sheep", "https://arxiv.org/abs/2611.00001")
