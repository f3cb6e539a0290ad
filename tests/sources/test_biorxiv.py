"""Tests of the bioRxiv and medRxiv source."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.models import Announcement, FetchState, Health
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, fetch_source
from digest.sources.biorxiv import Biorxiv, parse
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.pages import MAX_PAGES
from tests.factories import NOW
from tests.replay_server import RecordedRequest, ReplayServer, Reply

Replay = Callable[[str], bytes]


async def test_versions_of_a_paper_are_merged(client: Client, server: ReplayServer, replay: Replay) -> None:
    path = "/details/biorxiv/2026-11-20/2026-11-23/0/json"
    server.set_replies(path, Reply(body=replay("biorxiv/details.json")))
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW)
    )
    dream, wool = result.papers
    assert (dream.id, dream.version) == ("doi:10.64898/2026.11.20.700001", 2)
    assert dream.announcement is Announcement.NEW  # its first version is here too
    assert dream.authors == ("A. Loveless", "N. B. Pižamar")
    assert dream.url == "https://www.biorxiv.org/content/10.64898/2026.11.20.700001v2"
    assert (wool.announcement, wool.aliases) == (Announcement.REPLACE, ("doi:10.5555/wool.9",))
    assert result.note == "1 of 4 papers could not be read."


@pytest.mark.parametrize("body", [b"", b"[]", b'{"collection": 1}', b'{"collection": [{}]}', b"<html>"])
def test_unknown_shape_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "biorxiv", NOW)


def test_null_costs_its_field_and_a_missing_title_its_paper() -> None:
    nulls = dict.fromkeys(("authors", "abstract", "date", "version", "category", "published", "type"))
    rows = [
        {"doi": "10.64898/1", "title": "On <i>Ovis</i> wool", **nulls},
        {"doi": "10.64898/2", "title": None}, None, {"doi": None, "title": "x"},
        {"doi": "10.64898/3", "title": "B", "date": "0001-01-01", "authors": "Wolle, C., Jr.; O&#39;Poe, B."},
    ]  # fmt: skip
    result, *_ = parse(json.dumps({"messages": None, "collection": rows}).encode(), "biorxiv", NOW)
    assert [(p.id, p.title, p.published) for p in result.papers] == [
        ("doi:10.64898/1", "On Ovis wool", None), ("doi:10.64898/3", "B", None),
    ]  # fmt: skip
    assert result.papers[1].authors == ("C. Wolle Jr.", "B. O'Poe")
    assert result.note == "3 of 5 papers could not be read."


def test_marks_of_typesetting_are_read() -> None:
    abstract = "AbstractO_ST_ABSAimC_ST_ABSTo <i>sleep</i>."
    row = {"doi": "10.64898/1", "title": "On {beta}-wool", "abstract": abstract}
    (paper,) = parse(json.dumps({"collection": [row]}).encode(), "biorxiv", NOW)[0].papers
    assert (paper.title, paper.abstract) == ("On β-wool", "Aim: To sleep.")


def test_a_withdrawn_preprint_is_marked() -> None:
    rows = [
        {"doi": "10.64898/1", "title": "Wool", "type": "WITHDRAWN"},
        {"doi": "10.64898/2", "title": "WITHDRAWN: Wool"},
        {"doi": "10.64898/3", "title": "Withdrawn wool"},
    ]
    papers = parse(json.dumps({"collection": rows}).encode(), "biorxiv", NOW)[0].papers
    assert [paper.withdrawn for paper in papers] == [True, True, False]


def test_raw_control_characters_are_read_and_noted() -> None:
    body = b'{"collection": [{"doi": "10.64898/1", "title": "Wool", "abstract": "Two\n\x01 lines"}]}'
    result, *_ = parse(body, "biorxiv", NOW)
    assert (result.papers[0].abstract, result.note) == ("Two lines", "Its JSON was repaired.")


async def test_pages_without_counts_are_read_until_one_is_empty(client: Client, server: ReplayServer) -> None:
    def page(request: RecordedRequest) -> Reply:
        cursor = int(request.path.split("/")[-2])
        rows = [{"doi": f"10.64898/{n}", "title": "Wool"} for n in range(cursor, min(cursor + 2, 3))]
        return Reply(body=json.dumps({"messages": [{"count": None}], "collection": rows}).encode())

    for cursor in (0, 2, 3):
        server.set_replies(f"/details/biorxiv/2026-11-20/2026-11-23/{cursor}/json", page)
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW)
    )
    assert (len(result.papers), result.health) == (3, Health.OK)


def page_of(request: RecordedRequest) -> Reply:
    """Reply with pages of thirty, whose total is higher than the number of papers."""
    cursor = int(request.path.split("/")[-2])
    rows = [
        {"doi": f"10.64898/2026.11.20.{n:06d}", "title": f"Wool {n}", "authors": "Loveless, A.",
         "date": "2026-11-20", "version": "1", "abstract": "Wool."}
        for n in range(cursor, min(cursor + 30, 70))
    ]  # fmt: skip
    message = {"status": "ok", "count": len(rows), "total": "75"} if rows else {"status": "no posts found"}
    return Reply(body=json.dumps({"messages": [message], "collection": rows}).encode())


async def test_fetch_reads_all_pages_whatever_their_size(client: Client, server: ReplayServer) -> None:
    for cursor in (0, 30, 60, 70):
        server.set_replies(f"/details/biorxiv/2026-11-20/2026-11-23/{cursor}/json", page_of)
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW)
    )
    assert (len(result.papers), result.health) == (70, Health.OK)


async def test_fetch_that_breaks_off_keeps_earlier_pages(client: Client, server: ReplayServer) -> None:
    server.set_replies("/details/biorxiv/2026-11-20/2026-11-23/0/json", page_of)
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW)
    )
    assert (len(result.papers), result.health) == (30, Health.TRUNCATED)
    assert result.note == "The fetch stopped early: Answered 404 Not Found."


async def test_fetch_after_weeks_requests_one_week(client: Client, server: ReplayServer) -> None:
    absent = {"biorxiv": FetchState(read_at=NOW - timedelta(days=40))}
    for cursor in (0, 30, 60, 70):
        server.set_replies(f"/details/biorxiv/2026-11-15/2026-11-23/{cursor}/json", page_of)
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW, states=absent)
    )
    assert (len(result.papers), result.health) == (70, Health.OK)


async def test_fetch_stops_after_the_page_limit_with_a_note(client: Client, server: ReplayServer) -> None:
    def one_of_many(request: RecordedRequest) -> Reply:
        row = {"doi": f"10.64898/{request.path.split('/')[-2]}", "title": "Wool", "authors": "Loveless, A.",
               "date": "2026-11-20", "abstract": "Wool."}  # fmt: skip
        payload = {"messages": [{"status": "ok", "count": 1, "total": 500}], "collection": [row]}
        return Reply(body=json.dumps(payload).encode())

    for cursor in range(MAX_PAGES):
        server.set_replies(f"/details/biorxiv/2026-11-20/2026-11-23/{cursor}/json", one_of_many)
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url)), FetchContext(client=client, now=NOW)
    )
    assert (len(result.papers), result.health) == (MAX_PAGES, Health.TRUNCATED)
    assert result.note == "There are more than 100 pages; the rest was not read."


async def test_no_posts_is_empty(client: Client, server: ReplayServer, replay: Replay) -> None:
    server.set_replies(
        "/details/medrxiv/2026-11-20/2026-11-23/0/json", Reply(body=replay("biorxiv/none.json"))
    )
    (result,) = await fetch_source(
        Biorxiv(SourceConfig(biorxiv_url=server.url), name="medrxiv"), FetchContext(client=client, now=NOW)
    )
    assert result.health is Health.EMPTY
