"""Tests of the parsers on recorded responses of the real services."""

import json
import re
from collections.abc import Callable

import pytest

from digest.models import Announcement, Health, Paper, SignalKind
from digest.models.errors import SourceChanged, SourceError
from digest.models.paper_ids import canonicalize
from digest.sources import biorxiv, feeds, hackernews, huggingface, semanticscholar
from digest.sources.arxiv import api, listing, oai, rss
from tests.factories import NOW

Recorded = Callable[[str], bytes]


def is_readable(paper: Paper) -> bool:
    """Return whether a paper has what readers expect, whatever its source."""
    texts = (paper.title, paper.abstract, *paper.authors)
    return (
        bool(paper.title)
        and canonicalize(paper.id) == paper.id
        and all(text == " ".join(text.split()) for text in texts)
        and not any(re.search(r"[\\{}]|\$(?!\d)", text) for text in (paper.title, *paper.authors))
    )


@pytest.mark.parametrize(
    ("name", "papers"),
    [
        ("recorded_atom_cs.AI_20250820_7.xml", 7), ("recorded_rss_cs.CL_20260427_3items.xml", 3),
        ("recorded_rss_cs.LG_20260427_3items.xml", 3), ("server_atom_math.xml", 2),
        ("server_rss_math.xml", 2), ("server_empty_weekend.xml", 0),
    ],
)  # fmt: skip
def test_arxiv_feeds(recorded: Recorded, name: str, papers: int) -> None:
    body = recorded(f"arxiv_feed/{name}")
    result = rss.parse(body, "cs.AI", NOW)
    assert (len(result.papers), result.health, result.note) == (papers, Health.OK, "")
    assert all(is_readable(paper) for paper in result.papers)
    assert all(paper.abstract and not paper.abstract.startswith("arXiv:") for paper in result.papers)
    assert [p.id for p in feeds.parse(body, "x", NOW).papers] == [p.id for p in result.papers]


def test_primary_category_is_first_and_accents_are_decoded(recorded: Recorded) -> None:
    papers = rss.parse(recorded("arxiv_feed/recorded_atom_cs.AI_20250820_7.xml"), "cs.AI", NOW).papers
    assert {p.category for p in papers if p.announcement is Announcement.NEW} == {"cs.AI"}
    assert "cs.AI" not in {p.category for p in papers if p.announcement is Announcement.CROSS}
    assert "Paulo André Lima de Castro" in papers[2].authors


@pytest.mark.parametrize("name", ["server_error_badcat.xml", "server_error_version.xml"])
def test_arxiv_error_feeds(recorded: Recorded, name: str) -> None:
    body = recorded(f"arxiv_feed/{name}")
    assert rss.find_error(body)
    with pytest.raises(SourceChanged, match="arXiv says"):
        rss.parse(body, "cs", NOW)


@pytest.mark.parametrize(
    ("name", "papers"),
    [
        ("id_0000.0000_s0_m100", 0), ("id_0808.05394_1707.08567_s0_m100", 1), ("id_2104.12255v1_s0_m100", 1),
        ("id_astro-ph_0601001_s0_m100", 1), ("q_testing_s0_m10", 10), ("q_testing_s0_m100", 100),
        ("q_testing_s10_m10", 10),
    ],
)  # fmt: skip
def test_arxiv_api(recorded: Recorded, name: str, papers: int) -> None:
    result = api.parse(recorded(f"arxiv_api/arxivpy_{name}.xml"), "look-up", NOW)
    assert (len(result.papers), result.health) == (papers, Health.OK if papers else Health.EMPTY)
    assert all(is_readable(paper) and paper.published and paper.authors for paper in result.papers)
    assert all(paper.categories and paper.abstract for paper in result.papers)


def test_arxiv_api_title_0_and_error(recorded: Recorded) -> None:
    zero = api.parse(recorded("arxiv_api/arxivpy_id_2104.12255v1_s0_m100.xml"), "x", NOW).papers[0]
    assert zero.title == "0"
    with pytest.raises(SourceChanged, match="incorrect id format for abc"):
        api.parse(recorded("arxiv_api/arxivpy_id_abc_s0_m100.xml"), "x", NOW)


