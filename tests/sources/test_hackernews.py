"""Tests of the Hacker News source."""

import json
from collections.abc import Callable

import pytest

from digest.models import Announcement, FetchResult, Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.hackernews import MAX_PAGES, MAX_STORIES, SITES, HackerNews, build_result, parse_page
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_stories_are_joined_by_link_and_summed(replay: Replay) -> None:
    result = build_result([parse_page(replay("hackernews/stories.json"))], NOW)
    counts = {(s.paper_id, s.kind): s.value for s in result.signals}
    assert counts == {
        ("arxiv:2611.12001", SignalKind.POINTS): 123,
        ("arxiv:2611.12001", SignalKind.COMMENTS): 44,
        ("arxiv:1903.00042", SignalKind.POINTS): 80,
        ("arxiv:1903.00042", SignalKind.COMMENTS): 0,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"hits": 1}', b'{"hits": [1]}', b"{}"])
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse_page(body)


def test_broken_story_is_skipped_with_a_note() -> None:
    story = b'{"url": "https://arxiv.org/abs/2611.12001", "points": 7, "num_comments": null}'
    result = build_result([parse_page(b'{"hits": [null, ' + story + b"]}")], NOW)
    assert {signal.value for signal in result.signals} == {7, 0}
    assert result.note == "1 of 2 stories could not be read."


async def test_papers_not_stored_are_looked_up_and_old_ones_are_replacements(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/v1/search_by_date", Reply(body=replay("hackernews/stories.json")))
    server.set_replies("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    (result,) = await fetch_source(
        HackerNews(SourceConfig(hackernews_url=server.url, arxiv_api_url=server.url)),
        FetchContext(client=client, now=NOW),
    )
    assert {paper.id: paper.announcement for paper in result.papers} == {
        "arxiv:2611.12001": Announcement.NEW, "arxiv:1903.00042": Announcement.REPLACE,
    }  # fmt: skip
    assert len(result.signals) == 4
    assert server.requests[0].query["restrictSearchableAttributes"] == "url"


async def test_signals_of_unknown_papers_are_left_out_with_a_note(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/v1/search_by_date", Reply(body=replay("hackernews/stories.json")))
    context = FetchContext(client=client, now=NOW, find_existing=lambda _: {"arxiv:2611.12001"})
    (result,) = await fetch_source(
        HackerNews(SourceConfig(hackernews_url=server.url, arxiv_api_url=server.url)), context
    )
    assert {signal.paper_id for signal in result.signals} == {"arxiv:2611.12001"}
    assert result.health is Health.OK
    assert "1 papers could not be looked up at arXiv: Answered 404" in result.note


def build_stories(first: int, count: int) -> bytes:
    """Return a page of stories about papers of their own, each with one point."""
    hits = [
        {"objectID": str(n), "url": f"https://arxiv.org/abs/2611.{n:05}", "points": 1, "num_comments": 0}
        for n in range(first, first + count)
    ]
    return json.dumps({"hits": hits}).encode()


async def fetch_signals(client: Client, server: ReplayServer) -> tuple[FetchResult, dict[str, float]]:
    context = FetchContext(client=client, now=NOW, find_existing=set)
    (result,) = await fetch_source(
        HackerNews(SourceConfig(hackernews_url=server.url, arxiv_api_url="")), context
    )
    points = {signal.paper_id: signal.value for signal in result.signals if signal.kind is SignalKind.POINTS}
    return result, points


async def test_more_stories_than_a_page_holds_are_read_and_counted_once(
    client: Client, server: ReplayServer
) -> None:
    path = "/api/v1/search_by_date?query=arxiv.org&page="
    server.set_replies("/api/v1/search_by_date", Reply(body=b'{"hits": []}'))
    server.set_replies(f"{path}0", Reply(body=build_stories(0, MAX_STORIES)))
    server.set_replies(f"{path}1", Reply(body=build_stories(MAX_STORIES - 3, MAX_STORIES)))  # three moved on
    server.set_replies(f"{path}2", Reply(body=build_stories(2 * MAX_STORIES - 3, 5)))
    result, points = await fetch_signals(client, server)
    assert points == {f"arxiv:2611.{n:05}": 1 for n in range(2 * MAX_STORIES + 2)}
    assert (len(server.requests), result.health, result.note) == (2 + len(SITES), Health.OK, "")


async def test_a_page_that_fails_costs_only_later_stories(client: Client, server: ReplayServer) -> None:
    path = "/api/v1/search_by_date?query=arxiv.org&page="
    server.set_replies("/api/v1/search_by_date", Reply(body=b'{"hits": []}'))
    server.set_replies(f"{path}0", Reply(body=build_stories(0, MAX_STORIES)))
    server.set_replies(f"{path}1", Reply(status=404))
    result, points = await fetch_signals(client, server)
    assert len(points) == MAX_STORIES
    assert result.note.startswith("Only the newest 200 stories on arxiv.org were read: Answered 404")


async def test_pages_without_end_are_read_up_to_a_limit(client: Client, server: ReplayServer) -> None:
    server.set_replies("/api/v1/search_by_date", Reply(body=b'{"hits": []}'))
    server.set_replies("/api/v1/search_by_date?query=arxiv.org", Reply(body=build_stories(0, MAX_STORIES)))
    result, points = await fetch_signals(client, server)
    assert {*points.values()} == {1}
    assert len(server.requests) == MAX_PAGES + len(SITES) - 1
    assert result.note == "Older stories on arxiv.org than the newest 1000 were not read."


async def test_links_of_every_form_are_searched_and_joined(client: Client, server: ReplayServer) -> None:
    links = {
        "https://arxiv.org/html/2611.00001v2": "arxiv:2611.00001",
        "https://huggingface.co/papers/2611.00002": "arxiv:2611.00002",
        "https://www.biorxiv.org/content/10.64898/2026.11.20.700001v2.full": "doi:10.64898/2026.11.20.700001",
        "https://www.nature.com/articles/s41586-026-00001-2": "doi:10.1038/s41586-026-00001-2",
        "https://www.science.org/doi/10.1126/science.ab1234": "doi:10.1126/science.ab1234",
        "https://pubmed.ncbi.nlm.nih.gov/41900001/": "pmid:41900001",
        "https://openreview.net/forum?id=aB-cD_12xY": "openreview:aB-cD_12xY",
        "https://news.example/no-paper": "",
    }
    hits = [{"objectID": str(n), "url": url, "points": 1, "num_comments": 0} for n, url in enumerate(links)]
    server.set_replies("/api/v1/search_by_date", Reply(body=json.dumps({"hits": hits}).encode()))
    context = FetchContext(client=client, now=NOW, find_existing=lambda ids: {*ids})
    (result,) = await fetch_source(
        HackerNews(SourceConfig(hackernews_url=server.url, arxiv_api_url="")), context
    )
    assert {signal.paper_id for signal in result.signals} == {*links.values()} - {""}
    assert {request.query["query"] for request in server.requests} == {*SITES}
