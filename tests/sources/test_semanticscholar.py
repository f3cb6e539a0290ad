"""Tests of the Semantic Scholar source."""

import json
from collections.abc import Callable

from digest.models import Health
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.semanticscholar import SemanticScholar
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
POOL = ("arxiv:2611.99999", "arxiv:2611.12001", "doi:10.5555/bare", "title:sheep|ada|2026")


async def test_citations_and_summaries_are_matched_by_order(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/graph/v1/paper/batch", Reply(body=replay("semanticscholar/batch.json")))
    context = FetchContext(client=client, now=NOW, ids_to_enrich=POOL)
    (result,) = await fetch_source(
        SemanticScholar(SourceConfig(semanticscholar_url=server.url, semanticscholar_key="a-key")), context
    )
    assert {s.paper_id: s.value for s in result.signals} == {"arxiv:2611.12001": 4, "doi:10.5555/bare": 0}
    assert [(paper.id, paper.summary) for paper in result.papers] == [
        ("arxiv:2611.12001", "Sheep can be counted."),
    ]  # fmt: skip
    assert result.note == "2 of 3 papers are known there."
    request = server.requests[0]
    assert json.loads(request.body) == {"ids": ["ARXIV:2611.99999", "ARXIV:2611.12001", "DOI:10.5555/bare"]}
    assert "a-key" in request.headers.values()


async def test_fetch_without_a_key_makes_no_request(client: Client, server: ReplayServer) -> None:
    assert (
        await fetch_source(
            SemanticScholar(SourceConfig(semanticscholar_url=server.url)),
            FetchContext(client=client, now=NOW, ids_to_enrich=POOL),
        )
        == []
    )
    assert not server.requests


async def test_list_of_another_length_is_source_changed(client: Client, server: ReplayServer) -> None:
    server.set_replies("/graph/v1/paper/batch", Reply(body=b"[null]"))
    context = FetchContext(client=client, now=NOW, ids_to_enrich=POOL)
    (result,) = await fetch_source(
        SemanticScholar(SourceConfig(semanticscholar_url=server.url, semanticscholar_key="a-key")), context
    )
    assert result.health is Health.CHANGED


def test_key_is_not_in_the_repr() -> None:
    assert "a-key" not in repr(SemanticScholar(SourceConfig(semanticscholar_key="a-key")))
