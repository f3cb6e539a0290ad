"""Which papers do people talk about on Hacker News? Claims about the join."""

from collections.abc import Callable

import pytest

from digest.models import Announcement, Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, read
from digest.sources.hackernews import HackerNews, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_stories_are_joined_by_their_link_alone_and_summed(replay: Replay) -> None:
    reading = parse(replay("hackernews/stories.json"), "stories", NOW)
    counts = {(s.paper_id, s.kind): s.value for s in reading.signals}
    assert counts == {
        ("arxiv:2611.12001", SignalKind.POINTS): 123,
        ("arxiv:2611.12001", SignalKind.COMMENTS): 44,
        ("arxiv:1903.00042", SignalKind.POINTS): 80,
        ("arxiv:1903.00042", SignalKind.COMMENTS): 0,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"hits": 1}', b'{"hits": [1]}', b"{}"])
def test_another_shape_is_a_change(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "stories", NOW)


async def test_papers_we_do_not_hold_are_looked_up_and_old_ones_are_no_news(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/api/v1/search_by_date", Reply(body=replay("hackernews/stories.json")))
    server.answer("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    (reading,) = await read(HackerNews(server.url, api=server.url), FetchContext(client=client, now=NOW))
    assert {paper.id: paper.announcement for paper in reading.papers} == {
        "arxiv:2611.12001": Announcement.NEW, "arxiv:1903.00042": Announcement.REPLACE,
    }  # fmt: skip
    assert len(reading.signals) == 4
    assert server.requests[0].query["restrictSearchableAttributes"] == "url"


async def test_signals_of_papers_nobody_can_name_are_left_out_and_said(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/api/v1/search_by_date", Reply(body=replay("hackernews/stories.json")))
    visit = FetchContext(client=client, now=NOW, known=lambda _: {"arxiv:2611.12001"})
    (reading,) = await read(HackerNews(server.url, api=server.url), visit)
    assert {signal.paper_id for signal in reading.signals} == {"arxiv:2611.12001"}
    assert reading.health is Health.OK
    assert "1 papers could not be looked up at arXiv: Answered 404" in reading.note
