"""Tests of fetching and storing: whatever one source answers affects no other source."""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from digest.app.logs import JsonFormatter
from digest.db import Database
from digest.models import FetchResult, Health, Paper
from digest.models.arxiv_calendar import get_arxiv_day
from digest.models.errors import SourceError, StoreError
from digest.models.schedule import MAX_LATENESS
from digest.pipeline.ingest import (
    GIVE_UP_HOUR,
    MAX_REASON_CHARS,
    FailedSource,
    StoredResult,
    fetch_sources,
    find_failed_sources,
)
from digest.sources import hackernews
from digest.sources.base import FetchContext, Source
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from tests.factories import NOW

EARLY = datetime.fromisoformat("0001-01-01T00:00:00+14:00")
GOOD = Paper(id="arxiv:2611.00001", title="A good paper")
UNSTORABLE = [
    Paper(id="arxiv:2611.00002", title="Too many versions", version=10**30),
    Paper(id="arxiv:2611.00002", title="Before all days", published=EARLY),
    Paper(id="arxiv:\ud800", title="Half a letter in its name"),
]


@dataclass(frozen=True, slots=True)
class Scopes:
    """A source with one result per scope, then perhaps an error."""

    name: str
    healths: dict[str, Health]
    breaks: bool = False

    async def fetch(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield the results."""
        for scope, health in self.healths.items():
            yield FetchResult(source=self.name, scope=scope, read_at=visit.now, health=health)
        if self.breaks:
            raise SourceError("no answer")


@dataclass(frozen=True, slots=True)
class Stub:
    """A source that returns given papers, or raises."""

    name: str
    papers: tuple[Paper, ...] = ()
    breaks: Exception | None = field(default=None, compare=False)

    async def fetch(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result, unless it raises."""
        if self.breaks is not None:
            raise self.breaks
        yield FetchResult(source=self.name, scope="", read_at=visit.now, papers=self.papers)


async def fetch(store: Database, *sources: Source, is_complete: bool = True) -> tuple[StoredResult, ...]:
    async with Client(ClientPolicy(user_agent="test")) as client:
        return await fetch_sources(store, sources, lambda: nullcontext(client), NOW, is_complete=is_complete)


@pytest.mark.parametrize("paper", UNSTORABLE, ids=lambda paper: paper.title[:12])
async def test_a_result_that_the_database_cannot_hold_affects_no_other(store: Database, paper: Paper) -> None:
    bad, good = await fetch(store, Stub("bad", (paper,)), Stub("good", (GOOD,)))
    assert bad.result.health is Health.CHANGED
    assert good.new == 1


async def test_half_a_letter_is_dropped_and_its_paper_kept(store: Database) -> None:
    paper = Paper(id="arxiv:2611.00002", title="Half a letter: \ud800")

    (stored,) = await fetch(store, Stub("one", (paper,)))

    assert (stored.result.health, stored.new) == (Health.OK, 1)
    with store.begin(write=False) as tx:
        assert tx.papers.get_by_ids([paper.id])[paper.id].title == "Half a letter:"


@pytest.mark.parametrize(
    "error", [ValueError("²"), RecursionError("deep"), OverflowError("large"), KeyError("hits")], ids=repr
)
async def test_a_source_that_raises_affects_no_other(store: Database, error: Exception) -> None:
    bad, good = await fetch(store, Stub("bad", breaks=error), Stub("good", (GOOD,)))
    assert bad.result.health is Health.CHANGED
    assert type(error).__name__ in bad.result.note
    assert good.new == 1


async def test_the_error_for_a_value_that_cannot_be_stored_does_not_quote_it(store: Database) -> None:
    with pytest.raises(StoreError, match="cannot hold such a value") as error, store.begin() as tx:
        tx.papers.add([Paper(id=GOOD.id, title="Not told", published=EARLY)], seen_at=NOW)
    assert "Not told" not in str(error.value)


@pytest.mark.parametrize("points", ["NaN", "Infinity", "1e400", "9" * 400, "-1", '"many"'])
def test_an_invalid_count_is_taken_as_zero(points: str) -> None:
    story = f'{{"url": "https://arxiv.org/abs/2611.00001", "points": {points}, "num_comments": 3}}'
    failed = hackernews.build_result([hackernews.parse_page(f'{{"hits": [{story}]}}'.encode())], NOW)
    assert sorted(signal.value for signal in failed.signals) == [0.0, 3.0]


def test_waiting_for_arxiv_ends_before_the_mail_of_that_day_is_too_late() -> None:
    last_reading = timedelta(hours=GIVE_UP_HOUR + 1)  # sources are read every hour
    assert last_reading <= MAX_LATENESS


async def test_a_failed_source_is_listed_until_it_is_fetched_again(store: Database) -> None:
    await fetch(store, Stub("bad", breaks=KeyError("hits")), Stub("good", (GOOD,)))
    hour = timedelta(hours=1)
    [failed] = find_failed_sources(store, NOW + hour / 2, every=hour)
    assert failed == FailedSource(source="bad", scopes=(), note=failed.note, read_at=NOW, again_at=NOW + hour)
    assert "KeyError" in failed.note
    assert find_failed_sources(store, NOW + hour, every=hour) == ()  # it is fetched again now


async def test_a_source_that_failed_in_part_is_listed_with_its_failed_scopes(store: Database) -> None:
    await fetch(store, Stub("arxiv", (GOOD,)))
    with store.begin() as tx:
        tx.sources.record(
            FetchResult(source="arxiv", scope="cs.RO", read_at=NOW, health=Health.FAILED, note="No.")
        )
    [failed] = find_failed_sources(store, NOW, every=timedelta(hours=1))
    assert (failed.scopes, failed.note) == (("cs.RO",), "No.")


@pytest.mark.parametrize(
    ("before", "after", "is_complete", "left"),
    [
        (Scopes("feeds", {}, breaks=True), Scopes("feeds", {"a": Health.OK}), False, []),
        (Scopes("feeds", {"gone": Health.CHANGED}), Scopes("feeds", {"a": Health.OK}), False, []),
        (Scopes("off", {"a": Health.FAILED}), Scopes("feeds", {"a": Health.OK}), True, []),
        (Scopes("other", {"a": Health.FAILED}), Scopes("feeds", {"a": Health.OK}), False, ["other a"]),
        (Scopes("feeds", {"a": Health.FAILED}), Scopes("feeds", {"a": Health.FAILED}), True, ["feeds a"]),
        (
            Scopes("feeds", {"a": Health.FAILED}),
            Scopes("feeds", {}, breaks=True),
            True,
            ["feeds ", "feeds a"],
        ),
    ],
)
async def test_a_problem_ends_when_its_source_recovers_or_is_no_longer_read(
    store: Database, before: Scopes, after: Scopes, *, is_complete: bool, left: list[str]
) -> None:
    await fetch(store, before, Scopes("good", {"old": Health.OK}))

    await fetch(store, after, is_complete=is_complete)

    with store.begin(write=False) as tx:
        states = tx.sources.list_latest()
    assert [f"{it.source} {it.scope}" for it in states if it.health is not Health.OK] == left
    assert "old" in {it.scope for it in states}  # no problem: what it knows may be wanted again


async def test_the_log_says_why_a_source_failed_briefly_and_without_secrets(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "digest.pipeline.ingest")
    error = SourceError("answered 503 to ada@example.org, https://feeds.example/?token=s3cret " + "so " * 300)
    await fetch(store, Stub("bad", breaks=error), Stub("good", (GOOD,)))
    bad, good = (json.loads(JsonFormatter().format(record)) for record in caplog.records)
    assert bad["health"] == "failed"
    assert bad["reason"].startswith("Answered 503")
    assert len(bad["reason"]) <= MAX_REASON_CHARS
    assert not {"ada", "s3cret"}.intersection(re.findall(r"\w+", bad["reason"]))
    assert "reason" not in good


async def test_a_flood_from_a_source_holds_the_edition_until_it_is_over(store: Database) -> None:
    def flood(count: int, day: int) -> Daily:
        return Daily("pubmed", tuple(Paper(id=f"pmid:{day}{n:04}", title="x") for n in range(1, count + 1)))

    with store.begin() as tx:
        for day in range(1, 4):
            at = NOW - timedelta(days=5 - day)
            papers = flood(10, day).papers
            earlier = FetchResult(source="pubmed", scope="", read_at=at, papers=papers, day=at.date())
            tx.sources.record(earlier, new=10)
    await fetch(store, flood(500, 4))
    with store.begin(write=False) as tx:
        (hold,) = tx.sources.list_held(str(get_arxiv_day(NOW)))
    assert hold.reason == "pubmed: 500 new papers came in, where 10 are usual."
    await fetch(store, flood(5, 5))
    with store.begin(write=False) as tx:
        assert tx.sources.list_held(), "only a reading with the announcer ends it"
    await fetch(store, Stub("arxiv"), flood(5, 6))
    with store.begin(write=False) as tx:
        assert not tx.sources.list_held()


@dataclass(frozen=True, slots=True)
class Daily:
    """A source that returns given papers as those of the day."""

    name: str
    papers: tuple[Paper, ...]

    async def fetch(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result."""
        yield FetchResult(
            source=self.name, scope="", read_at=visit.now, papers=self.papers, day=visit.now.date()
        )
