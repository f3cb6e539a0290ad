"""Tests of arXiv's listing page."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from digest.models import Announcement, Health
from digest.models.errors import SourceChanged, SourceError
from digest.sources.arxiv.listing import fetch_listing, parse
from digest.sources.http.client import Client
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]


def test_parse_reads_papers_day_and_count(replay: Replay) -> None:
    listing = parse(replay("arxiv_listing/new.html"), "cs.CL", NOW)
    sheep, nothing, grippers = listing.result.papers
    assert (listing.day, listing.total, listing.is_complete) == (date(2026, 11, 23), 3, True)
    assert sheep.title == "Counting Sheep with O(√n) Fences"
    assert sheep.abstract == "We count sheep, unlike arXiv:2401.00001."
    assert sheep.authors == ("Ada Loveless", "Nikola Pižamar")
    assert sheep.categories == ("cs.CL", "cs.LG")
    assert sheep.published == datetime(2026, 11, 23, tzinfo=UTC)
    assert [paper.announcement for paper in listing.result.papers] == [
        Announcement.NEW, Announcement.CROSS, Announcement.REPLACE,
    ]  # fmt: skip
    assert (nothing.title, grippers.abstract) == ("0", "")


def test_page_that_shows_fewer_papers_than_it_counts_is_truncated(replay: Replay) -> None:
    listing = parse(replay("arxiv_listing/cut.html"), "cs.CL", NOW)
    assert (listing.total, listing.is_complete) == (114, False)
    assert listing.result.health is Health.TRUNCATED
    assert listing.result.note == "The page shows 3 of 114 papers."


def test_other_page_is_source_changed_with_its_headline(replay: Replay) -> None:
    with pytest.raises(SourceChanged, match="Catchup only allowed for past 90 days"):
        parse(replay("arxiv_listing/refusal.html"), "cs.CL", NOW)
    with pytest.raises(SourceChanged, match="no list of articles"):
        parse(b"", "cs.CL", NOW)


async def test_fetch_listing_requests_the_largest_page(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/list/cs.CL/new?show=2000", Reply(body=replay("arxiv_listing/new.html")))
    assert (await fetch_listing(client, server.url, "cs.CL", NOW)).is_complete


async def test_fetch_listing_raises_with_the_reason(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies(
        "/list/cs.CL/new?show=2000", Reply(status=400, body=replay("arxiv_listing/refusal.html"))
    )
    with pytest.raises(SourceError, match="past 90 days"):
        await fetch_listing(client, server.url, "cs.CL", NOW)