def test_arxiv_oai(recorded: Recorded) -> None:
    page, token = oai.parse(recorded("arxiv_oai/server_arXiv_p1.xml"), "cs", NOW)
    papers = page.papers
    assert (len(papers), sum(paper.withdrawn for paper in papers)) == (60, 3)
    assert token == "verb%3DListRecords%26metadataPrefix%3DarXiv%26from%3D2011-02-03%26skip%3D54"
    assert all(is_readable(paper) and paper.authors and paper.categories for paper in papers)
    assert all(paper.announcement is Announcement.REPLACE for paper in papers)
    body = recorded("arxiv_oai/recorded_20230125_oai_dc_resumptionToken.xml")
    older, older_token = oai.parse(body, "math", NOW)
    assert (len(older.papers), older_token) == (3, "6460044|1001")
    assert older.papers[0].authors == ("Robert Ralowski", "Szymon Zeberski")


def test_arxiv_oai_errors(recorded: Recorded) -> None:
    assert not oai.parse(recorded("arxiv_oai/server_noRecordsMatch.xml"), "cs", NOW)[0].papers
    assert not oai.parse(recorded("arxiv_oai/server_Identify.xml"), "cs", NOW)[0].papers
    with pytest.raises(SourceError, match="from date format must be YYYY-MM-DD"):
        oai.parse(recorded("arxiv_oai/server_badArgument.xml"), "cs", NOW)
    with pytest.raises(SourceChanged):
        oai.parse(recorded("arxiv_oai/recorded_20180621_listrecords_0_503.html"), "cs", NOW)


@pytest.mark.parametrize(
    ("name", "day", "papers"),
    [
        ("server_new_math.AG.html", "2023-06-09", 2), ("server_new_q-fin.html", "2023-03-17", 16),
        ("server_recent_math.AG.html", "2023-03-03", 0),
    ],
)  # fmt: skip
def test_arxiv_listings(recorded: Recorded, name: str, day: str, papers: int) -> None:
    page = listing.parse(recorded(f"arxiv_listing/{name}"))
    assert (str(page.day), page.total) == (day, papers)


def test_arxiv_listing_error(recorded: Recorded) -> None:
    with pytest.raises(SourceChanged, match="Catchup only allowed for past 90 days"):
        listing.parse(recorded("arxiv_listing/server_catchup_400_older_than_90d.html"))


@pytest.mark.parametrize(
    ("name", "papers"),
    [("daily_papers_20260511_recorded_trimmed", 3), ("daily_papers_20260613_recorded", 30)],
)
def test_hugging_face(recorded: Recorded, name: str, papers: int) -> None:
    body = recorded(f"hf/{name}.json")
    result = huggingface.parse(body, "2026-06-12", NOW)
    assert (len(result.papers), result.health, result.note) == (papers, Health.OK, "")
    assert all(is_readable(p) and p.authors and p.listed and p.abstract for p in result.papers)
    votes = {s.paper_id: s.value for s in result.signals if s.kind is SignalKind.UPVOTES}
    comments = [s.value for s in result.signals if s.kind is SignalKind.COMMENTS]
    assert votes == {f"arxiv:{item['paper']['id']}": item["paper"]["upvotes"] for item in json.loads(body)}
    assert len(comments) == papers
    assert min(comments) >= 0


def test_other_hugging_face_list_is_source_changed(recorded: Recorded) -> None:
    with pytest.raises(SourceChanged):
        huggingface.parse(recorded("hf/models_trending_20260802.json"), "2026-08-02", NOW)


def test_hacker_news(recorded: Recorded) -> None:
    result = hackernews.build_result(
        [hackernews.parse_page(recorded("hn/algolia_search_llm_202605.json"))], NOW
    )
    points = {s.paper_id: s.value for s in result.signals if s.kind is SignalKind.POINTS}
    assert len(points) == 6
    assert points["arxiv:2604.15597"] == 478


def test_biorxiv(recorded: Recorded) -> None:
    body = recorded("biorxiv/details_20260718_trimmed3.json")
    result, count, total = biorxiv.parse(body, "biorxiv", NOW)
    assert (len(result.papers), count, total) == (3, 3, 3)
    assert all(is_readable(p) and p.id.startswith("doi:10.64898/") and p.authors for p in result.papers)


def test_semantic_scholar(recorded: Recorded) -> None:
    body = recorded("s2/alpharadar_batch_counts_202605.json")
    ids = [f"arxiv:2600.{number:05d}" for number in range(len(json.loads(body)))]
    result = semanticscholar.parse(body, "batch", NOW, ids=ids)
    assert max(signal.value for signal in result.signals) == 175769
    authors = semanticscholar.parse(recorded("s2/test_get_papers_0.json"), "batch", NOW, ids=ids[:3])
    assert not authors.signals
    with pytest.raises(SourceChanged):
        semanticscholar.parse(recorded("s2/test_not_found_0.json"), "batch", NOW, ids=ids)
