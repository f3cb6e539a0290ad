"""Cost of planning everybody's edition: the real planning, through the database, chunk by chunk.

    python -m bench.planning [--readers 100000] [--papers 2000] [--liked 5] [--vectors none]

CPU seconds; on the second day every profile is already encoded in the database. Memory must not grow with the
number of readers. Papers and readers are synthetic, the same every time.
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

from bench.synthetic import NOW, generate_papers, generate_readers, generate_votes
from digest.app.embedding_models import load_model
from digest.db import Database
from digest.models import LikedPaper, Paper, Subscriber
from digest.pipeline.day import load_day
from digest.pipeline.plan import plan_editions
from digest.ranking.embeddings import EmbeddingModel

DAY = timedelta(days=1)
EARLIER_PAPERS = 4_000  # papers of earlier days
READERS_PER_TRANSACTION = 1_000  # readers at once


def create_database(folder: str, options: argparse.Namespace) -> Database:
    """Create a database in which every reader is due, with papers of today and of earlier days."""
    store = Database.open(f"sqlite:///{Path(folder) / 'plan.sqlite3'}")
    all_papers = list(generate_papers(options.papers + EARLIER_PAPERS))
    today, earlier = all_papers[: options.papers], all_papers[options.papers :]
    earlier = [replace(paper, listed=None, published=NOW - 30 * DAY) for paper in earlier]
    with store.begin() as tx:
        tx.papers.add(earlier, seen_at=NOW - 20 * DAY)
        tx.papers.add(today, seen_at=NOW - timedelta(hours=6))
        tx.signals.add(list(generate_votes(options.papers)))
    for first in range(0, options.readers, READERS_PER_TRANSACTION):
        with store.begin() as tx:
            tx.subscribers.add_many(
                _generate_readers_with_likes(first, READERS_PER_TRANSACTION, earlier, options.liked)
            )
    return store


def _generate_readers_with_likes(
    first: int, count: int, earlier: list[Paper], liked: int
) -> Iterator[Subscriber]:
    """Yield readers with three keywords and some liked papers."""
    for number, reader in enumerate(generate_readers(first, count), first):
        chosen = Random(number).sample(earlier, liked)
        liked_papers = tuple(LikedPaper(paper.title, paper.abstract, paper.id) for paper in chosen)
        yield replace(reader, profile=replace(reader.profile, liked=liked_papers))


def measure_day(
    store: Database, day: int, embedding_model: EmbeddingModel | None
) -> tuple[int, float, float]:
    """Return readers, CPU seconds to load the day, and CPU seconds for all editions."""
    now = NOW + day * DAY
    started = time.process_time()
    loaded_day = load_day(store, now, embedding_model=embedding_model)
    loaded_day.ranker.rank([])
    loaded_at = time.process_time()
    plans = plan_editions(store, now, embedding_model=embedding_model, day=loaded_day)
    return plans.due, loaded_at - started, time.process_time() - loaded_at


def main() -> None:
    """Print the cost of each of two days, and the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=100_000)
    parser.add_argument("--papers", type=int, default=2_000)
    parser.add_argument("--liked", type=int, default=5)
    parser.add_argument("--vectors", default="none")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="digest-plan-") as folder:
        store = create_database(folder, options)
        for day in range(2):
            due, loading, planning = measure_day(store, day, load_model(options.vectors))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"day {day + 1}: {due} readers x {options.papers} papers, {loading:.1f} s once, "
                f"{planning:.1f} s for all, {planning / max(due, 1) * 1e6:.0f} us a reader, {memory:.0f} MB"
            )
        store.close()


if __name__ == "__main__":
    main()
