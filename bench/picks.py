"""Judged picks: whether readers get the right papers, and none where there are none.

    python -m bench picks                       the product as it stands, by its command line
    python -m bench.picks_model ../shared/picks    the model behind it, by cross-validation

It reads `../shared/picks`: readers' words, papers of real mornings, and a grade for each paper that is right.
`play.py` there makes the picks with the installed `digest`; the measures are defined in its README.
The same is measured for other readers, invented and judged for this project (`judged_readers.jsonl`), on
other mornings of `../shared/replay`: nothing was fitted to them.
"""

import gzip
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import BenchResult
from digest.models import Paper

SHARED = Path(__file__).parent.parent.parent / "shared"
FOLDER = SHARED / "picks"
REPLAY = SHARED / "replay" / "papers-2026-03-02-to-05-29.jsonl.gz"
OTHER_READERS = Path(__file__).with_name("judged_readers.jsonl")
OTHER_DAYS = {
    1: ("2026-03-09", "2026-03-12"),
    2: ("2026-04-09", "2026-04-14"),
    3: ("2026-05-15", "2026-05-19"),
}
PLACES = 6
GOALS = {
    "precision": 0.8,
    "clean_silence": 0.85,
    "recall_at_6": 0.8,
    "wrong_a_mail": 0.5,
    "ndcg_at_6": 0.8,
}


@dataclass(frozen=True)
class Judged:
    """Readers and the grade of each paper that is right for them: 2 exactly, 1 close."""

    profiles: Mapping[str, Mapping[str, Any]]
    grades: Mapping[str, Mapping[str, int]]

    @classmethod
    def read(cls, folder: Path) -> "Judged":
        """Read the judged readers of a folder."""
        grades: dict[str, dict[str, int]] = defaultdict(dict)
        for line in read_lines(folder / "judgements.jsonl"):
            grades[line["profile"]][line["paper"]] = line["grade"]
        return cls({line["id"]: line for line in read_lines(folder / "profiles.jsonl")}, dict(grades))

    def get_grade(self, reader: str, paper: str) -> int:
        """Return the grade of a paper for a reader."""
        return self.grades.get(reader, {}).get(paper, 0)


@dataclass(frozen=True, slots=True)
class Measures:
    """How good the picks of one reader are; None where the measure is not defined."""

    right: int
    wrong: int
    is_silent: bool | None  # of a reader for whom the day holds nothing
    recall: float | None
    ndcg: float | None


def measure(profile: Mapping[str, Any], picks: Sequence[str], judged: Judged) -> Measures:
    """Measure the picks of one reader."""
    own = judged.grades.get(profile["id"], {})
    grades = [own.get(paper, 0) for paper in dict.fromkeys(picks)]
    exact = sum(grade == 2 for grade in own.values())
    found = sum(grade == 2 for grade in grades[:PLACES])
    best = _compute_gain(sorted(own.values(), reverse=True))
    return Measures(
        right=sum(grade > 0 for grade in grades),
        wrong=sum(grade == 0 for grade in grades),
        is_silent=None if own else not grades,
        recall=found / min(PLACES, exact) if exact else None,
        ndcg=_compute_gain(grades) / best if best else None,
    )


def summarize(measures: Sequence[Measures]) -> dict[str, float]:
    """Return the figures over all readers."""
    right, wrong = sum(own.right for own in measures), sum(own.wrong for own in measures)
    return {
        "precision": right / max(right + wrong, 1),
        "clean_silence": _mean([own.is_silent for own in measures]),
        "recall_at_6": _mean([own.recall for own in measures]),
        "wrong_a_mail": wrong / max(len(measures), 1),
        "ndcg_at_6": _mean([own.ndcg for own in measures]),
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file with a JSON object on each line."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def read_papers(path: Path) -> list[Paper]:
    """Read the papers of a pool as the sources give them."""
    return [
        Paper(
            id=line["id"],
            title=line["title"],
            abstract=line["abstract"],
            authors=tuple(line["authors"]),
            keywords=tuple(line.get("keywords") or ()),
        )
        for line in read_lines(path)
    ]


def play(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Return what the installed product picks for each reader, made by its command line."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(shutil.copytree(folder, f"{work}/picks", copy_function=shutil.copyfile))
        digest = Path(sys.executable).with_name("digest")
        command = [
            sys.executable,
            str(copy / "play.py"),
            str(digest),
            str(copy),
            "--out",
            f"{work}/picks.jsonl",
        ]
        subprocess.run(command, check=True)
        return read_lines(Path(work) / "picks.jsonl")


def write_other_readers(folder: Path) -> None:
    """Write the other judged readers and the papers of their mornings into a folder like `../shared/picks`.

    Those who write in another language than English are left out: they are not understood.
    """
    shutil.copyfile(FOLDER / "play.py", folder / "play.py")
    readers = [reader for reader in read_lines(OTHER_READERS) if "language" not in reader]
    grades = [
        {"profile": reader["id"], "paper": paper, "grade": grade}
        for reader in readers
        for grade, name in ((2, "exact"), (1, "close"))
        for paper in reader[name]
    ]
    _write_lines(folder / "profiles.jsonl", readers)
    _write_lines(folder / "judgements.jsonl", grades)
    judged = {line["id"] for pool in FOLDER.glob("pool-*.jsonl") for line in read_lines(pool)}
    with gzip.open(REPLAY, "rt", encoding="utf-8") as lines:
        papers = [paper for paper in map(json.loads, lines) if paper["id"] not in judged]
    for pool, (first, last) in OTHER_DAYS.items():
        listed = [paper for paper in papers if first <= paper["featured"] <= last]
        _write_lines(folder / f"pool-{pool}.jsonl", [_convert_paper(paper, last) for paper in listed])


def run_bench() -> Iterator[BenchResult]:
    """Yield the five figures of the product as it stands, for both sets of readers."""
    if not FOLDER.exists() or not REPLAY.exists():
        sys.exit(f"The judged readers and their papers are not here: {FOLDER}, {REPLAY}")
    yield from _measure_product(FOLDER, "picks")
    with tempfile.TemporaryDirectory() as folder:
        write_other_readers(Path(folder))
        yield from _measure_product(Path(folder), "picks of others")


def _measure_product(folder: Path, label: str) -> Iterator[BenchResult]:
    judged = Judged.read(folder)
    picks = {line["profile"]: line["picks"] for line in play(folder)}
    figures = summarize([measure(own, picks.get(name, []), judged) for name, own in judged.profiles.items()])
    for figure, goal in GOALS.items():
        yield BenchResult(
            name=f"{label}: {figure.replace('_', ' ')}",
            ours=figures[figure],
            unit="",
            ratio=figures[figure],
            goal=goal,
            at_most=figure == "wrong_a_mail",
        )


def _convert_paper(paper: Mapping[str, Any], last_day: str) -> dict[str, Any]:
    """Return a replayed paper as a pool has it, with its votes up to the end of that day."""
    votes = [
        {"t": snapshot["t"], "value": snapshot["upvotes"]}
        for snapshot in paper["snapshots"]
        if snapshot["upvotes"] is not None and snapshot["t"][:10] <= last_day
    ]
    same = ("id", "title", "abstract", "authors", "published", "keywords", "github")
    return {name: paper[name] for name in same} | {"listed": paper["featured"], "signals": votes}


def _write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def _compute_gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades[:PLACES]))


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / max(len(known), 1)
