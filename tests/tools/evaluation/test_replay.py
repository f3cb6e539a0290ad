"""Replays: what is known on which day, how orders are scored, and the figures on recorded votes."""

import gzip
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.trending import add_fake_votes, build_replay_days, drop_votes_on_random_days
from digest.db import Database
from digest.models import Paper, SignalKind
from digest.models.errors import DigestError
from digest.tools.evaluation.end_to_end import build_days_from_database, load_own_replay
from digest.tools.evaluation.formulas import ORDERS
from digest.tools.evaluation.replay import (
    ReplayDay,
    ReplayedPaper,
    compare,
    read_replay,
    score,
    simulate_sending,
)

MONDAY = date(2026, 11, 16)
RECORDED_DIR = Path(os.environ.get("DIGEST_REPLAY") or Path(__file__).parents[4] / "shared" / "replay")


def build_line(
    number: int, day: date, readings: Sequence[tuple[float, float]], rank: int | None
) -> dict[str, Any]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return {
        "id": f"2611.{number:05d}",
        "title": f"Sheep {number}",
        "abstract": "We count sheep.",
        "authors": ["Ada Loveless"],
        "published": f"{day - timedelta(days=1)}",
        "featured": f"{day}",
        "snapshots": [
            {"t": (start + timedelta(hours=h)).isoformat(), "upvotes": v, "comments": None}
            for h, v in readings
        ],
        "week": f"{day:%G-W%V}",
        "week_rank": rank,
    }


