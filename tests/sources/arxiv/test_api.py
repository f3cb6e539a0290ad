"""Tests of arXiv's query API."""

from collections.abc import Callable

import pytest

from digest.models.errors import SourceChanged, SourceError
from digest.sources.arxiv.api import fetch_by_id, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_puts_the_primary_category_first(replay: Replay) -> None:
    sheep, robot = parse(replay("arxiv_api/papers.xml"), "look-up", NOW).papers
    assert (sheep.id, sheep.version) == ("arxiv:2611.12001", 2)
    assert sheep.title == "Counting Sheep with O(√n) Fences: A Naïve Approach"
    assert sheep.abstract == "We count n sheep. A second paragraph."
    assert sheep.categories == ("cs.CL", "cs.LG")
    assert sheep.authors == ("Ada Loveless", "Nikola Pižamar")
    assert sheep.aliases == ("doi:10.5555/sheep.2026.7",)
    assert robot.withdrawn


def test_error_entry_is_source_changed_with_its_message(replay: Replay) -> None:
    with pytest.raises(SourceChanged, match="incorrect id format for sheep"):
        parse(replay("arxiv_api/error.xml"), "look-up", NOW)


async def test_fetch_by_id_names_missing_papers(client: Client, server: ReplayServer, replay: Replay) -> None:
    server.set_replies("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    result = await fetch_by_id(
        client, server.url, ["arxiv:2611.12001", "arxiv:1903.00042", "arxiv:0000.0000"], NOW
    )
    assert server.requests[0].query["id_list"] == "2611.12001,1903.00042,0000.0000"
    assert len(result.papers) == 2
    assert result.note == "arXiv does not know 0000.0000."


async def test_error_status_is_a_source_error_with_the_message(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/query", Reply(status=400, body=replay("arxiv_api/error.xml")))
    with pytest.raises(SourceError, match="incorrect id format for sheep"):
        await fetch_by_id(client, server.url, ["sheep"], NOW)


async def test_fetch_by_id_requests_a_hundred_papers_at_a_time(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/api/query", Reply(body=replay("arxiv_api/papers.xml")))
    await fetch_by_id(client, server.url, [f"2611.{number:05d}" for number in range(250)], NOW)
    assert [len(request.query["id_list"].split(",")) for request in server.requests] == [100, 100, 50]
