"""Tests of the PubMed source."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from digest.models import FetchState, Health
from digest.models.errors import SourceChanged, SourceError
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.pubmed import PubMed, parse, parse_search
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
ESEARCH, EFETCH = "/entrez/eutils/esearch.fcgi", "/entrez/eutils/efetch.fcgi"
READ_BEFORE = {"pubmed": FetchState(read_at=NOW - timedelta(days=1))}


def search_result(ids: list[str], *, count: int | None = None, **fields: object) -> Reply:
    result = {"count": str(len(ids) if count is None else count), "idlist": ids, **fields}
    return Reply(body=json.dumps({"esearchresult": result}).encode())


def test_records_are_read_with_ids_headings_and_the_preprint(replay: Replay) -> None:
    result = parse(replay("pubmed/efetch.xml"), "pubmed", NOW)
    trial, retracted = result.papers
    assert (trial.id, *trial.aliases) == (
        "doi:10.5555/wool.2026.1", "pmid:41900001", "pmid:41000001", "doi:10.1101/2026.03.08.26000001",
    )  # fmt: skip
    assert trial.title == "Sleep of Ovis aries under CO₂: a randomised trial"
    assert trial.abstract == "Background: Sheep sleep (p < 0.05). Findings: They sleep well."
    assert trial.authors == ("Ada B Loveless", "Coretta King Jr", "Flock Study Group")
    assert trial.categories == ("Nature Medicine", "Sheep", "Diabetes Mellitus Type 2")
    assert trial.published == datetime(2026, 11, 20, tzinfo=UTC)  # not the issue of next January
    assert (trial.url, trial.keywords) == ("https://pubmed.ncbi.nlm.nih.gov/41900001/", ("wool",))
    assert (retracted.id, retracted.withdrawn) == ("pmid:41900002", True)
    assert (retracted.title, retracted.category) == (
        "On the counting of sheep in the dark", "Zeitschrift für Wolle",
    )  # fmt: skip
    assert result.note == "1 records could not be read."  # and the erratum is no paper


def test_displayed_formulas_and_initials_are_read() -> None:
    record = """<PubmedArticle><MedlineCitation><PMID>4190</PMID><Article><ArticleTitle>Wool</ArticleTitle>
    <Abstract><AbstractText>We <b>count</b><DispFormula>x=1</DispFormula>sheep.</AbstractText></Abstract>
    <AuthorList><Author><LastName>Poe</LastName><Initials>BA</Initials></Author></AuthorList>
    </Article></MedlineCitation></PubmedArticle>"""
    (paper,) = parse(record.encode(), "pubmed", NOW).papers
    assert (paper.abstract, paper.authors) == ("We count x=1 sheep.", ("B A Poe",))


@pytest.mark.parametrize("body", [b"", b"<html/>", b"<eFetchResult><ERROR>x</ERROR></eFetchResult>", b"{}"])
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "pubmed", NOW)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"esearchresult": {"count": "x", "idlist": []}}'])
def test_unknown_search_result_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse_search(body)


def test_a_refused_query_is_an_error_and_an_ignored_word_a_note(replay: Replay) -> None:
    assert len(parse_search(replay("pubmed/esearch.json")).ids) == 4
    with pytest.raises(SourceError, match="refused the query: Empty term"):
        parse_search(b'{"esearchresult": {"ERROR": "Empty term and query_key - nothing todo"}}')
    ignored = {"count": "0", "idlist": [], "errorlist": {"phrasesnotfound": ["sheeep"], "fieldsnotfound": []}}
    note = parse_search(json.dumps({"esearchresult": ignored}).encode()).note
    assert note == "PubMed says of the query: sheeep."


async def test_new_records_are_fetched_from_the_history_in_batches(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    ids = [str(41900001 + n) for n in range(450)]
    server.set_replies(ESEARCH, search_result(ids, webenv="MCID_1", querykey="1"))
    server.set_replies(EFETCH, Reply(body=replay("pubmed/efetch.xml")))
    source = PubMed(
        SourceConfig(
            pubmed_url=server.url, pubmed_query="sheep", pubmed_key="a-key", contact="ada@example.com"
        )
    )
    (result,) = await fetch_source(source, FetchContext(client=client, now=NOW))
    assert (result.health, len(result.papers), result.day) == (Health.OK, 2, NOW.date())
    search, *batches = server.requests
    assert search.query == {
        "db": "pubmed", "term": "sheep", "datetype": "edat", "mindate": "2026/11/16", "maxdate": "2026/11/24",
        "retmax": "9999", "retmode": "json", "usehistory": "y", "tool": "trending-papers-digest",
        "email": "ada@example.com", "api_key": "a-key",
    }  # fmt: skip
    assert [batch.query["retstart"] for batch in batches] == ["0", "200", "400"]
    assert {batch.query["WebEnv"] for batch in batches} == {"MCID_1"}
    assert "a-key" not in repr(source)


async def test_only_records_that_are_not_stored_are_fetched_also_those_indexed_late(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(
        f"{ESEARCH}?datetype=edat", search_result(["3", "2", "1"], webenv="MCID_1", querykey="1")
    )
    server.set_replies(f"{ESEARCH}?datetype=mhda", search_result(["2", "40"]))
    server.set_replies(EFETCH, Reply(body=replay("pubmed/efetch.xml")))
    context = FetchContext(
        client=client, now=NOW, states=READ_BEFORE, find_existing=lambda ids: {*ids} - {"pmid:3", "pmid:40"}
    )
    await fetch_source(PubMed(SourceConfig(pubmed_url=server.url, pubmed_query='"Sheep"[majr]')), context)
    assert [request.query["id"] for request in server.requests_to(EFETCH)] == ["3", "40"]
    late = server.requests_to(ESEARCH)[1]
    assert late.query["term"] == '("Sheep"[majr]) AND 2025/11/24:2026/11/24[edat]'


async def test_a_period_with_too_many_records_is_halved(client: Client, server: ReplayServer) -> None:
    server.set_replies(ESEARCH, search_result([], count=20_000), search_result([]))
    (result,) = await fetch_source(
        PubMed(SourceConfig(pubmed_url=server.url, pubmed_query="sheep")),
        FetchContext(client=client, now=NOW),
    )
    periods = [(request.query["mindate"], request.query["maxdate"]) for request in server.requests]
    assert periods[1:] == [("2026/11/16", "2026/11/20"), ("2026/11/21", "2026/11/24")]
    assert result.health is Health.EMPTY


async def test_a_batch_that_fails_costs_the_rest_only(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(ESEARCH, search_result([str(n) for n in range(1, 300)]))
    server.set_replies(EFETCH, Reply(body=replay("pubmed/efetch.xml")), Reply(status=400))
    (result,) = await fetch_source(
        PubMed(SourceConfig(pubmed_url=server.url, pubmed_query="sheep")),
        FetchContext(client=client, now=NOW),
    )
    assert (len(result.papers), result.health) == (2, Health.TRUNCATED)
    assert result.note.endswith("The fetch stopped early: Answered 400 Bad Request.")


async def test_without_a_query_the_note_names_the_setting(client: Client) -> None:
    (result,) = await fetch_source(
        PubMed(SourceConfig(pubmed_url="http://x")), FetchContext(client=client, now=NOW)
    )
    assert (result.health, result.note) == (Health.FAILED, "Has no query: set DIGEST_PUBMED_QUERY.")
