"""The demo's HTTP server: it answers in the shapes of the real services, at a simulated moment."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from digest.models import Announcement, FetchResult, Health, Paper, SignalKind
from digest.sources.arxiv.api import fetch_by_id
from digest.sources.arxiv.oai import harvest
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.sources.registry import build_sources
from digest.tools.demo.http_server import UpstreamServer

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 14, 12, tzinfo=UTC)
ARCHIVES = ("cs", "stat", "math", "econ", "eess", "q-bio", "physics", "quant-ph", "astro-ph")


@pytest.fixture
def upstream() -> Iterator[UpstreamServer]:
    with UpstreamServer(FRIDAY) as server:
        yield server


@asynccontextmanager
async def open_client(upstream: UpstreamServer) -> AsyncIterator[Client]:
    """Open the product's own client, without pauses between requests."""
    policy = ClientPolicy(user_agent="tests", intervals={}, interval=0)
    async with Client(policy, trusted_urls=[upstream.url]) as client:
        yield client


def make_source_config(upstream: UpstreamServer, *categories: str) -> SourceConfig:
    url = upstream.url
    return SourceConfig(
        arxiv_categories=categories or ARCHIVES,
        arxiv_rss_url=url,
        arxiv_oai_url=f"{url}/oai",
        arxiv_listing_url=url,
        arxiv_api_url=url,
        huggingface_url=url,
        hackernews_url=url,
    )


async def fetch_all(upstream: UpstreamServer, *categories: str) -> dict[str, list[FetchResult]]:
    """Return what the real fetchers read from the server, by source."""
    existing: set[str] = set()
    results: dict[str, list[FetchResult]] = {}
    async with open_client(upstream) as client:
        ctx = FetchContext(client=client, now=upstream.now, find_existing=lambda ids: existing & set(ids))
        for source in build_sources(make_source_config(upstream, *categories)):
            results[source.name] = await fetch_source(source, ctx)
            existing |= {paper.id for result in results[source.name] for paper in result.papers}
    return results


async def test_the_real_fetchers_read_every_source_without_errors(upstream: UpstreamServer) -> None:
    upstream.now = FRIDAY - timedelta(days=9)  # the first day
    by_source = await fetch_all(upstream, "cs", "stat", "math", "quant-ph")
    assert by_source.pop("huggingface-repos") == [], "no paper is stored with votes yet"
    for name, results in by_source.items():
        assert {result.health for result in results} == {Health.OK}, name
        assert not any(result.note for result in results), name


async def test_ten_days_bring_every_paper_and_one_withdrawal(upstream: UpstreamServer) -> None:
    new, withdrawn, everything = set(), set(), SourceConfig().arxiv_categories
    for days_back in range(10):
        upstream.now = FRIDAY - timedelta(days=days_back)
        everything = (*ARCHIVES, "cond-mat", "hep-ph", "nlin")
        for result in (await fetch_all(upstream, *everything))["arxiv"]:
            new |= {p.id for p in result.papers if p.announcement is Announcement.NEW}
            withdrawn |= {p.id for p in result.papers if p.withdrawn}
    assert len(new) >= 160
    assert len(withdrawn) == 1


def test_the_feed_holds_one_day_of_the_categories_asked_for(upstream: UpstreamServer) -> None:
    feed = httpx.get(f"{upstream.url}/rss/cs.CL+stat.ML")
    assert feed.headers["content-type"] == "application/rss+xml"
    assert "cs.CL, stat.ML updates on arXiv.org" in feed.text
    assert "Fri, 20 Nov 2026 00:00:00 -0500" in feed.text
    assert "Announce Type: new \nAbstract: " in feed.text
    assert "cs.RO" not in feed.text


