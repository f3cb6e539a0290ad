"""Tests of arXiv's listing page."""

from collections.abc import Callable
from datetime import date

import pytest

from digest.models.errors import SourceChanged, SourceError
from digest.sources.arxiv.listing import Listing, fetch_listing, parse
from digest.sources.http.client import Client
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_reads_day_and_count(replay: Replay) -> None:
    assert parse(replay("arxiv_listing/new.html")) == Listing(date(2026, 11, 23), 3)


def test_papers_that_the_page_does_not_show_are_counted(replay: Replay) -> None:
    assert parse(replay("arxiv_listing/cut.html")).total == 114


def test_other_page_is_source_changed_with_its_headline(replay: Replay) -> None:
    with pytest.raises(SourceChanged, match="Catchup only allowed for past 90 days"):
        parse(replay("arxiv_listing/refusal.html"))
    with pytest.raises(SourceChanged, match="no list of articles"):
        parse(b"")


async def test_fetch_listing_requests_the_largest_page(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/list/cs.CL/new?show=2000", Reply(body=replay("arxiv_listing/new.html")))
    assert (await fetch_listing(client, server.url, "cs.CL")).total == 3


async def test_fetch_listing_raises_with_the_reason(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(
        "/list/cs.CL/new?show=2000", Reply(status=400, body=replay("arxiv_listing/refusal.html"))
    )
    with pytest.raises(SourceError, match="past 90 days"):
        await fetch_listing(client, server.url, "cs.CL")
