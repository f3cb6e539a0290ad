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

from digest.db import Store
from digest.delivery.interfaces import Ledger
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
from digest.pipeline.day import Morning
from digest.pipeline.embed import keep_up
from digest.pipeline.embed_backlog import SLICE, catch_up
from digest.pipeline.ingest import Fetched, fetch, fetch_is_due
from digest.pipeline.messages import Letters
from digest.pipeline.plan import Plans, Watch, plan, watch_nothing
from digest.pipeline.summarize import Wanted, retell
from digest.ranking.embeddings import Embedder, Embedding
from digest.sources.base import Source, Tell, tell_nobody
from digest.sources.http.client import Client
from digest.sources.llm import Model

__all__ = ["Day", "Fetched", "Parts", "Plans", "fetch", "plan", "prepare", "run", "send"]

WAY_OUT = "way_out"  # where it keeps why no mail can go out, while none can
A_DAY = timedelta(days=1)
SOUND = frozenset({Health.OK, Health.EMPTY})

Clock = Callable[[], datetime]


class Parts(Protocol):
    """What a whole tick needs of the house."""

    @property
    def store(self) -> Store:
        """The books."""

    @property
    def sources(self) -> Sequence[Source]:
        """What is read."""

    @property
    def letters(self) -> Letters:
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

    def ledger(self) -> AbstractContextManager[Ledger]:
        """The right to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
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


async def run(house: Parts, clock: Clock, *, watch: Watch = watch_nothing, tell: Tell = tell_nobody) -> Day:
    """One tick: read the sources if it is time, plan what is due, send until nothing is left."""
    day = await prepare(house, clock, watch=watch, tell=tell)
    day = replace(day, tally=await send(house, clock))
    await reread(house, clock, tell=tell)
    return day


async def prepare(
    house: Parts, clock: Clock, *, watch: Watch = watch_nothing, tell: Tell = tell_nobody
) -> Day:
    """The first half of a tick: read the sources if it is time, and plan what is due."""
    now = clock()  # one moment for the whole tick, so that a preview of it is the mail
    fetched = await ingest(house, now, tell=tell) if is_hungry(house, now) else ()
    day = Day(fetched=fetched, plans=await choose(house, clock, now, watch=watch))
    conclude(house, day, clock)
    return day


def is_hungry(house: Parts, now: datetime) -> bool:
    """Whether the sources should be read now."""
    return fetch_is_due(house.store, now, every=house.fetch_every)


async def ingest(house: Parts, now: datetime, *, tell: Tell = tell_nobody) -> tuple[Fetched, ...]:
    """Read the sources, and have a model see what is new."""
    fetched = await fetch(house.store, house.sources, house.connect, now, tell=tell)
    await to_thread.run_sync(partial(keep_up, house.store, house.embedding, now, tell=tell))
    return fetched


async def choose(  # noqa: PLR0913  one planning, each choice by its name
    house: Parts,
    clock: Clock,
    now: datetime,
    *,
    watch: Watch = watch_nothing,
    within: Shard | None = None,
    opened: Morning | None = None,
) -> Plans:
    """Plan for who is due, all or those of one shard, and have the papers retold that they will get."""
    wanted, over = Wanted(watch), house.spread
    # Ranking is long arithmetic: in a thread of its own it leaves the pages answering.
    work = partial(plan, house.store, now, vectors=house.vectors, over=over, watch=wanted)
    plans = await to_thread.run_sync(partial(work, within=within, opened=opened))
    await retell(house.store, house.model, wanted.ids, clock())
    return plans


async def reread(house: Parts, clock: Clock, *, tell: Tell = tell_nobody) -> None:
    """Have a model that is new here, or has not been everywhere today, read on for some seconds."""
    work = partial(catch_up, house.store, house.embedding, clock(), within=SLICE, tell=tell)
    await to_thread.run_sync(work)


def conclude(house: Parts, day: Day, clock: Clock) -> None:
    """Say that we came round, tell the operator of trouble, and forget what is too old."""
    with house.store.begin() as tx:
        tx.meta.write(LAST_TICK, clock().isoformat())
        heard = tx.deliveries.ended(clock() - A_DAY), tx.deliveries.heard(clock() - A_DAY)
        for trouble in (*day.troubles, *bounce_troubles(*heard)):
            alert(tx, house.admin_address, trouble, now=clock())
    tidy(house.store, clock())


async def send(house: Parts, clock: Clock, *, stopping: asyncio.Event | None = None) -> Tally:
    """Hand over everything that is queued; StoreBusy when another process is doing so.

    When `stopping` is set nothing more is begun, and what is on the wire is brought to its end.
    """
    house.letters.start_anew()
    with house.ledger() as ledger:
        letters, routes = house.letters, house.routes
        tally = await pump(
            ledger, letters.write, routes, clock=clock, stopping=stopping, expect=letters.expect
        )
    blocked = way_out(house.routes)
    with house.store.begin() as tx:
        if tx.meta.read(WAY_OUT) != blocked:
            tx.meta.write(WAY_OUT, blocked)
        if tally.alerts:
            alert(tx, house.admin_address, delivery_trouble(tally.alerts), now=clock())
    return tally