def test_a_paper_is_new_in_its_own_category_and_a_cross_list_elsewhere(upstream: UpstreamServer) -> None:
    def kinds(category: str) -> str:
        return httpx.get(f"{upstream.url}/rss/{category}").text

    title = "Gradient-Free Fine-Tuning at Scale"
    assert title in kinds("cs.LG")
    assert title in kinds("cs.CL")
    assert "<arxiv:announce_type>cross<" not in kinds("cs.LG").split(title)[1].split("</item>")[0]
    assert "<arxiv:announce_type>cross<" in kinds("cs.CL").split(title)[1].split("</item>")[0]


def test_the_feed_turns_at_midnight_in_the_east(upstream: UpstreamServer) -> None:
    upstream.now = datetime(2026, 11, 20, 4, 59, tzinfo=UTC)
    thursday = httpx.get(f"{upstream.url}/rss/cs").text
    upstream.now += timedelta(minutes=2)
    assert "Thu, 19 Nov 2026 00:00:00 -0500" in thursday
    assert "Fri, 20 Nov 2026 00:00:00 -0500" in httpx.get(f"{upstream.url}/rss/cs").text


def test_a_weekend_is_a_valid_feed_without_papers(upstream: UpstreamServer) -> None:
    upstream.now = SATURDAY
    feed = httpx.get(f"{upstream.url}/rss/cs")
    assert feed.status_code == httpx.codes.OK
    assert "<skipDays>" in feed.text
    assert "<item>" not in feed.text
    assert httpx.get(f"{upstream.url}/api/daily_papers?date=2026-11-14").json() == []


async def test_votes_grow_between_two_days(upstream: UpstreamServer) -> None:
    def upvotes(results: dict[str, list[FetchResult]]) -> dict[str, float]:
        (result,) = results["huggingface"]
        return {s.paper_id: s.value for s in result.signals if s.kind is SignalKind.UPVOTES}

    upstream.now = FRIDAY - timedelta(days=1)
    thursday = upvotes(await fetch_all(upstream))
    upstream.now = FRIDAY
    friday = upvotes(await fetch_all(upstream))
    both = thursday.keys() & friday.keys()
    assert all(thursday[paper] <= friday[paper] for paper in both)
    assert max(friday[paper] - thursday[paper] for paper in both) >= 30, "somebody breaks out"


def test_a_paper_is_not_listed_before_somebody_listed_it(upstream: UpstreamServer) -> None:
    counts = []
    for hour in (1, 6, 11, 23):
        upstream.now = FRIDAY.replace(hour=hour)
        counts.append(len(httpx.get(f"{upstream.url}/api/daily_papers?date=2026-11-20&limit=100").json()))
    assert counts[0] == 0
    assert all(earlier < later for earlier, later in pairwise(counts))


def test_the_daily_list_comes_in_pages_and_is_not_ordered_by_votes(upstream: UpstreamServer) -> None:
    def page(number: int) -> list[dict[str, object]]:
        params: dict[str, str | int] = {"date": "2026-11-16", "limit": 10, "p": number}
        response: list[dict[str, object]] = httpx.get(
            f"{upstream.url}/api/daily_papers", params=params
        ).json()
        return response

    assert [len(page(number)) for number in range(3)] == [10, 8, 0]
    votes = [item["paper"]["upvotes"] for item in page(0)]  # type: ignore[index]  # untyped JSON
    assert votes != sorted(votes, reverse=True)


def list_daily_papers(upstream: UpstreamServer) -> list[dict[str, Any]]:
    """Return the lists of all ten days."""
    urls = (f"{upstream.url}/api/daily_papers?date=2026-11-{day}&limit=100" for day in range(11, 21))
    return [item for url in urls for item in httpx.get(url).json()]


def test_optional_fields_are_left_out_and_never_null(upstream: UpstreamServer) -> None:
    items = list_daily_papers(upstream)
    for name in ("githubRepo", "githubStars", "projectPage", "organization", "ai_summary"):
        present = [name in item["paper"] for item in items]
        assert {True, False} == set(present), name
    assert not any(value is None for item in items for value in (item | item["paper"]).values())
    assert min(item["numComments"] for item in items) == 2


