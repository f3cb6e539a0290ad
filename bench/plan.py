"""What does it cost to plan everybody's edition? The real planning, through the store, chunk after chunk.

    python -m bench.plan [--readers 100000] [--papers 2000] [--liked 5] [--vectors none]

CPU seconds; on the second day every profile is in the store in numbers. Memory must not grow with the
number of readers. Invented papers and readers, the same every time.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from bench.invented import NOW, papers, votes
from bench.invented import readers as people
from digest.app.embedding_models import named
from digest.db import Database
from digest.models import LikedPaper, Paper, Subscriber
from digest.pipeline.day import morning
from digest.pipeline.plan import plan
from digest.ranking.embeddings import Embedding

A_DAY = timedelta(days=1)
EARLIER = 4_000  # papers of earlier days
MOVED_IN = 1_000  # readers at once


def settled(folder: str, options: argparse.Namespace) -> Database:
    """A store in which everybody waits, with papers of today and of earlier days."""
    store = Database.open(f"sqlite:///{Path(folder) / 'plan.sqlite3'}")
    known = list(papers(options.papers + EARLIER))
    today, earlier = known[: options.papers], known[options.papers :]
    earlier = [replace(each, listed=None, published=NOW - 30 * A_DAY) for each in earlier]
    with store.begin() as tx:
        tx.papers.add(earlier, seen_at=NOW - 20 * A_DAY)
        tx.papers.add(today, seen_at=NOW - timedelta(hours=6))
        tx.signals.observe(list(votes(options.papers)))
    for first in range(0, options.readers, MOVED_IN):
        with store.begin() as tx:
            tx.subscribers.add_many(_liking(first, MOVED_IN, earlier, options.liked))
    return store


def _liking(first: int, count: int, earlier: list[Paper], liked: int) -> Iterator[Subscriber]:
    """Readers with three words and some papers of about their topic."""
    for number, reader in enumerate(people(first, count), first):
        chosen = Random(number).sample(earlier, liked)
        likings = tuple(LikedPaper(each.title, each.abstract, each.id) for each in chosen)
        yield replace(reader, profile=replace(reader.profile, liked=likings))


def planned(store: Database, day: int, vectors: Embedding | None) -> tuple[int, float, float]:
    """Readers, CPU seconds until the day stands, and CPU seconds for all editions."""
    now = NOW + day * A_DAY
    began = time.process_time()
    opened = morning(store, now, vectors=vectors)
    opened.ranker.rank([])
    stands = time.process_time()
    plans = plan(store, now, vectors=vectors, opened=opened)
    return plans.due, stands - began, time.process_time() - stands


def main() -> None:
    """Print what each of two days costs, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--papers", type=int, default=2_000)
    parser.add_argument("--liked", type=int, default=5)
    parser.add_argument("--vectors", default="none")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="digest-plan-") as folder:
        store = settled(folder, options)
        for day in range(2):
            due, opening, choosing = planned(store, day, named(options.vectors))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"day {day + 1}: {due} readers x {options.papers} papers, {opening:.1f} s once, "
                f"{choosing:.1f} s for all, {choosing / max(due, 1) * 1e6:.0f} us a reader, {memory:.0f} MB"
            )
        store.close()


if __name__ == "__main__":
    main()
