"""How does a day go? Fetch, candidates, editions, delivery. The map of the house: read it first.

    fetch       every source is read; papers, signals and the source's health go into the store  (intake.py)
    candidates  what may be sent now and how hot it is: read once, shared by every edition       (editions.py)
    plan        for whoever is due: rank, select, remember the edition as a queued delivery      (editions.py)
    retell      a language model, where there is one, says what they are about in a sentence    (retelling.py)
    send        the outbox renders each queued delivery and hands it over                        (deliver/)
    reread      a model that is new here reads on, for some seconds of each tick             (rereading.py)

It puts the rooms in order and decides nothing itself: every rule lives in the room that is called.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from anyio import to_thread

from digest.db import Database
from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.routes import Route, way_out
from digest.delivery.sender import pump
from digest.delivery.stats import Tally
from digest.models import Health, Shard
from digest.pipeline.alerts import (
    Trouble,
    alert,
    bounce_troubles,
    delivery_trouble,
    source_troubles,
    stop_trouble,
)
from digest.pipeline.cleanup import tidy
from digest.pipeline.clock_repair import LAST_TICK
from digest.pipeline.day import DayContext
from digest.pipeline.embed import keep_up
from digest.pipeline.embed_backlog import SLICE, catch_up
from digest.pipeline.ingest import Fetched, fetch, fetch_is_due
from digest.pipeline.messages import MessageBuilder
from digest.pipeline.plan import Plans, Watch, plan, watch_nothing
from digest.pipeline.summarize import SummaryRequest, retell
from digest.ranking.embeddings import Embedder, Embedding
from digest.sources.base import Source, Tell, ignore_progress
from digest.sources.http.client import Client
from digest.sources.llm import Model

__all__ = ["DayResult", "Fetched", "Parts", "Plans", "fetch", "plan", "prepare", "run", "send"]

WAY_OUT = "way_out"  # where it keeps why no mail can go out, while none can
A_DAY = timedelta(days=1)
SOUND = frozenset({Health.OK, Health.EMPTY})

Clock = Callable[[], datetime]


class Parts(Protocol):
    """What a whole tick needs of the house."""

    @property
    def store(self) -> Database:
        """The books."""

    @property
    def sources(self) -> Sequence[Source]:
        """What is read."""

    @property
    def letters(self) -> MessageBuilder:
        """Where mail is written."""

    @property
    def routes(self) -> Sequence[Route]:
        """The ways out."""

    @property
    def embedding(self) -> Embedder | None:
        """What turns texts into vectors, if anything."""

    @property
    def vectors(self) -> Embedding | None:
        """What tells the meaning of texts beside their words, if anything."""

    @property
    def spread(self) -> timedelta:
        """Over how long a slot's mails are spread."""

    @property
    def model(self) -> Model | None:
        """What retells papers in a sentence, if anything."""

    @property
    def admin_address(self) -> str:
        """Who hears of trouble; empty for nobody."""

    @property
    def fetch_every(self) -> timedelta:
        """How long a reading of the sources stays fresh."""

    def connect(self) -> AbstractAsyncContextManager[Client]:
        """A client for one visit."""

    def ledger(self) -> AbstractContextManager[DeliveryQueue]:
        """The right to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """What came of one tick."""

    fetched: tuple[Fetched, ...] = ()
    plans: Plans = field(default_factory=Plans)
    tally: Tally = field(default_factory=Tally)

    @property
    def is_sound(self) -> bool:
        """Whether everything that was tried worked."""
        return all(each.reading.health in SOUND for each in self.fetched) and not (
            self.tally.failed or self.tally.deferred
        )

    @property
    def troubles(self) -> list[Trouble]:
        """What the operator should hear about."""
        stopped = [stop_trouble(self.plans.stopped)] if self.plans.stopped else []
        return [*stopped, *source_troubles(each.reading for each in self.fetched)]


async def run(
    services: Parts, clock: Clock, *, watch: Watch = watch_nothing, tell: Tell = ignore_progress
) -> DayResult:
    """One tick: read the sources if it is time, plan what is due, send until nothing is left."""
    day = await prepare(services, clock, watch=watch, tell=tell)
    day = replace(day, tally=await send(services, clock))
    await reread(services, clock, tell=tell)
    return day


async def prepare(
    services: Parts, clock: Clock, *, watch: Watch = watch_nothing, tell: Tell = ignore_progress
) -> DayResult:
    """The first half of a tick: read the sources if it is time, and plan what is due."""
    now = clock()  # one moment for the whole tick, so that a preview of it is the mail
    fetched = await ingest(services, now, tell=tell) if should_fetch(services, now) else ()
    day = DayResult(fetched=fetched, plans=await choose(services, clock, now, watch=watch))
    conclude(services, day, clock)
    return day


def should_fetch(services: Parts, now: datetime) -> bool:
    """Whether the sources should be read now."""
    return fetch_is_due(services.store, now, every=services.fetch_every)


async def ingest(services: Parts, now: datetime, *, tell: Tell = ignore_progress) -> tuple[Fetched, ...]:
    """Read the sources, and have a model see what is new."""
    fetched = await fetch(services.store, services.sources, services.connect, now, tell=tell)
    await to_thread.run_sync(partial(keep_up, services.store, services.embedding, now, tell=tell))
    return fetched


async def choose(  # noqa: PLR0913  one planning, each choice by its name
    services: Parts,
    clock: Clock,
    now: datetime,
    *,
    watch: Watch = watch_nothing,
    within: Shard | None = None,
    opened: DayContext | None = None,
) -> Plans:
    """Plan for who is due, all or those of one shard, and have the papers retold that they will get."""
    wanted, over = SummaryRequest(watch), services.spread
    # Ranking is long arithmetic: in a thread of its own it leaves the pages answering.
    work = partial(plan, services.store, now, vectors=services.vectors, over=over, watch=wanted)
    plans = await to_thread.run_sync(partial(work, within=within, opened=opened))
    await retell(services.store, services.model, wanted.ids, clock())
    return plans


async def reread(services: Parts, clock: Clock, *, tell: Tell = ignore_progress) -> None:
    """Have a model that is new here, or has not been everywhere today, read on for some seconds."""
    work = partial(catch_up, services.store, services.embedding, clock(), within=SLICE, tell=tell)
    await to_thread.run_sync(work)


def conclude(services: Parts, day: DayResult, clock: Clock) -> None:
    """Say that we came round, tell the operator of trouble, and forget what is too old."""
    with services.store.begin() as tx:
        tx.meta.write(LAST_TICK, clock().isoformat())
        heard = tx.deliveries.ended(clock() - A_DAY), tx.deliveries.heard(clock() - A_DAY)
        for trouble in (*day.troubles, *bounce_troubles(*heard)):
            alert(tx, services.admin_address, trouble, now=clock())
    tidy(services.store, clock())


async def send(services: Parts, clock: Clock, *, stopping: asyncio.Event | None = None) -> Tally:
    """Hand over everything that is queued; StoreBusy when another process is doing so.

    When `stopping` is set nothing more is begun, and what is on the wire is brought to its end.
    """
    services.letters.start_anew()
    with services.ledger() as ledger:
        letters, routes = services.letters, services.routes
        tally = await pump(
            ledger, letters.write, routes, clock=clock, stopping=stopping, expect=letters.expect
        )
    blocked = way_out(services.routes)
    with services.store.begin() as tx:
        if tx.meta.read(WAY_OUT) != blocked:
            tx.meta.write(WAY_OUT, blocked)
        if tally.alerts:
            alert(tx, services.admin_address, delivery_trouble(tally.alerts), now=clock())
    return tally
