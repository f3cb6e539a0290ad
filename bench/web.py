"""Speed of sign-ups and searches.

Sign-ups go through the whole application, in process: middleware, routing, form, limits, use-case, commit.
The search runs over a database of synthetic papers.
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

from starlette.types import ASGIApp, Message

from bench.results import BenchResult, build_limit_result
from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.models import Paper
from digest.web.app import create_app
from digest.web.form_tokens import MIN_READING_SECONDS
from digest.web.rate_limits import RateLimit, RateLimiter

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
UNLIMITED = RateLimit(burst=1e9, per_minute=1e9)
SYLLABLES = ["ka", "lo", "mi", "ne", "tu", "ra", "ve", "so", "pi", "da", "gu", "be", "ri", "fo", "sha", "te"]
FORM_HEADERS = [(b"content-type", b"application/x-www-form-urlencoded")]


async def call(  # noqa: PLR0913  the parts of a request
    app: ASGIApp,
    method: str,
    path: str,
    *,
    query: str = "",
    body: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> int:
    """Send one request straight into the application; return its status."""
    status = 0
    bodies = [body]

    async def receive() -> Message:
        if not bodies:
            await asyncio.Event().wait()  # the client stays until it is answered
        return {"type": "http.request", "body": bodies.pop()}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [*FORM_HEADERS, *headers, (b"content-length", str(len(body)).encode())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return status


async def run(
    jobs: Sequence[Callable[[], Awaitable[int]]], *, at_once: int, expected_status: int
) -> list[float]:
    """Run all jobs, *at_once* at a time; return the seconds each took."""
    remaining, durations = iter(jobs), []

    async def worker() -> None:
        for job in remaining:
            started = time.perf_counter()
            status = await job()
            if status != expected_status:
                raise SystemExit(f"The status was {status} instead of {expected_status}.")
            durations.append(time.perf_counter() - started)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return durations


def build_sign_ups(services: Services, count: int, round_: int) -> list[Callable[[], Awaitable[int]]]:
    """Return jobs that post sign-up forms of people who took the minimum time."""
    app = create_app(services, clock=lambda: NOW)
    ctx = app.state.ctx
    for name in ("visitors", "domains", "worldwide"):
        setattr(ctx.limits, name, RateLimiter(UNLIMITED))
    issued_at = NOW - timedelta(seconds=MIN_READING_SECONDS)

    def build_job(number: int) -> Callable[[], Awaitable[int]]:
        form = {
            "email": f"p{round_}-{number}@example.com",
            "ticket": ctx.signup_guard.tickets.issue(issued_at),
        }
        body = urlencode(form).encode()
        return lambda: call(app, "POST", "/subscribe", body=body)

    return [build_job(n) for n in range(count)]


def run_bench(number: int = 200) -> Iterator[BenchResult]:
    """Measure how long a sign-up takes while eight people sign up."""
    with tempfile.TemporaryDirectory() as folder, closing(_open_services(Path(folder))) as services:
        durations = asyncio.run(run(build_sign_ups(services, number, 0), at_once=8, expected_status=202))
    p99 = quantiles(durations, n=100)[98] * 1e3
    yield build_limit_result("sign-up, 8 concurrent, p99 (responses every 120 ms)", p99, unit="ms", goal=200)


def _open_services(folder: Path) -> Services:
    return open_services(load_settings(database_url=f"sqlite:///{folder}/bench.sqlite3"))


def measure_sign_ups(services: Services, number: int, rounds: int) -> None:
    """Print how many sign-ups a second are made durable, and how long one takes."""
    rates = []
    for round_ in range(rounds):
        jobs = build_sign_ups(services, number, round_)
        started = time.perf_counter()
        asyncio.run(run(jobs, at_once=64, expected_status=202))
        rates.append(number / (time.perf_counter() - started))
    durations = asyncio.run(run(build_sign_ups(services, 200, rounds), at_once=8, expected_status=202))
    p99 = quantiles(durations, n=100)[98]
    print(f"sign-ups a second, durable: {median(rates):.0f}")
    print(f"one sign-up, 8 at once: median {median(durations) * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms")
    print("(responses are sent at multiples of 120 ms, so that timing reveals nothing)")


def generate_text(rng: random.Random, number: int) -> str:
    """Return invented words, a few of them frequent, most of them rare."""
    return " ".join(
        "".join(SYLLABLES[(rank >> (4 * k)) % 16] for k in range(3))
        for rank in (int(4096 ** rng.random()) for _ in range(number))
    )


def fill_database(services: Services, number: int) -> None:
    """Add synthetic papers."""
    rng, started = random.Random(7), time.perf_counter()
    for start in range(0, number, 10_000):
        papers = [
            Paper(
                id=f"arxiv:{2001 + n // 90_000:04d}.{n % 90_000 + 10_000:05d}",
                title=generate_text(rng, 9),
                abstract=generate_text(rng, 150),
                url="https://example.org/",
                authors=("A. Nobody",),
                categories=("cs.XX",),
            )
            for n in range(start, min(number, start + 10_000))
        ]
        with services.store.begin() as tx:
            tx.papers.add(papers, seen_at=NOW - timedelta(days=60 + (number - start) / 1000))
    print(f"{number} papers stored in {time.perf_counter() - started:.0f} s")


def measure_search(services: Services, searches: int) -> None:
    """Print the times of whole pages of results, one after the other."""
    app, rng = create_app(services, clock=lambda: NOW), random.Random(11)
    for size in (1, 2, 3):
        queries = [generate_text(rng, size) for _ in range(searches)]
        jobs = [lambda q=q: call(app, "GET", "/papers", query=urlencode({"q": q})) for q in queries]
        durations = asyncio.run(run(jobs, at_once=1, expected_status=200))
        print(f"search for {size} word{'s'[:size > 1]}: median {median(durations) * 1e3:.1f} ms, "
              f"p95 {quantiles(durations, n=20)[18] * 1e3:.1f} ms")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sign-ups", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(_open_services(Path(folder))) as services:
        measure_sign_ups(services, options.build_sign_ups, options.rounds)
        fill_database(services, options.papers)
        measure_search(services, options.searches)


if __name__ == "__main__":
    main()
