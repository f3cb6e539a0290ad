"""Is search as fast as typing? Milliseconds per question over many papers, on a new SQLite store.

The words follow the frequencies of real text, so that some are in nearly every paper and most are rare.
`python bench/search.py [PAPERS]`; a million takes about ten minutes to fill.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from digest.model import Paper
from digest.store import Store

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOAL = 100.0  # milliseconds: what people take for at once
CHUNK = 10_000
PLACES = {"model": 5, "learning": 9, "diffusion": 40, "sheep": 3000}  # of each word among the most frequent
CATEGORIES = (("cs.LG", "stat.ML"), ("cs.CL",), ("cs.CV", "cs.AI"), ("math.AG",), ("cs.RO",))
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("model", {}), ("mod", {}), ("learning model", {}), ("diffusion", {}), ("sheep", {}), ("sheep model", {}),
    ("model", {"categories": ("cs.RO",)}), ("model", {"since": NOW - timedelta(days=7)}), ("", {}),
    ("", {"categories": ("math",)}), ("", {"categories": ("q-bio",)}), ("nothingofthekind", {}),
)  # fmt: skip


def papers(count: int) -> Iterator[Paper]:
    """Invented papers with the word frequencies of real ones."""
    dice = random.Random(3)  # noqa: S311  a bench is no secret
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randint(3, 10))) for _ in range(60_000)]
    for word, place in PLACES.items():
        words[place] = word
    frequencies = list(accumulate(1 / (place + 2.7) for place in range(len(words))))
    for number in range(count):
        text = dice.choices(words, cum_weights=frequencies, k=130)
        yield Paper(
            id=f"doi:10.1000/bench.{number}",
            title=" ".join(text[:9]),
            abstract=" ".join(text[9:]),
            authors=(" ".join(text[:2]).title(),),
            categories=CATEGORIES[number % len(CATEGORIES)],
        )


def fill(store: Store, count: int) -> None:
    """One paper every five minutes, up to now."""
    batch: list[Paper] = []
    for number, paper in enumerate(papers(count), 1):
        batch.append(paper)
        if len(batch) == CHUNK or number == count:
            with store.begin() as tx:
                tx.papers.add(batch, seen_at=NOW - timedelta(minutes=5 * (count - number)))
            batch = []


def main() -> None:
    """Print the median of each question, and the slowest."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder, closing(Store.open(f"sqlite:///{Path(folder)}/b")) as store:
        fill(store, count)
        medians = []
        for text, filters in QUESTIONS:
            spent = [asked(store, text, filters) for _ in range(9)]
            medians.append(statistics.median(spent))
            print(f"{medians[-1]:7.1f} ms  {text!r} {filters or ''}")
    slowest = max(medians)
    verdict = "met" if slowest <= GOAL else "MISSED"
    print(f"slowest {slowest:.1f} ms over {count} papers (goal {GOAL:.0f}) {verdict}")


def asked(store: Store, text: str, filters: dict[str, Any]) -> float:
    """CPU milliseconds for one question."""
    start = time.process_time()
    with store.begin(write=False) as tx:
        tx.papers.search(text, **filters)
    return (time.process_time() - start) * 1000


if __name__ == "__main__":
    main()
