"""What is new in biology and medicine? Claims about bioRxiv's pages."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from digest.models import Announcement, FetchState, Health
from digest.models.errors import SourceChanged
from digest.sources.base import FetchContext, read
from digest.sources.biorxiv import MOST_PAGES, Biorxiv, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import Asked, ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_the_versions_of_one_paper_are_one_paper(replay: Replay) -> None:
    reading = parse(replay("biorxiv/details.json"), "biorxiv", NOW)
    dream, wool = reading.papers
    assert (dream.id, dream.version) == ("doi:10.64898/2026.11.20.700001", 2)
    assert dream.announcement is Announcement.NEW  # its first version is here too
    assert dream.authors == ("A. Loveless", "N. B. Pižamar")
    assert dream.url == "https://www.biorxiv.org/content/10.64898/2026.11.20.700001v2"
    assert (wool.announcement, wool.aliases) == (Announcement.REPLACE, ("doi:10.5555/wool.9",))
    assert reading.note == "1 of 4 papers could not be read."


@pytest.mark.parametrize("body", [b"", b"[]", b'{"collection": 1}', b'{"collection": [{}]}', b"<html>"])
def test_another_shape_is_a_change(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "biorxiv", NOW)


def page_of(asked: Asked) -> Reply:
    """Pages of thirty, whose total promises more than there is."""
    cursor = int(asked.path.split("/")[-2])
    rows = [
        {"doi": f"10.64898/2026.11.20.{n:06d}", "title": f"Wool {n}", "authors": "Loveless, A.",
         "date": "2026-11-20", "version": "1", "abstract": "Wool."}
        for n in range(cursor, min(cursor + 30, 70))
    ]  # fmt: skip
    message = {"status": "ok", "count": len(rows), "total": "75"} if rows else {"status": "no posts found"}
    return Reply(body=json.dumps({"messages": [message], "collection": rows}).encode())


async def test_all_pages_are_read_whatever_their_size(client: Client, server: ReplayServer) -> None:
    for cursor in (0, 30, 60, 70):
        server.answer(f"/details/biorxiv/2026-11-20/2026-11-23/{cursor}/json", page_of)
    (reading,) = await read(Biorxiv(server.url), FetchContext(client=client, now=NOW))
    assert (len(reading.papers), reading.health) == (70, Health.OK)


async def test_a_reading_that_breaks_off_keeps_what_came(client: Client, server: ReplayServer) -> None:
    server.answer("/details/biorxiv/2026-11-20/2026-11-23/0/json", page_of)
    (reading,) = await read(Biorxiv(server.url), FetchContext(client=client, now=NOW))
    assert (len(reading.papers), reading.health) == (30, Health.TRUNCATED)
    assert reading.note == "The reading broke off: Answered 404 Not Found."


async def test_after_weeks_of_absence_a_week_is_asked_for(client: Client, server: ReplayServer) -> None:
    absent = {"biorxiv": FetchState(read_at=NOW - timedelta(days=40))}
    for cursor in (0, 30, 60, 70):
        server.answer(f"/details/biorxiv/2026-11-15/2026-11-23/{cursor}/json", page_of)
    (reading,) = await read(Biorxiv(server.url), FetchContext(client=client, now=NOW, memory=absent))
    assert (len(reading.papers), reading.health) == (70, Health.OK)


async def test_what_no_hundred_pages_hold_is_said_to_be_cut(client: Client, server: ReplayServer) -> None:
    def one_of_many(asked: Asked) -> Reply:
        row = {"doi": f"10.64898/{asked.path.split('/')[-2]}", "title": "Wool", "authors": "Loveless, A.",
               "date": "2026-11-20", "abstract": "Wool."}  # fmt: skip
        told = {"messages": [{"status": "ok", "count": 1, "total": 500}], "collection": [row]}
        return Reply(body=json.dumps(told).encode())

    for cursor in range(MOST_PAGES):
        server.answer(f"/details/biorxiv/2026-11-20/2026-11-23/{cursor}/json", one_of_many)
    (reading,) = await read(Biorxiv(server.url), FetchContext(client=client, now=NOW))
    assert (len(reading.papers), reading.health) == (MOST_PAGES, Health.TRUNCATED)
    assert reading.note == "There is more than 100 pages hold."


async def test_no_posts_is_a_quiet_day(client: Client, server: ReplayServer, replay: Replay) -> None:
    server.answer("/details/medrxiv/2026-11-20/2026-11-23/0/json", Reply(body=replay("biorxiv/none.json")))
    (reading,) = await read(Biorxiv(server.url, name="medrxiv"), FetchContext(client=client, now=NOW))
    assert reading.health is Health.EMPTY
