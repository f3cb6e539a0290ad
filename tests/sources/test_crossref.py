"""Tests of the Crossref source."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import Announcement, Health, Paper
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig
from digest.sources.crossref import PAGE_SIZE, Crossref, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_works_are_read_with_abstract_journal_and_preprint(replay: Replay) -> None:
    result, _ = parse(replay("crossref/works.json"), "journals", NOW)
    trial, scan = result.papers
    assert (trial.id, trial.aliases) == ("doi:10.5555/wool.2026.1", ("doi:10.1101/2026.03.08.26000001",))
    assert trial.title == "Sleep of Ovis aries & others: a randomised trial"
    assert trial.abstract == "Sheep sleep at 37 °C. They sleep well."
    assert trial.authors == ("Ada B. Loveless", "Flock Study Group")
    assert trial.categories == ("Nature Medicine",)
    assert trial.published == datetime(2026, 11, 20, 10, 2, 3, tzinfo=UTC)
    assert trial.announcement is Announcement.NEW
    assert scan.announcement is Announcement.REPLACE  # a DOI for a volume of 1911 is no news
    assert result.note == "2 works could not be read."  # and the correction is no paper


def parse_work(**fields: object) -> tuple[Paper, ...]:
    work = {"DOI": "10.5555/1", "title": ["Wool"], **fields}
    return parse(json.dumps({"message": {"items": [work]}}).encode(), "journals", NOW)[0].papers


@pytest.mark.parametrize(
    ("markup", "abstract"),
    [
        ("<jats:title>Abstract</jats:title><jats:p>Sheep sleep.</jats:p>", "Sheep sleep."),
        ("<jats:p>Summary. Sheep sleep.</jats:p>", "Sheep sleep."),
        ("<jats:p><jats:bold>ABSTRACT</jats:bold> Sheep sleep.</jats:p>", "Sheep sleep."),
        ("<jats:sec><jats:title>AIM</jats:title><jats:p>To sleep.</jats:p></jats:sec>", "Aim: To sleep."),
        ("<jats:p>One.</jats:p><jats:title>Aim:</jats:title><jats:p>Sleep.</jats:p>", "One. Aim: Sleep."),
        ("<jats:p>Abstract interpretation is sound.</jats:p>", "Abstract interpretation is sound."),
        ("<jats:p><jats:italic>Abstract</jats:italic> art.</jats:p>", "Abstract art."),
        ("Summary statistics of sheep.", "Summary statistics of sheep."),
    ],
)  # fmt: skip
def test_headings_of_an_abstract_are_told_from_its_words(markup: str, abstract: str) -> None:
    assert parse_work(abstract=markup)[0].abstract == abstract


def test_notices_are_left_out_and_retracted_works_are_marked() -> None:
    assert not parse_work(title=["Correction to: Wool"])
    assert not parse_work(title=["Editorial Board"])
    assert parse_work(title=["RETRACTED: Wool"])[0].withdrawn


@pytest.mark.parametrize(
    "body",
    [b"", b"Resource not found.", b"[]", b'{"message": {"items": 1}}', b'{"message": {"items": [{}]}}'],
)
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "journals", NOW)


async def test_journals_and_words_are_searched_page_by_page(client: Client, server: ReplayServer) -> None:
    works = [{"DOI": f"10.5555/{n}", "title": [f"Wool {n}"]} for n in range(PAGE_SIZE + 1)]

    def page(items: object) -> Reply:
        return Reply(body=json.dumps({"message": {"items": items, "next-cursor": "next"}}).encode())

    server.set_replies("/works?cursor=*", page(works[:PAGE_SIZE]))
    server.set_replies("/works?cursor=next", page(works[PAGE_SIZE:]))
    source = Crossref(
        SourceConfig(
            crossref_url=server.url,
            journals=("0028-0836", "1476-4687"),
            crossref_query="wool",
            contact="ada@example.com",
        )
    )
    journals, query = await fetch_source(source, FetchContext(client=client, now=NOW))
    assert (journals.scope, len(journals.papers), journals.health) == ("journals", PAGE_SIZE + 1, Health.OK)
    assert (query.scope, len(query.papers)) == ("query", PAGE_SIZE + 1)
    first, *_, last = server.requests
    assert first.query["filter"] == "from-created-date:2026-11-16,issn:0028-0836,issn:1476-4687"
    assert (first.query["mailto"], last.query["query.bibliographic"]) == ("ada@example.com", "wool")


async def test_without_journals_the_note_names_the_settings(client: Client) -> None:
    (result,) = await fetch_source(
        Crossref(SourceConfig(crossref_url="http://x")), FetchContext(client=client, now=NOW)
    )
    assert result.note == "Has nothing to look for: set DIGEST_JOURNALS or DIGEST_CROSSREF_QUERY."