def test_the_dollars_of_formulas_are_gone_and_those_of_money_stay(upstream: UpstreamServer) -> None:
    upstream.now = FRIDAY + timedelta(hours=6)
    titles = [item["title"] for item in list_daily_papers(upstream)]
    assert "β-VAEs at Room Temperature: Disentanglement Without Annealing" in titles
    assert "100% of Nothing: Why $5 Attacks Break 99% Accurate Malware Detectors" in titles


async def test_stories_are_joined_by_link_and_their_points_grow(upstream: UpstreamServer) -> None:
    points = []
    for hours in (0, 6):
        upstream.now = datetime(2026, 11, 18, 18, tzinfo=UTC) + timedelta(hours=hours)
        (result,) = (await fetch_all(upstream))["hackernews"]
        points.append(max(s.value for s in result.signals if s.kind is SignalKind.POINTS))
    assert 1 < points[0] < points[1]


def test_the_newest_story_comes_first_and_old_ones_are_left_out(upstream: UpstreamServer) -> None:
    since = int(datetime(2026, 11, 17, tzinfo=UTC).timestamp())
    params: dict[str, str | int] = {"query": "", "numericFilters": f"created_at_i>{since}", "hitsPerPage": 4}
    response = httpx.get(f"{upstream.url}/api/v1/search_by_date", params=params).json()
    created = [hit["created_at_i"] for hit in response["hits"]]
    assert created == sorted(created, reverse=True)
    assert min(created) > since
    assert (len(created), response["nbHits"], response["nbPages"]) == (4, 6, 2)


async def harvest_papers(upstream: UpstreamServer, category: str, since: date) -> list[Paper]:
    async with open_client(upstream) as client:
        pages = harvest(client, f"{upstream.url}/oai", category, since, upstream.now)
        return [paper async for page in pages for paper in page.papers]


async def test_the_real_harvester_repairs_a_missed_day(upstream: UpstreamServer) -> None:
    since = FRIDAY.date() - timedelta(days=1)
    repaired = {paper.id for paper in await harvest_papers(upstream, "cs", since)}
    upstream.now = FRIDAY - timedelta(days=1)
    missed = {p.id for r in (await fetch_all(upstream, "cs"))["arxiv"] for p in r.papers}
    assert missed
    assert missed <= repaired


async def test_a_harvest_has_clean_names_and_creation_dates(upstream: UpstreamServer) -> None:
    papers = {
        p.id: p for name in ("cs", "stat.ME") for p in await harvest_papers(upstream, name, date(2026, 11, 1))
    }
    assert any("Leocádia Vinhateiro" in paper.authors for paper in papers.values())
    assert not any("\\" in name for paper in papers.values() for name in paper.authors)
    assert papers["arxiv:2609.90411"].announcement is Announcement.REPLACE, "made months ago"


async def test_a_harvest_without_changes_is_empty(upstream: UpstreamServer) -> None:
    assert await harvest_papers(upstream, "hep-lat", date(2026, 11, 11)) == []


async def test_papers_can_be_looked_up_by_their_ids(upstream: UpstreamServer) -> None:
    async with open_client(upstream) as client:
        response = await fetch_by_id(
            client, upstream.url, ["2610.90907", "2611.90167", "2611.99999"], upstream.now
        )
    papers = {paper.id: paper for paper in response.papers}
    assert papers["arxiv:2610.90907"].published == datetime(2026, 10, 29, 12, tzinfo=UTC)
    assert papers["arxiv:2611.90167"].category == "stat.ML"
    assert response.note == "arXiv does not know 2611.99999."


def test_other_paths_are_not_found(upstream: UpstreamServer) -> None:
    assert httpx.get(f"{upstream.url}/list/cs/new").status_code == 404
    assert upstream.requests == ["/list/cs/new"]
