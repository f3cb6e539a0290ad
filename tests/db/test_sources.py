"""Source states, fetch history, and editions on hold."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.db.sources import Hold
from digest.models import FetchResult, Health
from tests.factories import NOW, make_paper

HOUR = timedelta(hours=1)
GOOD = FetchResult(
    source="arxiv", scope="cs", read_at=NOW, papers=(make_paper(), make_paper()),
    etag='"1"', last_modified="Mon", unseen=2, day=NOW.date(),
)  # fmt: skip


def test_record_stores_a_good_answer_and_a_bad_one_does_not_replace_it(any_store: Database) -> None:
    failed = FetchResult(
        source="arxiv", scope="cs", read_at=NOW + HOUR, health=Health.FAILED, note="It timed out."
    )
    with any_store.begin() as tx:
        tx.sources.record(GOOD)
        tx.sources.record(failed)
        state = tx.sources.list_latest()[0]
        assert (state.health, state.note, state.read_at) == (Health.FAILED, "It timed out.", NOW + HOUR)
        assert (state.good_at, state.unseen) == (NOW, 0)
        fetch_state = tx.sources.get_fetch_states("arxiv")["cs"]
        assert (fetch_state.etag, fetch_state.last_modified, fetch_state.read_at) == ('"1"', "Mon", NOW)
        assert (fetch_state.ids, fetch_state.day) == (
            frozenset(paper.id for paper in GOOD.papers),
            NOW.date(),
        )
        assert fetch_state.usual == 2


def test_the_usual_count_is_the_median_of_days_with_unseen_papers(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.sources.get_usual_count("arxiv", "cs") is None
        for days_ago, unseen in ((4, 100), (3, 90), (2, 0), (1, 500)):
            day = NOW - timedelta(days=days_ago)
            tx.sources.record(replace(GOOD, read_at=day, day=day.date()), new=unseen)
        assert tx.sources.get_usual_count("arxiv", "cs") == 100
        history = tx.sources.list_history("arxiv", "cs", since=NOW - timedelta(days=3))
        assert [state.unseen for state in history] == [90, 0, 500]
        assert tx.sources.delete_before(NOW) == 4
        assert len(tx.sources.list_latest()) == 1


def test_a_stale_answer_keeps_the_day_of_the_last_fresh_one(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.sources.record(GOOD)
        tomorrow = NOW + timedelta(days=1)
        tx.sources.record(
            replace(GOOD, read_at=tomorrow, day=tomorrow.date(), unseen=0, health=Health.STALE), new=0
        )
        assert tx.sources.get_fetch_states("arxiv")["cs"].day == NOW.date()


def test_a_held_edition_waits_until_it_is_released_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.sources.hold("daily/2026-11-23", "Five times the usual volume.", at=NOW)
        tx.sources.hold("daily/2026-11-23", "Again.", at=NOW + HOUR)
        assert tx.sources.list_held() == (Hold("daily/2026-11-23", "Five times the usual volume.", NOW),)
        assert tx.sources.release("daily/2026-11-23", actor="admin", at=NOW + HOUR)
        assert not tx.sources.release("daily/2026-11-23", actor="admin", at=NOW + HOUR)
        tx.sources.hold("daily/2026-11-23", "Again.", at=NOW + 2 * HOUR)
        assert tx.sources.list_held("daily/2026-11-23") == ()
