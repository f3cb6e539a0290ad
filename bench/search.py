"""Is search as fast as typing? CPU milliseconds per question and per page over many invented papers.

The words follow the frequencies of real text, so that some are in nearly every paper and most are rare.
`python -m bench.search --papers 1000000` takes about fifteen minutes to fill a new SQLite store; with
`--store URL` it keeps the papers, and asks those of the last time if there are any. PostgreSQL does its work
in another process, so for it the time on the wall is printed.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

from httpx import ASGITransport, AsyncClient

from bench.row import Row, absolute
from digest.app.services import Services, open_services
from digest.app.settings import load
from digest.db import Database
from digest.models import Paper
from digest.web.app import build

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
GOAL = 100.0  # milliseconds: what people take for at once
CHUNK = 10_000
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PLACES = {"model": 5, "learning": 9, "diffusion": 40, "sheep": 3000}  # of each word among the most frequent
CATEGORIES = (("cs.LG", "stat.ML"), ("cs.CL",), ("cs.CV", "cs.AI"), ("math.AG",), ("cs.RO",))
COMMON, RARE = 60, (2000, 40_000)  # places of common and of rare words
FILTERS: tuple[dict[str, str], ...] = (
    {"category": "cs.RO"}, {"category": "q-bio"}, {"period": "week"}, {"period": "year"},
    {"source": "arxiv"}, {"category": "math", "period": "year"},
)  # fmt: skip


def vocabulary() -> list[str]:
    """Invented words, the most frequent first, the same every time."""
    dice = random.Random(3)
    words = ["".join(dice.choices(LETTERS, k=dice.randint(3, 10))) for _ in range(60_000)]
    for word, place in PLACES.items():
        words[place] = word
    return words


def papers(count: int) -> Iterator[Paper]:
    """Invented papers with the word frequencies of real ones."""
    words, dice = vocabulary(), random.Random(5)
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


def fill(store: Database, count: int) -> None:
    """One paper every five minutes, up to now."""
    batch: list[Paper] = []
    for number, paper in enumerate(papers(count), 1):
        batch.append(paper)
        if len(batch) == CHUNK or number == count:
            with store.begin() as tx:
                tx.papers.add(batch, seen_at=NOW - timedelta(minutes=5 * (count - number)))
            batch = []


def questions(number: int) -> dict[str, list[dict[str, str]]]:
    """What people ask, by kind."""
    words, dice = vocabulary(), random.Random(11)

    def common() -> str:
        return dice.choice(words[:COMMON])

    def rare() -> str:
        return dice.choice(words[slice(*RARE)])

    def typed() -> str:
        word = dice.choice((common, rare))()
        return word[: dice.randint(1, len(word))]

    kinds: dict[str, Callable[[], dict[str, str]]] = {
        "one common word": lambda: {"q": common()},
        "one rare word": lambda: {"q": rare()},
        "a word while it is typed": lambda: {"q": typed()},
        "two common words": lambda: {"q": f"{common()} {common()}"},
        "a rare and a common word": lambda: {"q": f"{rare()} {common()}"},
        "five common words": lambda: {"q": " ".join(common() for _ in range(5))},
        "a common word, filtered": lambda: {"q": common()} | dice.choice(FILTERS),
        "filters alone": lambda: dict(dice.choice(FILTERS)),
    }
    return {kind: [ask() for _ in range(number)] for kind, ask in kinds.items()}


def rows(count: int = 50_000) -> Iterator[Row]:
    """A page of results, of all kinds of questions."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        url = f"sqlite:///{Path(folder)}/bench.sqlite3"
        with closing(open_services(load(database_url=url))) as services:
            fill(services.store, count)
            p99 = asyncio.run(measure(services, 50))
    yield absolute(f"page of search results, p99, {count:,} papers", p99, unit="ms CPU", goal=GOAL)


async def measure(services: Services, number: int) -> float:
    """Whole pages, one after the other: routing, search, heat, order, template."""
    app, every = build(services, clock=lambda: NOW), []
    on_the_wall = services.store.file is None
    clock = time.perf_counter if on_the_wall else time.process_time
    async with AsyncClient(transport=ASGITransport(app), base_url="http://bench") as browser:
        await browser.get("/papers?q=sheep")  # what is worked out once a day is not a question's fault
        for kind, asked in questions(number).items():
            spent = []
            for each in asked:
                began = clock()
                (await browser.get(f"/papers?{urlencode(each)}")).raise_for_status()
                spent.append((clock() - began) * 1000)
            every += spent
            print(f"{median(spent):7.1f} ms median, {quantiles(spent, n=100)[98]:7.1f} ms p99  {kind}")
    p99 = quantiles(every, n=100)[98]
    verdict = "met" if p99 <= GOAL else "MISSED"
    kind = "on the wall" if on_the_wall else "of CPU"
    print(f"a page: median {median(every):.1f} ms, p99 {p99:.1f} ms {kind} (goal {GOAL:.0f}) {verdict}")
    return p99


def main() -> None:
    """Fill a store, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=50_000)
    parser.add_argument("--questions", type=int, default=50, help="of each kind")
    parser.add_argument("--store", default="", help="a database to keep the papers in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = given.store or f"sqlite:///{Path(folder)}/bench.sqlite3"
        Database.migrate(url).close()
        with closing(
            open_services(load(database_url=url, secret_key="a bench is no secret at all"))  # noqa: S106
        ) as services:
            with services.store.begin(write=False) as tx:
                known = tx.papers.count()
            if not known:
                fill(services.store, given.papers)
            print(f"{known or given.papers} papers")
            asyncio.run(measure(services, given.questions))


if __name__ == "__main__":
    main()
