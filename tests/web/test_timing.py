"""The time and the work of a sign-up do not tell whether the address is known."""

import asyncio
from datetime import timedelta
from itertools import combinations
from random import Random
from statistics import median
from time import perf_counter

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.models import Status, Subscriber
from digest.subscribers import Actor
from digest.web.form_tokens import MIN_READING_SECONDS
from digest.web.rate_limits import RateLimit, RateLimiter
from digest.web.routes.signup import LAST_SIGN_UP_KEY
from tests.factories import NOW, store_subscriber
from tests.web.visit import Clock

KINDS = ("known", "unknown", "suppressed")
SAMPLES = 1000  # of each kind
CONCURRENT = 3  # of each kind
SHUFFLES = 1000
MEASURABLE = 0.001  # seconds; less cannot be measured over a network
UNLIMITED = RateLimit(burst=1e9, per_minute=1e9)


@pytest.fixture
def crowded_app(services: Services, app: FastAPI) -> FastAPI:
    """The application with a thousand readers, a thousand suppressed addresses, and no rate limits."""
    actor = Actor("test", NOW, services.suppression_key)
    with services.store.begin() as tx:
        for n in range(SAMPLES):
            store_subscriber(tx, f"known{n:04d}@example.com", status=Status.CONFIRMED, now=NOW)
            subscribers.suppress(tx, f"suppressed{n:04d}@example.com", actor=actor)
    for name in ("visitors", "domains", "worldwide"):
        setattr(app.state.ctx.limits, name, RateLimiter(UNLIMITED))
    return app


async def test_every_accepted_sign_up_writes_and_commits_once(
    services: Services, visitor: AsyncClient, clock: Clock, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        subscribers.suppress(tx, "sue@example.com", actor=Actor("test", NOW, services.suppression_key))
    forms = {
        "known": {"email": ada.address},
        "unknown": {"email": "new@example.com"},
        "repeated": {"email": "new@example.com"},
        "suppressed": {"email": "sue@example.com"},
        "robot": {"email": "robot@example.com", "website": "https://spam.example"},
    }
    commits: list[object] = []
    sa.event.listen(services.store.engine, "commit", commits.append)
    for kind, form in forms.items():
        clock.advance(minutes=1)
        commits.clear()
        response = await visitor.post("/subscribe", data=form)
        assert (response.status_code, len(commits)) == (202, 1), kind
        with services.store.begin(write=False) as tx:
            assert tx.meta.read(LAST_SIGN_UP_KEY) == clock().isoformat(), kind


@pytest.mark.long
async def test_known_unknown_and_suppressed_addresses_are_answered_in_the_same_time(
    crowded_app: FastAPI, visitor: AsyncClient, clock: Clock
) -> None:
    rng = Random(8)  # noqa: S311  decides the order of requests
    durations = {kind: list[float]() for kind in KINDS}
    tickets = crowded_app.state.ctx.signup_guard.tickets

    async def sign_up(kind: str, n: int) -> None:
        ticket = tickets.issue(clock() - timedelta(seconds=MIN_READING_SECONDS))
        fields = {"email": f"{kind}{n:04d}@example.com", "ticket": ticket}
        started = perf_counter()
        response = await visitor.post("/subscribe", data=fields)
        durations[kind].append(perf_counter() - started)
        assert response.status_code == 202

    for start in range(0, SAMPLES, CONCURRENT):
        batch = [(kind, n) for kind in KINDS for n in range(start, min(start + CONCURRENT, SAMPLES))]
        rng.shuffle(batch)
        await asyncio.gather(*(sign_up(kind, n) for kind, n in batch))
    for one, other in combinations(KINDS, 2):
        gap = abs(median(durations[one]) - median(durations[other]))
        assert gap <= max(MEASURABLE, _measure_noise(durations[one], durations[other], rng)), (
            one,
            other,
            gap,
        )


def _measure_noise(one: list[float], other: list[float], rng: Random) -> float:
    """Return the largest gap between the medians when durations are assigned to two kinds at random."""
    pool, gaps = [*one, *other], list[float]()
    for _ in range(SHUFFLES):
        rng.shuffle(pool)
        gaps.append(abs(median(pool[: len(one)]) - median(pool[len(one) :])))
    return max(gaps)
