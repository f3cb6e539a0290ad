"""Does the time of an answer tell who reads the digest? A thousand sign-ups of each kind say no."""

import asyncio
from datetime import timedelta
from itertools import combinations
from random import Random
from statistics import median
from time import perf_counter

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.models import Status
from digest.subscribers import Actor
from digest.web.form_tokens import READING
from digest.web.rate_limits import Allowance, Buckets
from tests.factories import NOW
from tests.web.visit import Clock

KINDS = ("known", "unknown", "suppressed")
SAMPLES = 1000  # of each kind
AT_ONCE = 3  # of each kind
SHUFFLES = 1000
FLOOR = 0.001  # seconds: nobody measures less over a network
ENDLESS = Allowance(burst=1e9, per_minute=1e9)


@pytest.fixture
def crowd(services: Services, app: FastAPI) -> FastAPI:
    """The pages, with a thousand readers, a thousand who are never written to, and no limits."""
    by = Actor("test", NOW, services.suppression_key)
    with services.store.begin() as tx:
        for n in range(SAMPLES):
            tx.subscribers.add(f"known{n:04d}@example.com", status=Status.CONFIRMED, now=NOW)
            subscribers.suppress(tx, f"suppressed{n:04d}@example.com", by=by)
    for name in ("visitors", "domains", "world"):
        setattr(app.state.ctx.limits, name, Buckets(ENDLESS))
    return app


@pytest.mark.long
async def test_known_unknown_and_suppressed_addresses_are_answered_in_the_same_time(
    crowd: FastAPI, visitor: AsyncClient, clock: Clock
) -> None:
    dice = Random(8)  # noqa: S311  the order of a crowd is no secret
    taken = {kind: list[float]() for kind in KINDS}
    tickets = crowd.state.ctx.tickets

    async def sign_up(kind: str, n: int) -> None:
        ticket = tickets.issue(clock() - timedelta(seconds=READING))
        typed = {"email": f"{kind}{n:04d}@example.com", "ticket": ticket}
        began = perf_counter()
        answer = await visitor.post("/subscribe", data=typed)
        taken[kind].append(perf_counter() - began)
        assert answer.status_code == 202

    for start in range(0, SAMPLES, AT_ONCE):
        some = [(kind, n) for kind in KINDS for n in range(start, min(start + AT_ONCE, SAMPLES))]
        dice.shuffle(some)
        await asyncio.gather(*(sign_up(kind, n) for kind, n in some))
    for one, other in combinations(KINDS, 2):
        apart = abs(median(taken[one]) - median(taken[other]))
        assert apart <= max(FLOOR, _noise(taken[one], taken[other], dice)), (one, other, apart)


def _noise(one: list[float], other: list[float], dice: Random) -> float:
    """How far apart, at most, the medians are when chance alone decides who is who."""
    pool, gaps = [*one, *other], list[float]()
    for _ in range(SHUFFLES):
        dice.shuffle(pool)
        gaps.append(abs(median(pool[: len(one)]) - median(pool[len(one) :])))
    return max(gaps)
