"""Tests of the OpenAlex source."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.models import FetchState, Health, SignalKind
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.openalex import OpenAlex, parse, restore_abstract
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_works_are_read_with_all_their_ids_and_citations(replay: Replay) -> None:
    since = NOW - timedelta(days=7)
    result, _ = parse(replay("openalex/works.json"), "journals", NOW, created_since=since)
    trial, chapter = result.papers
    assert (trial.id, *trial.aliases) == ("doi:10.5555/wool.2026.1", "pmid:41900001", "arxiv:2603.00001")
    assert trial.abstract == "Sheep sleep They sleep well."
    assert trial.categories == ("Nature Medicine", "Endocrinology Diabetes and Metabolism")
    assert (trial.url, trial.pdf_url) == (
        "https://doi.org/10.5555/wool.2026.1",
        "https://journal.example/1.pdf",
    )
    assert chapter.id.startswith("title:abookchapter")
    assert [(s.paper_id, s.kind, s.value) for s in result.signals] == [
        (trial.id, SignalKind.CITATIONS, 3.0), (chapter.id, SignalKind.CITATIONS, 0.0),
    ]  # fmt: skip
    assert result.note == "1 works could not be read."


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ({"b": [1], "a": [0, 2]}, "a b a"),
        ({"a": [0], "far": [10**9], "bad": ["1", -1, None], "none": None}, "a"),
        (None, ""),
        ([], ""),
    ],
)
def test_abstracts_are_restored_from_the_places_of_their_words(index: object, text: str) -> None:
    assert restore_abstract(index) == text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"results": 1}', b'{"results": [{}]}', b"<!doctype html><html>"]
)
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "journals", NOW)


async def test_each_kind_of_search_is_a_scope_and_read_once_a_day(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/works", Reply(body=replay("openalex/works.json")))
    source = OpenAlex(
        SourceConfig(
            openalex_url=server.url,
            openalex_key="a-key",
            journals=("0028-0836",),
            openalex_query="wool",
            openalex_authors=("https://orcid.org/0000-0002-1825-0097", "A5023888391"),
            openalex_institutions=("03yrm5c26",),
        )
    )
    read = {"query": FetchState(read_at=NOW - timedelta(hours=2))}
    results = await fetch_source(source, FetchContext(client=client, now=NOW, states=read))
    assert [result.scope for result in results] == [
        "journals", "authors", "authors by number", "institutions", "query",
    ]  # fmt: skip
    assert results[-1].note == "Read today already."
    since = "from_publication_date:2026-09-24"
    assert [request.query["filter"] for request in server.requests] == [
        f"primary_location.source.issn:0028-0836,{since}",
        f"authorships.author.orcid:0000-0002-1825-0097,{since}",
        f"authorships.author.id:A5023888391,{since}",
        f"authorships.institutions.ror:03yrm5c26,{since}",
    ]
    assert {request.query["api_key"] for request in server.requests} == {"a-key"}
    assert "a-key" not in repr(source)


async def test_citations_of_stored_papers_are_looked_up_once_a_day(
    client: Client, server: ReplayServer
) -> None:
    works = [
        {"doi": "https://doi.org/10.48550/arxiv.2611.12001", "title": "Wool", "cited_by_count": 7},
        {"doi": "https://doi.org/10.5555/x", "title": "Fleece", "cited_by_count": 2},
    ]
    server.set_replies("/works", Reply(body=json.dumps({"results": works}).encode()))
    pool = ("arxiv:2611.12001", "doi:10.5555/x", "title:sheep|ada|2026", "doi:10.5555/a,b")
    context = FetchContext(client=client, now=NOW, ids_to_enrich=pool)
    (result,) = await fetch_source(OpenAlex(SourceConfig(openalex_url=server.url)), context)
    assert {signal.paper_id: signal.value for signal in result.signals} == {
        "arxiv:2611.12001": 7.0, "doi:10.5555/x": 2.0,
    }  # fmt: skip
    assert (result.scope, result.papers, result.health) == ("citations", (), Health.OK)
    assert server.requests[0].query["filter"] == "doi:10.48550/arxiv.2611.12001|10.5555/x"
