"""Judged picks: whether readers get the right papers, and none where there are none.

    python -m bench picks                       the product as it stands, by its command line
    python -m bench.picks_model ../shared/picks    the model behind it, by cross-validation

It reads `../shared/picks`: readers' words, papers of real mornings, and a grade for each paper that is right.
`play.py` there makes the picks with the installed `digest`; the measures are defined in its README.
"""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import BenchResult
from digest.models import Paper

FOLDER = Path(__file__).parent.parent.parent / "shared" / "picks"
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


def run_bench() -> Iterator[BenchResult]:
    """Yield the five figures of the product as it stands."""
    if not FOLDER.exists():
        sys.exit(f"The judged readers are not here: {FOLDER}")
    judged = Judged.read(FOLDER)
    picks = {line["profile"]: line["picks"] for line in play()}
    figures = summarize([measure(own, picks.get(name, []), judged) for name, own in judged.profiles.items()])
    for name, goal in GOALS.items():
        yield BenchResult(
            name=f"picks: {name.replace('_', ' ')}",
            ours=figures[name],
            unit="",
            ratio=figures[name],
            goal=goal,
            at_most=name == "wrong_a_mail",
        )


def _compute_gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(place + 2) for place, grade in enumerate(grades[:PLACES]))


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / max(len(known), 1)