@pytest.fixture
def replay(tmp_path: Path) -> tuple[ReplayedPaper, ...]:
    """Two weeks of six papers a day; the first of each day rises and is one of its week's best."""
    lines = []
    for number in range(60):
        day = MONDAY + timedelta(days=number // 6 + 2 * (number // 30))
        height = 40 if number % 6 == 0 else 3
        readings = [(8.0, height / 2), (24.0, height), (72.0, height * 1.5)]
        lines.append(build_line(number, day, readings, 1 + number % 30 // 6 if number % 6 == 0 else None))
    path = tmp_path / "replay.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return read_replay(path)


def order_by_id(papers: Sequence[Paper], _signals: object, _now: object) -> list[Paper]:
    return sorted(papers, key=lambda paper: paper.id)


def test_a_day_knows_only_what_was_read_by_then(replay: tuple[ReplayedPaper, ...]) -> None:
    days = build_replay_days(replay)
    assert [day.now.weekday() for day in days] == [0, 1, 2, 3, 4] * 2
    assert {signal.value for readings in days[0].signals.values() for signal in readings} == {20.0, 1.5}
    for day in days:
        assert all(s.observed_at <= day.now for readings in day.signals.values() for s in readings)
        assert all(paper.listed and 0 <= (day.now.date() - paper.listed).days < 7 for paper in day.papers)


def test_a_paper_exists_from_the_first_reading_that_shows_it(replay: tuple[ReplayedPaper, ...]) -> None:
    late = replace(replay[0], signals=replay[0].signals[1:])
    first, second = build_replay_days([late, *replay[1:]])[:2]
    assert late.paper not in first.papers
    assert late.paper in second.papers


def test_nothing_is_sent_twice_and_never_more_than_the_limit(replay: tuple[ReplayedPaper, ...]) -> None:
    sent = simulate_sending(build_replay_days(replay), order_by_id, (2, 4))
    assert len(sent[2]) == 20
    assert len(sent[4]) == 40


def test_a_day_of_delay_costs_a_seventh(replay: tuple[ReplayedPaper, ...]) -> None:
    best = [paper for paper in replay if paper.is_best]
    prompt = {paper.paper.id: paper.listed for paper in best}
    late = {name: day + timedelta(days=1) for name, day in prompt.items()}
    assert score("prompt", replay, prompt, 1).timely.mean == pytest.approx(1)
    assert score("late", replay, late, 1).timely.mean == pytest.approx(6 / 7)
    assert score("never", replay, {}, 1).recall.mean == 0


def test_the_shipped_order_finds_what_rises(replay: tuple[ReplayedPaper, ...]) -> None:
    (shipped,) = compare(replay, {"shipped": ORDERS["shipped"]}, build_replay_days(replay), limits=(1,))
    assert shipped.recall.mean == 1
    assert shipped.timely.mean == 1


def test_the_database_offers_the_same_days(replay: tuple[ReplayedPaper, ...]) -> None:
    def to_values(days: Sequence[ReplayDay]) -> list[dict[str, list[float]]]:
        return [
            {paper.id: [signal.value for signal in day.signals[paper.id]] for paper in day.papers}
            for day in days
        ]

    assert to_values(build_days_from_database(replay)) == to_values(build_replay_days(replay))


def test_the_database_gives_its_own_days_as_a_replay(
    store: Database, replay: tuple[ReplayedPaper, ...]
) -> None:
    with store.begin() as tx:
        for paper in replay:
            tx.papers.add([paper.paper], seen_at=paper.first_seen)
            tx.signals.add(paper.signals)
    own = load_own_replay(store, datetime(2026, 11, 30, 9, tzinfo=UTC), days=60)
    assert {paper.paper.id for paper in own} == {paper.paper.id for paper in replay}
    assert {paper.paper.id for paper in own if paper.rank and paper.rank <= 5} == {
        paper.paper.id for paper in replay if paper.is_best
    }
    unfinished = load_own_replay(store, datetime(2026, 11, 22, 9, tzinfo=UTC), days=60)
    assert all(paper.rank is None for paper in unfinished)


def test_fake_votes_are_added_from_the_first_reading_on(replay: tuple[ReplayedPaper, ...]) -> None:
    faked = add_fake_votes(replay, 40, seed=1)
    fakes = [(true, fake) for true, fake in zip(replay, faked, strict=True) if fake.is_fake]
    assert 0 < len(fakes) < 15
    for true, fake in fakes:
        assert [s.value - t.value for s, t in zip(fake.signals, true.signals, strict=True)] == [40.0] * 3


def test_a_silent_day_knows_the_papers_but_no_votes_of_the_day(replay: tuple[ReplayedPaper, ...]) -> None:
    days = build_replay_days(replay)
    silenced = drop_votes_on_random_days(days, seed=1)
    assert [day.papers for day in silenced] == [day.papers for day in days]
    changed = [day for day, true in zip(silenced, days, strict=True) if day != true]
    assert changed
    for day in changed:
        assert all(
            s.observed_at.date() < day.now.date() for readings in day.signals.values() for s in readings
        )


def test_a_file_that_is_no_replay_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text('{"title": "not a replay"}\n')
    with pytest.raises(DigestError, match="is not a replay"):
        read_replay(path)


@pytest.fixture(scope="module")
def recorded_replay() -> tuple[ReplayedPaper, ...]:
    """Thirteen weeks of recorded votes."""
    files = sorted(RECORDED_DIR.glob("papers-*.jsonl.gz"))
    if not files:
        pytest.skip("the recorded votes are not here; set DIGEST_REPLAY to their folder")
    return read_replay(files[0])


def test_the_recorded_weeks_measure_what_the_docs_say(recorded_replay: tuple[ReplayedPaper, ...]) -> None:
    days = build_replay_days(recorded_replay)
    rows = {(row.name, row.limit): row for row in compare(recorded_replay, ORDERS, days)}
    anchors = {
        ("E, one prior", 5): (0.985, 0.920), ("E, one prior", 3): (0.969, 0.831),
        ("raw votes", 5): (0.977, 0.874), ("raw votes", 3): (0.977, 0.790),
        ("Hacker News", 5): (0.792, 0.775), ("Hacker News", 3): (0.646, 0.645),
    }  # fmt: skip
    for name, (recall, timely) in anchors.items():
        assert rows[name].recall.mean == pytest.approx(recall, abs=0.0006)
        assert rows[name].timely.mean == pytest.approx(timely, abs=0.0006)
    assert rows["shipped", 5].recall.mean >= 0.984
    assert rows["shipped", 5].timely.mean >= 0.918
    assert rows["shipped", 3].recall.mean >= 0.969
    assert rows["shipped", 3].timely.mean >= 0.84


def test_without_votes_a_prior_per_paper_beats_one_prior_for_all(
    recorded_replay: tuple[ReplayedPaper, ...],
) -> None:
    days = drop_votes_on_random_days(build_replay_days(recorded_replay), seed=0)
    names = ("shipped", "E, one prior", "raw votes")
    rows = compare(recorded_replay, {name: ORDERS[name] for name in names}, days, limits=(5,))
    shipped, plain, raw = (row.timely.mean for row in rows)
    assert shipped > plain + 0.01
    assert shipped > raw + 0.02
    assert SignalKind.UPVOTES in {s.kind for readings in days[0].signals.values() for s in readings}
