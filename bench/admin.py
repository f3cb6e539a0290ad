"""The pages of the administration at 100,000 subscribers: CPU of each, and memory that must not grow.

Pages go through the whole application, in process. The subscribers have keywords, tags and a mail each of
today, and the log has 100,000 lines.
"""

import argparse
import asyncio
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

from starlette.types import ASGIApp

from bench.results import BenchResult, build_limit_result
from bench.web import call
from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.db.audit import AuditLine
from digest.db.statistics import COUNTED
from digest.db.subscribers.rows import create_public_id
from digest.db.tables import DELIVERY
from digest.models import (
    DeliveryKind,
    Frequency,
    LikedPaper,
    NewDelivery,
    Preferences,
    Profile,
    Schedule,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.models.addresses import hash_address
from digest.models.administrators import Role, SignInMethod
from digest.web.admin.auth import cookie_name
from digest.web.app import create_app

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SUBSCRIBERS, FEWER = 100_000, 10_000
CHUNK = 5000
GOAL_MS, GOAL_GROWTH = 150, 1.1
WORDS = ("diffusion models", "protein folding", "robot learning", "speech recognition", "causal inference",
         "graph networks", "tokenizers", "privacy", "climate models", "time series")  # fmt: skip
STATUSES = (
    [Status.CONFIRMED] * 82 + [Status.UNCONFIRMED] * 6 + [Status.PAUSED] * 4 + [Status.UNSUBSCRIBED] * 8
)
PAGES = (
    "/admin", "/admin?days=90", "/admin/subscribers", "/admin/subscribers?q=reader777",
    "/admin/subscribers?keyword=folding", "/admin/subscribers?status=confirmed&frequency=weekly&language=de",
    "/admin/subscribers?tag=beta&sort=address", "/admin/subscribers?last=week",
    "/admin/subscribers?bounce=any", "/admin/subscribers?status=confirmed&sort=next_due",
    "/admin/subscribers?page=1500",
    "/admin/bulk?select=all&action=pause", "/admin/bulk?select=all&action=erase&keyword=models",
    "/admin/suppressions", "/admin/suppressions?address=reader7@example.org", "/admin/audit",
    "/admin/audit?what=confirm&who=reader", "/admin/import", "{subscriber}", "{subscriber}/confirm/erase",
)  # fmt: skip


def run_bench() -> Iterator[BenchResult]:
    """Measure the slowest page, and how memory grows from ten thousand subscribers to a hundred thousand."""
    peaks = {}
    for size in (FEWER, SUBSCRIBERS):
        with tempfile.TemporaryDirectory() as folder, closing(_open_services(Path(folder))) as services:
            fill_database(services, size)
            visit = Visit(services)
            if size == SUBSCRIBERS:
                times = visit.measure_pages()
                slowest = max(times, key=lambda page: times[page])
                name = f"administration, {size:,} subscribers: CPU of the slowest page ({slowest})"
                yield build_limit_result(name, times[slowest], unit="ms", goal=GOAL_MS)
            peaks[size] = visit.measure_memory()
    yield BenchResult(
        name=f"administration, {SUBSCRIBERS:,} subscribers: memory of pages and the export", unit="MiB",
        ours=peaks[SUBSCRIBERS], reference=peaks[FEWER], against=f"{FEWER:,} subscribers",
        ratio=peaks[SUBSCRIBERS] / peaks[FEWER], goal=GOAL_GROWTH, at_most=True,
    )  # fmt: skip


class Visit:
    """A visit of an owner to the pages."""

    def __init__(self, services: Services) -> None:
        self._app: ASGIApp = create_app(services, clock=lambda: NOW)
        ctx = self._app.state.ctx
        with services.store.begin() as tx:
            cookie = ctx.admin_sessions.open(tx, Role.OWNER, SignInMethod.TOKEN, user_agent="", now=NOW)
            reader = tx.subscribers.list_after(limit=1)[0]
        self._headers = [(b"cookie", f"{cookie_name(ctx)}={cookie}".encode())]
        home = f"/admin/subscribers/{reader.public_id}"
        self._pages = [page.format(subscriber=home) for page in PAGES]

    def measure_pages(self, *, rounds: int = 5) -> dict[str, float]:
        """Return the median milliseconds of CPU of each page."""
        times: dict[str, float] = {}
        for page, shown in zip(self._pages, PAGES, strict=True):
            self._fetch(page)
            seconds = []
            for _ in range(rounds):
                started = time.process_time()
                self._fetch(page)
                seconds.append(time.process_time() - started)
            times[shown] = median(seconds) * 1e3
        return times

    def measure_memory(self) -> float:
        """Return the MiB of Python objects at the peak of all pages and the export of everybody."""
        for page in self._pages:
            self._fetch(page)  # what is kept for later is not counted
        tracemalloc.start()
        for page in (*self._pages, "/admin/export.csv"):
            self._fetch(page)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak / 2**20

    def _fetch(self, page: str) -> None:
        path, _, query = page.partition("?")
        status = asyncio.run(call(self._app, "GET", path, query=query, headers=self._headers))
        if status != 200:
            raise SystemExit(f"{page} answered {status}.")


def fill_database(services: Services, size: int) -> None:
    """Add subscribers with tags and mails, suppressions, 90 days of figures and 100,000 lines of the log."""
    rng = Random(3)
    for start in range(0, size, CHUNK):
        with services.store.begin() as tx:
            tx.subscribers.add_many(_invent(rng, number, size) for number in range(start, start + CHUNK))
    for start in range(0, size, CHUNK):
        with services.store.begin() as tx:
            readers = tx.subscribers.list_after(start, limit=CHUNK)
            tx.tags.add([reader.id for reader in readers if reader.id % 7 == 0], "beta")
            tx.deliveries.enqueue([_build_mail(reader) for reader in readers], now=NOW)
            for reader in readers[::10]:
                key = hash_address(services.suppression_key, reader.address)
                tx.suppressions.add(key, SuppressionReason.HARD, now=NOW)
            tx.audit.write_all(
                [AuditLine(NOW, "reader", "confirm", reader.public_id, {}) for reader in readers]
            )
    with services.store.begin() as tx:
        sent = {"state": "accepted", "accepted_at": NOW, "finished_at": NOW}
        tx.connection.execute(DELIVERY.update().values(sent))
        for back in range(1, 90):
            tx.statistics.record_day(NOW.date() - timedelta(days=back), dict.fromkeys(COUNTED, size // 100))


def _invent(rng: Random, number: int, size: int) -> Subscriber:
    status, created = rng.choice(STATUSES), NOW - timedelta(days=120 * (1 - number / size))
    liked = tuple(
        LikedPaper(f"Paper {n}", "Words of an abstract. " * 20) for n in range(rng.choice((0, 0, 3)))
    )
    return Subscriber(
        id=0,
        public_id=create_public_id(),
        address=f"reader{number}@example.org",
        status=status,
        profile=Profile(keywords=tuple(rng.sample(WORDS, 3)), liked=liked),
        schedule=Schedule(
            frequency=rng.choice([Frequency.DAILY] * 8 + [Frequency.WEEKLY, Frequency.WEEKDAYS])
        ),
        preferences=Preferences(language=rng.choice(["en"] * 8 + ["de", "fr"])),
        created_at=created,
        confirmed_at=created if status is not Status.UNCONFIRMED else None,
        status_since=created,
        next_due=NOW + timedelta(minutes=rng.randrange(1440)),
        cursor=NOW - timedelta(days=rng.choice([0.3] * 20 + [1.4, 9, 40])),
    )


def _build_mail(reader: Subscriber) -> NewDelivery:
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{NOW.date()}/{reader.id}",
        subscriber_id=reader.id,
        address=reader.address,
        slot=NOW,
        not_before=NOW,
        not_after=NOW + timedelta(hours=20),
        day=NOW.date(),
        payload={"picks": [["arxiv:2611.00001", "x" * 400]]},
    )


def _open_services(folder: Path) -> Services:
    return open_services(
        load_settings(database_url=f"sqlite:///{folder}/bench.sqlite3", admin_token="x" * 32)
    )


def main() -> None:
    """Print the milliseconds of every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, closing(_open_services(Path(folder))) as services:
        fill_database(services, options.subscribers)
        for page, milliseconds in Visit(services).measure_pages().items():
            print(f"{milliseconds:8.1f} ms  {page}")


if __name__ == "__main__":
    main()
