"""What the sources said last, how they do, and what waits for a person."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.db.sources import Hold
from digest.models import FetchResult, Health
from tests.factories import NOW, paper

HOUR = timedelta(hours=1)
GOOD = FetchResult(
    source="arxiv", scope="cs", read_at=NOW, papers=(paper(), paper()), body=b"<rss/>" * 100, etag='"1"',
    last_modified="Mon", unseen=2, day=NOW.date(), newest="arxiv:2611.00002",
)  # fmt: skip


def test_a_good_answer_is_remembered_and_a_bad_one_does_not_replace_it(any_store: Database) -> None:
    failed = FetchResult(
        source="arxiv", scope="cs", read_at=NOW + HOUR, health=Health.FAILED, note="It timed out."
    )
    with any_store.begin() as tx:
        tx.sources.record(GOOD)
        tx.sources.record(failed)
        state = tx.sources.latest()[0]
        assert (state.health, state.note, state.read_at) == (Health.FAILED, "It timed out.", NOW + HOUR)
        assert (state.good_at, state.unseen) == (NOW, 0)
        memory = tx.sources.memory("arxiv")["cs"]
        assert (memory.etag, memory.last_modified, memory.read_at) == ('"1"', "Mon", NOW)
        assert (memory.ids, memory.day) == (frozenset(p.id for p in GOOD.papers), NOW.date())
        assert memory.usual == 2
        assert tx.sources.body("arxiv", "cs") == GOOD.body
        assert tx.sources.body("arxiv", "math") == b""


def test_overlap_with_the_last_good_batch_is_counted(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.sources.record(GOOD)
        tx.sources.record(replace(GOOD, papers=(GOOD.papers[0], paper()), unseen=1, read_at=NOW + HOUR))
        assert tx.sources.latest()[0].overlap == 1


def test_usual_is_the_median_of_fresh_days(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.sources.usual("arxiv", "cs") is None
        for back, unseen in ((4, 100), (3, 90), (2, 0), (1, 500)):
            day = NOW - timedelta(days=back)
            tx.sources.record(replace(GOOD, read_at=day, day=day.date()), new=unseen)
        assert tx.sources.usual("arxiv", "cs") == 100
        assert [line.unseen for line in tx.sources.history("arxiv", "cs", since=NOW - timedelta(days=3))] == [
            90, 0, 500,
        ]  # fmt: skip
        assert tx.sources.forget(NOW) == 4
        assert len(tx.sources.latest()) == 1


def test_a_stale_answer_keeps_the_day_of_the_last_fresh_one(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.sources.record(GOOD)
        tomorrow = NOW + timedelta(days=1)
        tx.sources.record(
            replace(GOOD, read_at=tomorrow, day=tomorrow.date(), unseen=0, health=Health.STALE), new=0
        )
        assert tx.sources.memory("arxiv")["cs"].day == NOW.date()


def test_a_held_edition_waits_until_it_is_released_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.sources.hold("daily/2026-11-23", "Five times the usual volume.", at=NOW)
        tx.sources.hold("daily/2026-11-23", "Again.", at=NOW + HOUR)
        assert tx.sources.held() == (Hold("daily/2026-11-23", "Five times the usual volume.", NOW),)
        assert tx.sources.release("daily/2026-11-23", actor="admin", at=NOW + HOUR)
        assert not tx.sources.release("daily/2026-11-23", actor="admin", at=NOW + HOUR)
        tx.sources.hold("daily/2026-11-23", "Again.", at=NOW + 2 * HOUR)
        assert tx.sources.held("daily/2026-11-23") == ()
