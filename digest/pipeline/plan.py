"""Who gets what? An edition for everybody who is due, in the ledger; and what one reader gets or got."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from digest.db import Database, Transaction
from digest.models import DeliveryKind, Edition, Heat, NewDelivery, Paper, Sent, Shard, Subscriber
from digest.models.arxiv_calendar import arxiv_day
from digest.models.backoff import spread
from digest.models.schedule import due_slot, local_day, next_slot
from digest.pipeline.day import DayContext, morning
from digest.pipeline.edition_payload import edition_from, heat_names, heats_of, paper_ids, payload_of
from digest.ranking.embeddings import Embedding

LASTS = timedelta(hours=20)  # a digest that nobody took by then is old news
CHUNK = 500  # subscribers ranked in one product and planned in one transaction
DRY_RUN = 100_000  # nothing moves on in a dry run, so it looks at everybody at once

Watch = Callable[[Edition], object]


def watch_nothing(_: Edition) -> None:
    """Nobody looks at the editions as they are planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """What became of everybody who was due."""

    due: int = 0
    planned: int = 0
    quiet: int = 0  # due, but nothing new that they would want
    missed: int = 0  # due so long ago that the next edition is nearer
    stopped: str = ""  # why nothing was planned at all


def plan(  # noqa: PLR0913  one day's planning, each choice by its name
    store: Database,
    now: datetime,
    *,
    vectors: Embedding | None = None,
    over: timedelta = timedelta(0),
    watch: Watch = watch_nothing,
    dry_run: bool = False,
    within: Shard | None = None,
    opened: DayContext | None = None,
) -> Plans:
    """Queue an edition for everybody who is due. Planning the same day again changes nothing.

    Each reader's mail waits a while of its own within `over`, always the same.
    `watch` sees each edition as it is planned; with `dry_run` it sees them and nothing is queued.
    `within` leaves the other readers to others; `opened` is the day if it was read before.
    """
    with store.begin(write=False) as tx:
        stopped, someone = stopped_by(tx, now), tx.subscribers.due(now, 1, within=within)
    if stopped or not someone:
        return Plans(stopped=stopped)
    today, plans = opened or morning(store, now, vectors=vectors), Plans()
    while True:
        with store.begin(write=False) as tx:
            due = tx.subscribers.due(now, DRY_RUN if dry_run else CHUNK, within=within)
        chunk, editions = _choose(today, due, keeps=not dry_run)
        if not dry_run:
            _queue(store, due, editions, now, over=over)
        for edition in editions:
            watch(edition)
        plans = _together(plans, chunk)
        if dry_run or chunk.due < CHUNK:
            return plans


def stopped_by(tx: Transaction, now: datetime) -> str:
    """Why nothing is planned now, or today's edition waits for a person; empty when it does not."""
    held = (hold.reason for hold in tx.sources.held(str(arxiv_day(now))))
    return tx.meta.paused or next(held, "")


def _choose(today: DayContext, due: Sequence[Subscriber], *, keeps: bool) -> tuple[Plans, list[Edition]]:
    with today.store.begin(write=False) as tx:
        sent = tx.sent.of([reader.id for reader in due])
    slots = [(reader, slot[1]) for reader in due if (slot := due_slot(reader.schedule, today.now))]
    editions = [edition for edition, _ in today.editions(slots, sent, keeps=keeps)]
    worthy = [worth for edition in editions if (worth := worth_sending(edition))]
    quiet, missed = len(editions) - len(worthy), len(due) - len(slots)
    return Plans(due=len(due), planned=len(worthy), quiet=quiet, missed=missed), worthy


def _queue(
    store: Database, due: Sequence[Subscriber], editions: Sequence[Edition], now: datetime, *, over: timedelta
) -> None:
    """The editions, everybody's next slot and how far they were served: in one transaction."""
    with store.begin() as tx:  # before and apart: planners share these rows, and nobody shall wait for them
        tx.heats.keep(heats_of(editions), now=now)
    with store.begin() as tx:
        tx.deliveries.plan([_planned(edition, over) for edition in editions], now=now)
        tx.subscribers.move_on({reader.id: next_slot(reader.schedule, now) for reader in due}, now=now)
        tx.subscribers.set_cursors({edition.subscriber.id: now for edition in editions})


def _planned(edition: Edition, over: timedelta) -> NewDelivery:
    reader = edition.subscriber
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=delivery_key(edition),
        subscriber_id=reader.id,
        address=reader.address,
        day=edition.day,
        slot=edition.slot,
        not_before=edition.slot + spread(reader.pid, over=over),
        not_after=edition.slot + LASTS,
        payload=payload_of(edition),
        papers={pick.paper.id: _sent(edition.day, pick.heat) for pick in edition.picks},
    )


@lru_cache(maxsize=16_384)
def _sent(day: date, heat: Heat) -> Sent:
    """What thousands of readers were sent, remembered by one value."""
    again = heat.broke_out_from is not None
    return Sent(day=day, expected=heat.expected, votes=heat.votes, resent=again)


def _together(plans: Plans, more: Plans) -> Plans:
    return Plans(
        due=plans.due + more.due,
        planned=plans.planned + more.planned,
        quiet=plans.quiet + more.quiet,
        missed=plans.missed + more.missed,
    )


def delivery_key(edition: Edition) -> str:
    """One reader, one local day, one digest."""
    return f"digest/{edition.subscriber.id}/{edition.day}"


def worth_sending(edition: Edition) -> Edition | None:
    """The edition if a paper in it is new to the reader; else a word on the empty day, if they want that."""
    cursor = edition.subscriber.cursor
    if any(cursor is None or _seen_since(pick.paper, cursor) for pick in edition.picks):
        return edition
    return replace(edition, picks=()) if edition.subscriber.preferences.empty_day_note else None


def _seen_since(paper: Paper, cursor: datetime) -> bool:
    return paper.first_seen is None or paper.first_seen > cursor


def upcoming(
    store: Database, reader: Subscriber, now: datetime, *, vectors: Embedding | None = None
) -> Edition:
    """The edition a reader gets next, or was given today: exactly what was or would be queued."""
    due = due_slot(reader.schedule, now)
    slot = due[1] if due else next_slot(reader.schedule, now)
    planned = recall(store, reader, slot)
    if planned is not None:
        return planned
    with store.begin(write=False) as tx:
        sent = tx.sent.of([reader.id])
    edition, _ = next(morning(store, now, vectors=vectors).editions([(reader, slot)], sent))
    papers = {pick.paper.id: pick.paper for pick in edition.picks}
    # By way of the ledger's own form, so that a preview is the mail to the last byte.
    return edition_from(
        payload_of(edition),
        day=edition.day,
        slot=edition.slot,
        subscriber=reader,
        papers=papers,
        heats=heats_of([edition]),
    )


def recall(store: Database, reader: Subscriber, slot: datetime) -> Edition | None:
    """The edition that was planned for a reader's slot, or None."""
    day = local_day(reader.schedule, slot)
    with store.begin(write=False) as tx:
        delivery = tx.deliveries.by_key(f"digest/{reader.id}/{day}")
        if delivery is None or not delivery.payload:
            return None
        ids = paper_ids(delivery.payload)
        papers = tx.papers.by_ids(ids)
        if delivery.accepted_at:  # as it was sent, whatever became of its papers since
            papers |= tx.past.as_of(ids, delivery.accepted_at)
        heats = tx.heats.of(heat_names(delivery.payload))
    return edition_from(
        delivery.payload, day=day, slot=delivery.slot, subscriber=reader, papers=papers, heats=heats
    )
