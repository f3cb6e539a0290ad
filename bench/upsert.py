"""Speed of inserting papers, beside raw sqlite3 writing the same rows into the same tables.

Both sides run in turn on the same papers, each in one durable transaction on a new file: all of them new,
then the same ones again with new versions. The raw side is given the finished rows and keys; it parses,
compares and merges nothing. `python -m bench.upsert [PAPERS] [ROUNDS]`
"""

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.results import BenchResult, build_ratio_result
from digest.db import Database
from digest.db.dialects import create_engine
from digest.db.tables import PAPER
from digest.models import Paper
from digest.models.paper_ids import build_keys

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOAL = 0.6
COLUMNS = [column.name for column in PAPER.columns]


def generate_papers(count: int) -> list[Paper]:
    """Return synthetic papers of the usual size: an abstract of about 1200 characters."""
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 10))) for _ in range(20_000)]
    return [
        Paper(
            id=f"arxiv:{2001 + n // 99_000}.{n % 99_000:05d}",
            title=" ".join(rng.choices(words, k=9)),
            abstract=" ".join(rng.choices(words, k=160)),
            url=f"https://arxiv.org/abs/{n}",
            published=NOW - timedelta(hours=n % 1000),
            authors=tuple(" ".join(rng.choices(words, k=2)).title() for _ in range(5)),
            categories=("cs.LG", "stat.ML"),
            source="arxiv",
        )
        for n in range(count)
    ]


def ours(file: Path) -> Iterator[Callable[[Sequence[Paper]], None]]:
    """Yield a function that adds papers through the repository, as the product does."""
    with closing(Database.open(f"sqlite:///{file}")) as store:

        def add(batch: Sequence[Paper]) -> None:
            with store.begin() as tx:
                tx.papers.add(batch, seen_at=NOW)

        yield add


def open_raw_side(file: Path) -> Iterator[Callable[[Sequence[Paper]], None]]:
    """Yield a function that writes finished rows by plain sqlite3: the lower bound."""
    Database.open(f"sqlite:///{file}").close()
    sets = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "number")
    upsert = (
        f"INSERT INTO paper ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608
        f"ON CONFLICT (number) DO UPDATE SET {sets}"
    )
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "secure_delete = ON",
            "cache_size = -4096",
        ):
            database.execute(f"PRAGMA {pragma}")

        def add(batch: Sequence[Paper]) -> None:
            rows, keys = PREPARED_ROWS[batch[0].version]
            database.execute("BEGIN IMMEDIATE")
            database.executemany(upsert, rows)
            database.executemany("INSERT INTO alias (key, number) VALUES (?, ?) ON CONFLICT DO NOTHING", keys)
            database.execute("COMMIT")

        yield add


PREPARED_ROWS: dict[int, tuple[list[tuple[object, ...]], list[tuple[str, int]]]] = {}


def prepare_rows(batch: Sequence[Paper]) -> None:
    """Prepare the rows of the raw side, outside of the measured time."""
    processors = {
        column.name: column.type.bind_processor(create_engine("sqlite://").dialect)
        for column in PAPER.columns
    }
    rows, keys = [], []
    for number, paper in enumerate(batch, 1):
        fields = {name: getattr(paper, name) for name in COLUMNS if name != "number"}
        fields |= {"number": number, "first_seen": NOW, "announcement": str(paper.announcement)}
        fields |= {name: json.dumps(value) for name, value in fields.items() if isinstance(value, tuple)}
        rows.append(
            tuple(
                process(fields[name])
                if (process := processors[name]) and not isinstance(fields[name], str)
                else fields[name]
                for name in COLUMNS
            )
        )
        keys += [(key, number) for key in build_keys(paper)]
    PREPARED_ROWS[batch[0].version] = rows, keys


def run_bench(count: int = 5000, rounds: int = 7) -> Iterator[BenchResult]:
    """Compare papers a CPU second of both sides, new and revised."""
    turns = measure_rates(count, rounds)
    for kind, name in (("new", "papers inserted"), ("revised", "papers updated with a new version")):
        ours, theirs = ([rates[side][kind] for rates in turns] for side in ("ours", "raw"))
        yield build_ratio_result(name, ours, theirs, unit="papers/CPU s", against="raw sqlite3", goal=GOAL)


def main() -> None:
    """Print papers per CPU second of both sides and the median of their ratios."""
    count, rounds = (
        int(sys.argv[index]) if len(sys.argv) > index else default for index, default in ((1, 5000), (2, 7))
    )
    for result in run_bench(count, rounds):
        print(" | ".join(result.format_cells()))


def measure_rates(count: int, rounds: int) -> list[dict[str, dict[str, float]]]:
    """Run both sides in alternation; return papers a CPU second by round, side and kind."""
    new = generate_papers(count)
    revised = [replace(paper, version=2, abstract=f"{paper.abstract} revised") for paper in new]
    prepare_rows(new)
    prepare_rows(revised)
    turns = []
    for turn in range(rounds):
        sides, rates = [("ours", ours), ("raw", open_raw_side)], {}
        for name, side in sides if turn % 2 else sides[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                for add in side(Path(folder) / "bench.sqlite3"):
                    batches = (("new", new), ("revised", revised))
                    rates[name] = {kind: count / measure_cpu(add, batch) for kind, batch in batches}
        turns.append(rates)
    return turns


def measure_cpu(add: Callable[[Sequence[Paper]], None], batch: Sequence[Paper]) -> float:
    """Return CPU seconds for one batch; wall time would vary with other load."""
    started = time.process_time()
    add(batch)
    return time.process_time() - started


if __name__ == "__main__":
    main()
