"""How fast are papers taken in? Against raw sqlite3 writing the very same rows into the very same tables.

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

from bench.row import Row, compared
from digest.db import Database
from digest.db.dialects import engine_for
from digest.db.tables import PAPER
from digest.models import Paper
from digest.models.paper_ids import keys_of

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOAL = 0.6
COLUMNS = [column.name for column in PAPER.columns]


def papers(count: int) -> list[Paper]:
    """Invented papers of the usual size: an abstract of about 1200 characters."""
    dice = random.Random(7)
    words = [
        "".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randint(3, 10))) for _ in range(20_000)
    ]
    return [
        Paper(
            id=f"arxiv:{2001 + n // 99_000}.{n % 99_000:05d}",
            title=" ".join(dice.choices(words, k=9)),
            abstract=" ".join(dice.choices(words, k=160)),
            url=f"https://arxiv.org/abs/{n}",
            published=NOW - timedelta(hours=n % 1000),
            authors=tuple(" ".join(dice.choices(words, k=2)).title() for _ in range(5)),
            categories=("cs.LG", "stat.ML"),
            source="arxiv",
        )
        for n in range(count)
    ]


def ours(file: Path) -> Iterator[Callable[[Sequence[Paper]], None]]:
    """The store, as the product uses it."""
    with closing(Database.open(f"sqlite:///{file}")) as store:

        def add(batch: Sequence[Paper]) -> None:
            with store.begin() as tx:
                tx.papers.add(batch, seen_at=NOW)

        yield add


def raw(file: Path) -> Iterator[Callable[[Sequence[Paper]], None]]:
    """Plain sqlite3 with finished rows: the floor."""
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
            rows, keys = FINISHED[batch[0].version]
            database.execute("BEGIN IMMEDIATE")
            database.executemany(upsert, rows)
            database.executemany("INSERT INTO alias (key, number) VALUES (?, ?) ON CONFLICT DO NOTHING", keys)
            database.execute("COMMIT")

        yield add


FINISHED: dict[int, tuple[list[tuple[object, ...]], list[tuple[str, int]]]] = {}


def finish(batch: Sequence[Paper]) -> None:
    """Make the raw side's rows beforehand, outside of the clock."""
    kinds = {
        column.name: column.type.bind_processor(engine_for("sqlite://").dialect) for column in PAPER.columns
    }
    rows, keys = [], []
    for number, paper in enumerate(batch, 1):
        fields = {name: getattr(paper, name) for name in COLUMNS if name != "number"}
        fields |= {"number": number, "first_seen": NOW, "announcement": str(paper.announcement)}
        fields |= {name: json.dumps(value) for name, value in fields.items() if isinstance(value, tuple)}
        rows.append(
            tuple(
                process(fields[name])
                if (process := kinds[name]) and not isinstance(fields[name], str)
                else fields[name]
                for name in COLUMNS
            )
        )
        keys += [(key, number) for key in keys_of(paper)]
    FINISHED[batch[0].version] = rows, keys


def rows(count: int = 5000, rounds: int = 7) -> Iterator[Row]:
    """Papers a CPU second of both sides, new and revised."""
    rates = measure(count, rounds)
    for kind, name in (("new", "papers taken in"), ("revised", "papers taken in again, revised")):
        ours, theirs = ([turn[side][kind] for turn in rates] for side in ("ours", "raw"))
        yield compared(name, ours, theirs, unit="papers/CPU s", against="raw sqlite3", goal=GOAL)


def main() -> None:
    """Print papers per CPU second of both sides and the median of their ratios."""
    count, rounds = (
        int(sys.argv[place]) if len(sys.argv) > place else default for place, default in ((1, 5000), (2, 7))
    )
    for row in rows(count, rounds):
        print(" | ".join(row.cells()))


def measure(count: int, rounds: int) -> list[dict[str, dict[str, float]]]:
    """Both sides in turns; papers a CPU second, by turn, side and kind."""
    new = papers(count)
    revised = [replace(paper, version=2, abstract=f"{paper.abstract} revised") for paper in new]
    finish(new)
    finish(revised)
    turns = []
    for turn in range(rounds):
        sides, rates = [("ours", ours), ("raw", raw)], {}
        for name, side in sides if turn % 2 else sides[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                for add in side(Path(folder) / "bench.sqlite3"):
                    batches = (("new", new), ("revised", revised))
                    rates[name] = {kind: count / timed(add, batch) for kind, batch in batches}
        turns.append(rates)
    return turns


def timed(add: Callable[[Sequence[Paper]], None], batch: Sequence[Paper]) -> float:
    """CPU seconds for one batch: the machine may be busy with other things."""
    start = time.process_time()
    add(batch)
    return time.process_time() - start


if __name__ == "__main__":
    main()
