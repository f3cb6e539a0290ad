"""The inputs shared by all editions of a day: how far back sent papers are read."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database, Transaction
from digest.models import Candidates, Paper, Profile
from digest.models.schedule import MAX_LATENESS, get_local_day
from digest.models.subscribers import Schedule
from digest.pipeline.day import CANDIDATE_WINDOW, NEIGHBOURS_KEY, DayCache, DayContext, load_day
from digest.ranking import bm25
from digest.ranking.neighbours import Neighbours
from digest.trending.breakout import MIN_RESEND_INTERVAL
from tests.factories import NOW, make_paper, make_signal, make_subscriber

ZONES = ["Pacific/Kiritimati", "Europe/Berlin", "UTC", "America/New_York", "Etc/GMT+12"]


@pytest.mark.parametrize(("ages", "days"), [((0, 3, 20), 21), ((0, 3), 8), ((), 8)])
def test_sent_papers_are_read_from_the_oldest_candidate_on_or_for_a_week(
    store: Database, ages: Sequence[int], days: int
) -> None:
    papers = tuple(make_paper(first_seen=NOW - timedelta(days=age)) for age in ages)

    day = DayContext(store, NOW, Candidates(papers, {}))

    assert day.sent_since == (NOW - timedelta(days=days)).date()


@given(
    zone=st.sampled_from(ZONES),
    age=st.timedeltas(timedelta(0), timedelta(days=30)),
    lateness=st.timedeltas(timedelta(0), MAX_LATENESS),
)
def test_no_candidate_was_sent_before_the_days_that_are_read_and_no_paper_again_that_counts(
    zone: str, age: timedelta, lateness: timedelta
) -> None:
    first_seen, schedule = NOW - age, Schedule(timezone=zone)
    day = DayContext(None, NOW, Candidates((make_paper(first_seen=first_seen),), {}))  # type: ignore[arg-type]
    first_local_day: date = get_local_day(schedule, first_seen - lateness)

    assert day.sent_since <= first_local_day
    assert get_local_day(schedule, NOW - lateness) - day.sent_since >= MIN_RESEND_INTERVAL - timedelta(days=1)


def test_neighbours_of_many_papers_are_kept_by_runs_and_only_read_by_previews(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bm25, "ANEW_UP_TO", 5)
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


def test_a_ranker_is_kept_until_a_paper_or_its_text_is_new(store: Database) -> None:
    papers = [make_paper(f"Sheep {n}", id=f"arxiv:2611.{n:05}") for n in range(3)]
    day_cache = DayCache()

    def add(*changed: Paper) -> DayContext:
        with store.begin() as tx:
            tx.papers.add(changed, seen_at=NOW)
        return load_day(store, NOW + timedelta(hours=1), day_cache=day_cache)

    first = add(*papers[:2]).ranker
    assert add().ranker is first
    listed = add(replace(papers[0], listed=NOW.date(), code_url="https://example.org/sheep"))
    assert listed.candidates.papers[0].listed == NOW.date()
    assert listed.ranker is first
    second = add(papers[2]).ranker
    assert len(second.papers) == 3
    third = add(replace(papers[0], abstract="Another abstract.", version=2)).ranker
    assert "Another abstract." in {paper.abstract for paper in third.papers}


def test_a_day_that_reads_only_what_changed_equals_one_that_reads_all(any_store: Database) -> None:
    papers = [make_paper(f"Sheep {n}", id=f"arxiv:2611.{n:05}", abstract=f"Wool {n}.") for n in range(6)]
    day_cache = DayCache()
    steps: list[Callable[[Transaction], object]] = [
        lambda tx: tx.papers.add(papers[:4], seen_at=NOW),
        lambda tx: tx.signals.add([make_signal(papers[0], 5), make_signal(papers[3], 50)]),
        lambda tx: tx.signals.add([make_signal(papers[3], 90, hours_ago=-1)]),
        lambda tx: tx.papers.add([replace(papers[1], abstract="Agents.", version=2)], seen_at=NOW),
        lambda tx: tx.papers.add([replace(papers[2], withdrawn=True), papers[4]], seen_at=NOW),
        lambda tx: tx.papers.save_retold({papers[4].id: "It counts."}, at=NOW),
    ]
    for hours, step in enumerate(steps):
        now = NOW + timedelta(hours=hours)
        before = load_day(any_store, now, day_cache=day_cache).candidates.papers
        with any_store.begin() as tx:
            step(tx)
        kept, new = load_day(any_store, now, day_cache=day_cache), load_day(any_store, now)
        assert kept.candidates == new.candidates
        unchanged = {paper.id: paper for paper in before if paper in new.candidates.papers}
        assert all(unchanged.get(paper.id, paper) is paper for paper in kept.candidates.papers)
    later = load_day(any_store, NOW + CANDIDATE_WINDOW + timedelta(days=1), day_cache=day_cache)
    assert later.candidates.papers == ()
