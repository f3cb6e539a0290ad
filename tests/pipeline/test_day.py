"""The inputs shared by all editions of a day: how far back sent papers are read."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.models import Candidates, Profile
from digest.models.schedule import MAX_LATENESS, get_local_day
from digest.models.subscribers import Schedule
from digest.pipeline.day import NEIGHBOURS_KEY, DayContext, RankerCache, load_day
from digest.ranking import bm25
from digest.ranking.neighbours import Neighbours
from digest.trending.breakout import MIN_RESEND_INTERVAL
from tests.factories import NOW, make_paper, make_subscriber

ZONES = ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "America/New_York", "Etc/GMT+12"]


def test_sent_papers_are_read_from_a_week_before_the_oldest_candidate(store: Database) -> None:
    papers = tuple(make_paper(first_seen=NOW - timedelta(days=days)) for days in (0, 3, 20))

    day = DayContext(store, NOW, Candidates(papers, {}))

    assert day.sent_since == (NOW - timedelta(days=28)).date()


def test_a_day_without_candidates_reads_a_week(store: Database) -> None:
    assert DayContext(store, NOW, Candidates((), {})).sent_since == (NOW - timedelta(days=8)).date()


@given(
    zone=st.sampled_from(ZONES),
    age=st.timedeltas(timedelta(0), timedelta(days=30)),
    lateness=st.timedeltas(timedelta(0), MAX_LATENESS),
)
def test_no_candidate_was_sent_before_the_days_that_are_read(
    zone: str, age: timedelta, lateness: timedelta
) -> None:
    first_seen = NOW - age
    day = DayContext(None, NOW, Candidates((make_paper(first_seen=first_seen),), {}))  # type: ignore[arg-type]
    first_local_day: date = get_local_day(Schedule(timezone=zone), first_seen - lateness)

    assert day.sent_since <= first_local_day - MIN_RESEND_INTERVAL


def test_neighbours_of_many_papers_are_kept_by_runs_and_only_read_by_previews(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bm25, "EXACT_UP_TO", 5)
    papers = [make_paper(f"Sheep {n} graze on meadow {n % 3}", id=f"arxiv:2611.{n:05}") for n in range(40)]
    reader = replace(make_subscriber(), profile=Profile(keywords=("sheep",)))
    with store.begin() as tx:
        tx.papers.add(papers[:30], seen_at=NOW)

    def read_stored() -> str:
        with store.begin(write=False) as tx:
            return tx.meta.read(NEIGHBOURS_KEY)

    ((preview, _),) = load_day(store, NOW).build_editions([(reader, NOW)], {})
    assert not read_stored()
    for damaged in ("", "damaged"):
        with store.begin() as tx:
            tx.meta.write(NEIGHBOURS_KEY, damaged)
        (chosen,) = load_day(store, NOW).choose_editions([(reader, NOW)], {}, save_vectors=True)
        assert chosen.build_edition(0) == preview
        assert Neighbours.from_text(read_stored()) is not None
    first = read_stored()
    with store.begin() as tx:
        tx.papers.add(papers[30:], seen_at=NOW)
    ((preview, _),) = load_day(store, NOW).build_editions([(reader, NOW)], {})
    (chosen,) = load_day(store, NOW).choose_editions([(reader, NOW)], {}, save_vectors=True)
    assert read_stored() != first
    ((again, _),) = load_day(store, NOW).build_editions([(reader, NOW)], {})
    assert preview == chosen.build_edition(0) == again


def test_a_ranker_is_kept_until_a_paper_comes(store: Database) -> None:
    papers, ranker_cache = (
        [make_paper(f"Sheep {n}", id=f"arxiv:2611.{n:05}") for n in range(3)],
        RankerCache(),
    )
    with store.begin() as tx:
        tx.papers.add(papers[:2], seen_at=NOW)
    first = load_day(store, NOW, ranker_cache=ranker_cache).ranker
    assert load_day(store, NOW + timedelta(hours=1), ranker_cache=ranker_cache).ranker is first
    with store.begin() as tx:
        tx.papers.add(papers[2:], seen_at=NOW)
    second = load_day(store, NOW + timedelta(hours=1), ranker_cache=ranker_cache).ranker
    assert len(second.papers) == 3
    with store.begin() as tx:
        tx.papers.add([replace(papers[0], abstract="Another abstract.", version=2)], seen_at=NOW)
    third = load_day(store, NOW + timedelta(hours=1), ranker_cache=ranker_cache).ranker
    assert "Another abstract." in {paper.abstract for paper in third.papers}
