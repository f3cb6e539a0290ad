"""What one source says, however strange, costs that source's reading and nothing else."""

import json
import logging
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from digest.app.logs import Json
from digest.db import Database
from digest.models import FetchResult, Health, Paper
from digest.models.errors import SourceError, StoreError
from digest.models.schedule import MAX_LATENESS
from digest.pipeline.ingest import GIVE_UP, MOST_SAID, Fetched, Unread, fetch, unread
from digest.sources import hackernews
from digest.sources.base import FetchContext, Source
from digest.sources.http.client import Client, ClientPolicy
from tests.factories import NOW

EARLY = datetime.fromisoformat("0001-01-01T00:00:00+14:00")
GOOD = Paper(id="arxiv:2611.00001", title="A good paper")
STRANGE = [
    Paper(id="arxiv:2611.00002", title="Too many versions", version=10**30),
    Paper(id="arxiv:2611.00002", title="Before all days", published=EARLY),
    Paper(id="arxiv:2611.00002", title="Half a letter: \ud800"),
    Paper(id="arxiv:\ud800", title="Half a letter in its name"),
]


@dataclass(frozen=True, slots=True)
class Stub:
    """A source that gives what it is told to, or breaks."""

    name: str
    papers: tuple[Paper, ...] = ()
    breaks: Exception | None = field(default=None, compare=False)

    async def read(self, visit: FetchContext) -> AsyncIterator[FetchResult]:
        """One reading, unless it breaks."""
        if self.breaks is not None:
            raise self.breaks
        yield FetchResult(source=self.name, scope="", read_at=visit.now, papers=self.papers)


async def fetched(store: Database, *sources: Source) -> tuple[Fetched, ...]:
    async with Client(ClientPolicy(user_agent="test")) as client:
        return await fetch(store, sources, lambda: nullcontext(client), NOW)


@pytest.mark.parametrize("strange", STRANGE, ids=lambda paper: paper.title[:12])
async def test_what_the_database_cannot_hold_costs_that_reading_alone(
    store: Database, strange: Paper
) -> None:
    bad, good = await fetched(store, Stub("bad", (strange,)), Stub("good", (GOOD,)))
    assert bad.reading.health is Health.CHANGED
    assert good.new == 1


@pytest.mark.parametrize(
    "error", [ValueError("²"), RecursionError("deep"), OverflowError("large"), KeyError("hits")], ids=repr
)
async def test_a_source_that_breaks_harms_no_other(store: Database, error: Exception) -> None:
    bad, good = await fetched(store, Stub("bad", breaks=error), Stub("good", (GOOD,)))
    assert bad.reading.health is Health.CHANGED
    assert type(error).__name__ in bad.reading.note
    assert good.new == 1


async def test_the_words_of_what_cannot_be_kept_stand_in_no_message(store: Database) -> None:
    with pytest.raises(StoreError, match="cannot hold such a value") as refused, store.begin() as tx:
        tx.papers.add([Paper(id=GOOD.id, title="Not told", published=EARLY)], seen_at=NOW)
    assert "Not told" not in str(refused.value)


@pytest.mark.parametrize("points", ["NaN", "Infinity", "1e400", "9" * 400, "-1", '"many"'])
def test_what_is_no_count_counts_nothing(points: str) -> None:
    story = f'{{"url": "https://arxiv.org/abs/2611.00001", "points": {points}, "num_comments": 3}}'
    found = hackernews.parse(f'{{"hits": [{story}]}}'.encode(), "", NOW)
    assert sorted(signal.value for signal in found.signals) == [0.0, 3.0]


def test_waiting_for_arxiv_ends_before_anybody_s_mail_of_that_day_is_too_late() -> None:
    last_reading = timedelta(hours=GIVE_UP + 1)  # sources are read every hour
    assert last_reading <= MAX_LATENESS


async def test_who_could_not_be_read_is_known_until_it_is_asked_again(store: Database) -> None:
    await fetched(store, Stub("bad", breaks=KeyError("hits")), Stub("good", (GOOD,)))
    hour = timedelta(hours=1)
    [found] = unread(store, NOW + hour / 2, every=hour)
    assert found == Unread(source="bad", scopes=(), note=found.note, read_at=NOW, again_at=NOW + hour)
    assert "KeyError" in found.note
    assert unread(store, NOW + hour, every=hour) == ()  # whoever comes now asks for themselves


async def test_of_a_source_that_is_read_in_part_the_rest_is_named(store: Database) -> None:
    await fetched(store, Stub("arxiv", (GOOD,)))
    with store.begin() as tx:
        tx.sources.record(
            FetchResult(source="arxiv", scope="cs.RO", read_at=NOW, health=Health.FAILED, note="No.")
        )
    [found] = unread(store, NOW, every=timedelta(hours=1))
    assert (found.scopes, found.note) == (("cs.RO",), "No.")


async def test_the_log_says_why_a_source_failed_briefly_and_without_secrets(
    store: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "digest.pipeline.ingest")
    refused = SourceError(
        "answered 503 to ada@example.org, https://feeds.example/?token=s3cret " + "so " * 300
    )
    await fetched(store, Stub("bad", breaks=refused), Stub("good", (GOOD,)))
    bad, good = (json.loads(Json().format(record)) for record in caplog.records)
    assert bad["health"] == "failed"
    assert bad["reason"].startswith("Answered 503")
    assert len(bad["reason"]) <= MOST_SAID
    assert not {"ada", "s3cret"}.intersection(re.findall(r"\w+", bad["reason"]))
    assert "reason" not in good
