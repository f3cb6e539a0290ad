"""Tests of the Hacker News source."""

from collections.abc import Callable

import pytest

from digest.models import Announcement, Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.hackernews import HackerNews, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_stories_are_joined_by_link_and_summed(replay: Replay) -> None:
    result = parse(replay("hackernews/stories.json"), "stories", NOW)
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
        parse(body, "stories", NOW)


def test_broken_story_is_skipped_with_a_note() -> None:
    story = b'{"url": "https://arxiv.org/abs/2611.12001", "points": 7, "num_comments": null}'
    result = parse(b'{"hits": [null, ' + story + b"]}", "stories", NOW)
    assert {signal.value for signal in result.signals} == {7, 0}
    assert result.note == "1 of 2 stories could not be read."


async def test_papers_not_stored_are_looked_up_and_old_ones_are_replacements(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/v1/search_by_date", Reply(body=replay("hackernews/stories.json")))
    server.set_replies("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    (result,) = await fetch_source(
        HackerNews(server.url, arxiv_api_url=server.url), FetchContext(client=client, now=NOW)
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
    (result,) = await fetch_source(HackerNews(server.url, arxiv_api_url=server.url), context)
    assert {signal.paper_id for signal in result.signals} == {"arxiv:2611.12001"}
    assert result.health is Health.OK
    assert "1 papers could not be looked up at arXiv: Answered 404" in result.note
