"""How often is a paper cited? Claims about Semantic Scholar's batch."""

import json
from collections.abc import Callable

from digest.models import Health
from digest.sources.base import FetchContext, read
from digest.sources.http.client import Client
from digest.sources.semanticscholar import SemanticScholar
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
POOL = ("arxiv:2611.99999", "arxiv:2611.12001", "doi:10.5555/bare", "title:sheep|ada|2026")


async def test_citations_and_summaries_come_in_the_order_they_were_asked_for(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/graph/v1/paper/batch", Reply(body=replay("semanticscholar/batch.json")))
    visit = FetchContext(client=client, now=NOW, pool=POOL)
    (reading,) = await read(SemanticScholar(server.url, "a-key"), visit)
    assert {s.paper_id: s.value for s in reading.signals} == {"arxiv:2611.12001": 4, "doi:10.5555/bare": 0}
    assert [(paper.id, paper.summary) for paper in reading.papers] == [
        ("arxiv:2611.12001", "Sheep can be counted."),
    ]  # fmt: skip
    assert reading.note == "2 of 3 papers are known there."
    asked = server.requests[0]
    assert json.loads(asked.body) == {"ids": ["ARXIV:2611.99999", "ARXIV:2611.12001", "DOI:10.5555/bare"]}
    assert "a-key" in asked.headers.values()


async def test_without_a_key_it_is_not_asked(client: Client, server: ReplayServer) -> None:
    assert await read(SemanticScholar(server.url), FetchContext(client=client, now=NOW, pool=POOL)) == []
    assert not server.requests


async def test_a_list_of_another_length_is_a_change(client: Client, server: ReplayServer) -> None:
    server.answer("/graph/v1/paper/batch", Reply(body=b"[null]"))
    visit = FetchContext(client=client, now=NOW, pool=POOL)
    (reading,) = await read(SemanticScholar(server.url, "a-key"), visit)
    assert reading.health is Health.CHANGED


def test_the_key_does_not_show() -> None:
    assert "a-key" not in repr(SemanticScholar("https://x.example", "a-key"))
