"""How many sign-ups a second are made durable, and how fast is a search?

Sign-ups go through the whole application, in process: guard, routing, form, limits, use-case, commit. The
reference is the same use-case behind the same framework with a commit per request. The search runs over
a store of invented papers.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

from fastapi import FastAPI, Form
from starlette.types import ASGIApp, Message

from bench.row import Row, absolute, compared
from digest import subscribers
from digest.app.services import Services, open_services
from digest.app.settings import load
from digest.models import Paper
from digest.subscribers import Actor
from digest.web.app import build
from digest.web.form_tokens import READING
from digest.web.rate_limits import Allowance, Buckets

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ENDLESS = Allowance(burst=1e9, per_minute=1e9)
SYLLABLES = ["ka", "lo", "mi", "ne", "tu", "ra", "ve", "so", "pi", "da", "gu", "be", "ri", "fo", "sha", "te"]
FORM = [(b"content-type", b"application/x-www-form-urlencoded")]


async def call(app: ASGIApp, method: str, path: str, *, query: str = "", body: bytes = b"") -> int:
    """One request, straight into the application; its status."""
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [*FORM, (b"content-length", str(len(body)).encode())], "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return status


async def run(jobs: Sequence[Callable[[], Awaitable[int]]], *, at_once: int, wanted: int) -> list[float]:
    """Do all of it, so many at once; how long each took."""
    waiting, taken = iter(jobs), []

    async def worker() -> None:
        for job in waiting:
            began = time.perf_counter()
            status = await job()
            if status != wanted:
                raise SystemExit(f"answered {status} instead of {wanted}")
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return taken


def sign_ups(services: Services, number: int, round_: int) -> list[Callable[[], Awaitable[int]]]:
    """Forms of people who took their time, to the product."""
    app = build(services, clock=lambda: NOW)
    ctx = app.state.ctx
    for name in ("visitors", "domains", "world"):
        setattr(ctx.limits, name, Buckets(ENDLESS))
    early = NOW - timedelta(seconds=READING)

    def one(n: int) -> Callable[[], Awaitable[int]]:
        typed = {"email": f"p{round_}-{n}@example.com", "ticket": ctx.tickets.issue(early)}
        body = urlencode(typed).encode()
        return lambda: call(app, "POST", "/subscribe", body=body)

    return [one(n) for n in range(number)]


def plain_sign_ups(services: Services, number: int, round_: int) -> list[Callable[[], Awaitable[int]]]:
    """The same use-case, a commit per request, nothing else."""
    app = FastAPI()

    @app.post("/subscribe")
    def subscribe(email: str = Form()) -> str:  # noqa: FAST002  as a tutorial has it
        with services.store.begin() as tx:
            subscribers.sign_up(tx, email, {}, by=Actor("reader", NOW, services.suppression_key))
        return "ok"

    def one(n: int) -> Callable[[], Awaitable[int]]:
        body = urlencode({"email": f"q{round_}-{n}@example.com"}).encode()
        return lambda: call(app, "POST", "/subscribe", body=body)

    return [one(n) for n in range(number)]


def rows(number: int = 2000, rounds: int = 3) -> Iterator[Row]:
    """Sign-ups a second beside a commit per request, and how long one waits."""
    with tempfile.TemporaryDirectory() as folder, closing(_house(Path(folder))) as services:
        ours, plain, calm = sign_up_rates(services, number, rounds)
    yield compared("sign-ups, durable", ours, plain, unit="/s", against="a commit per request", goal=5)
    p99 = quantiles(calm, n=100)[98] * 1e3
    yield absolute("sign-up, 8 at once, p99 (beat of 120 ms)", p99, unit="ms", goal=200)


def _house(folder: Path) -> Services:
    return open_services(load(database_url=f"sqlite:///{folder}/bench.sqlite3"))


def sign_up_rates(
    services: Services, number: int, rounds: int
) -> tuple[list[float], list[float], list[float]]:
    """Both in turns, then the seconds of each of a calm hour's."""
    ours: list[float] = []
    plain: list[float] = []
    for round_ in range(rounds):
        # The reference gets few at once: more would only wait for the database's one writer.
        for kind, made, wanted, at_once in ((ours, sign_ups, 202, 512), (plain, plain_sign_ups, 200, 4)):
            jobs = made(services, number, round_)
            began = time.perf_counter()
            asyncio.run(run(jobs, at_once=at_once, wanted=wanted))
            kind.append(number / (time.perf_counter() - began))
    return ours, plain, asyncio.run(run(sign_ups(services, 200, rounds), at_once=8, wanted=202))


def measure_sign_ups(services: Services, number: int, rounds: int) -> None:
    """Both, and their ratio."""
    ours, plain, calm = sign_up_rates(services, number, rounds)
    ratio = median(a / b for a, b in zip(ours, plain, strict=True))
    p99 = quantiles(calm, n=100)[98]
    print(f"sign-ups a second, durable: {median(ours):.0f}; a commit per request: {median(plain):.0f}")
    print(f"ratio {ratio:.1f}")
    print(f"one sign-up, 8 at once: median {median(calm) * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms")
    print("(answers leave on a beat of 120 ms, so that the time taken tells nothing)")


def words(dice: random.Random, number: int) -> str:
    """Invented words, a few of them everywhere, most of them rare."""
    return " ".join(
        "".join(SYLLABLES[(rank >> (4 * k)) % 16] for k in range(3))
        for rank in (int(4096 ** dice.random()) for _ in range(number))
    )


def fill(services: Services, number: int) -> None:
    """A store of invented papers."""
    dice, began = random.Random(7), time.perf_counter()
    for start in range(0, number, 10_000):
        papers = [
            Paper(
                id=f"arxiv:{2001 + n // 90_000:04d}.{n % 90_000 + 10_000:05d}",
                title=words(dice, 9),
                abstract=words(dice, 150),
                url="https://example.org/",
                authors=("A. Nobody",),
                categories=("cs.XX",),
            )
            for n in range(start, min(number, start + 10_000))
        ]
        with services.store.begin() as tx:
            tx.papers.add(papers, seen_at=NOW - timedelta(days=60 + (number - start) / 1000))
    print(f"{number} papers stored in {time.perf_counter() - began:.0f} s")


def measure_search(services: Services, searches: int) -> None:
    """Whole pages of results, one after the other."""
    app, dice = build(services, clock=lambda: NOW), random.Random(11)
    for size in (1, 2, 3):
        asked = [words(dice, size) for _ in range(searches)]
        jobs = [lambda q=q: call(app, "GET", "/papers", query=urlencode({"q": q})) for q in asked]
        taken = asyncio.run(run(jobs, at_once=1, wanted=200))
        print(f"search for {size} word{'s'[:size > 1]}: median {median(taken) * 1e3:.1f} ms, "
              f"p95 {quantiles(taken, n=20)[18] * 1e3:.1f} ms")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sign-ups", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(_house(Path(folder))) as services:
        measure_sign_ups(services, given.sign_ups, given.rounds)
        fill(services, given.papers)
        measure_search(services, given.searches)


if __name__ == "__main__":
    main()
