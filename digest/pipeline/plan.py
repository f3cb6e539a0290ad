"""Planning: an edition for everybody who is due, queued for delivery; and the edition of a single reader."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from digest.db import Database, Transaction
from digest.models import DeliveryKind, Edition, Heat, NewDelivery, Paper, Sent, Shard, Status, Subscriber
from digest.models.arxiv_calendar import get_arxiv_day
from digest.models.channels import Channel, ChannelState
from digest.models.editions import NewsKind, PaperNews
from digest.models.schedule import (
    find_due_edition,
    find_following_slot,
    get_current_slot,
    get_local_day,
    get_send_offset,
    get_slot,
    is_due_on_confirming,
)
from digest.pipeline.day import DayContext, load_day
from digest.pipeline.edition_payload import (
    collect_heats,
    from_payload,
    get_heat_names,
    get_paper_ids,
    to_payload,
)
from digest.ranking.embeddings import EmbeddingModel

DIGEST_TTL = timedelta(hours=20)  # a digest that was not delivered by then is old news
NEWS_TTL = timedelta(days=30)  # older news of a paper are not told any more
MAX_NEWS = 5  # in one edition; the others wait for the next
CHUNK_SIZE = 500  # subscribers ranked in one matrix product and planned in one transaction
DRY_RUN_CHUNK_SIZE = 100_000  # a dry run does not advance anybody, so it must load everybody at once

EditionCallback = Callable[[Edition], object]  # called with each edition as it is planned


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """How many subscribers were due, and what became of them."""

    due: int = 0
    planned: int = 0
    quiet: int = 0  # due, but nothing new that they would want
    missed: int = 0  # due so long ago that the next edition is nearer
    stopped: str = ""  # why nothing was planned at all

    def __add__(self, other: "PlanResult") -> "PlanResult":
        """Return the numbers of both plannings, and what the later one says."""
        return PlanResult(
            due=self.due + other.due,
            planned=self.planned + other.planned,
            quiet=self.quiet + other.quiet,
            missed=self.missed + other.missed,
            stopped=other.stopped,
        )


def plan_editions(  # noqa: PLR0913  one day's planning, each choice by its name
    store: Database,
    now: datetime,
    *,
    embedding_model: EmbeddingModel | None = None,
    spread_over: timedelta = timedelta(0),
    to_channels: bool = False,
    on_edition: EditionCallback | None = None,
    dry_run: bool = False,
    due_now: bool = False,
    shard: Shard | None = None,
    day: DayContext | None = None,
) -> PlanResult:
    """Queue an edition for everybody who is due. Planning the same day again changes nothing.

    Args:
        store: The database.
        now: The time of the run.
        embedding_model: What compares texts by meaning; None: by words only.
        spread_over: Each reader's mail waits for a part of this time, always the same.
        to_channels: Editions also go to the channels of their readers.
        on_edition: Called with each edition.
        dry_run: Only call `on_edition`; queue nothing and advance nobody.
        due_now: Today's editions are due at once, whatever the time; whoever has got one gets no other.
        shard: Plan for these subscribers only.
        day: The day's context, if it was loaded before.

    """
    if due_now:
        _make_due(store, now)
    with store.begin(write=False) as tx:
        stopped, someone = get_stop_reason(tx, now), tx.subscribers.list_due(now, 1, shard=shard)
    if stopped or not someone:
        return PlanResult(stopped=stopped)
    day = day or load_day(store, now, embedding_model=embedding_model)
    total = PlanResult()
    while True:
        with store.begin(write=False) as tx:
            due = tx.subscribers.list_due(now, DRY_RUN_CHUNK_SIZE if dry_run else CHUNK_SIZE, shard=shard)
        result, editions = _build_chunk(day, due, save_vectors=not dry_run, due_now=due_now)
        if not dry_run:
            _queue(store, due, editions, now, spread_over=spread_over, to_channels=to_channels)
        if on_edition:
            for edition in editions:
                on_edition(edition)
        total = _add(total, result)
        if dry_run or result.due < CHUNK_SIZE:
            return total


def get_stop_reason(tx: Transaction, now: datetime) -> str:
    """Return why nothing may be planned now: sending is paused, or today's edition is held. Empty: it may."""
    held = (hold.reason for hold in tx.sources.list_held(str(get_arxiv_day(now))))
    return tx.meta.pause_reason or next(held, "")


def build_delivery_key(subscriber_id: int, day: date) -> str:
    """Return the unique key of a digest: one per subscriber and local day."""
    return f"digest/{subscriber_id}/{day}"


def select_sendable(edition: Edition) -> Edition | None:
    """Return the edition if one of its papers is new to the reader.

    Otherwise return it without picks if the reader wants a note on an empty day, else None.
    """
    cursor = edition.subscriber.cursor
    if any(cursor is None or _is_seen_since(pick.paper, cursor) for pick in edition.picks):
        return edition
    return replace(edition, picks=()) if edition.subscriber.preferences.empty_day_note else None


def add_news(edition: Edition, untold: Sequence[PaperNews]) -> Edition:
    """Return the edition with the news that matter most, unless its reader wants none."""
    if not untold or not edition.picks or not edition.subscriber.preferences.news:
        return edition
    order = tuple(NewsKind)
    news = sorted(untold, key=lambda item: order.index(item.kind))
    return replace(edition, news=tuple(news[:MAX_NEWS]))


def build_upcoming_edition(
    store: Database, reader: Subscriber, now: datetime, *, embedding_model: EmbeddingModel | None = None
) -> Edition:
    """Return the edition planned for the current slot, else the one the reader would get next."""
    slot = get_current_slot(reader.schedule, now)
    planned = load_planned_edition(store, reader, get_local_day(reader.schedule, slot))
    if planned is not None:
        return planned
    day = load_day(store, now, embedding_model=embedding_model)
    with store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber([reader.id], since=day.sent_since)
        untold = tx.news.list_untold([reader.id], since=now - NEWS_TTL)
    edition, _ = next(day.build_editions([(reader, slot)], sent))
    edition = add_news(edition, untold.get(reader.id, ()))
    # By way of the stored form, so that a preview equals the mail to the last byte.
    return from_payload(
        to_payload(edition),
        day=edition.day,
        slot=edition.slot,
        subscriber=reader,
        papers={pick.paper.id: pick.paper for pick in edition.picks},
        heats=collect_heats([edition]),
    )


def load_planned_edition(store: Database, reader: Subscriber, day: date) -> Edition | None:
    """Return the edition that was planned for a reader's local day; None if there is none."""
    with store.begin(write=False) as tx:
        delivery = tx.deliveries.find_by_key(build_delivery_key(reader.id, day))
        if delivery is None or not delivery.payload:
            return None
        ids = get_paper_ids(delivery.payload)
        papers = tx.papers.get_by_ids(ids)
        if delivery.accepted_at:  # as it was sent, even if its papers were revised since
            papers |= tx.paper_history.get_as_of(ids, delivery.accepted_at)
        heats = tx.heats.get(get_heat_names(delivery.payload))
    return from_payload(
        delivery.payload, day=day, slot=delivery.slot, subscriber=reader, papers=papers, heats=heats
    )


def _make_due(store: Database, now: datetime) -> None:
    """Make everybody due now whose schedule has an edition today and who has not got it."""
    last_id = 0
    while True:
        with store.begin() as tx:
            readers = tx.subscribers.list_after(last_id, status=Status.CONFIRMED)
            tx.subscribers.set_next_due(
                {reader.id: now for reader in readers if _has_edition_to_come(tx, reader, now)}
            )
        if not readers:
            return
        last_id = readers[-1].id


def _has_edition_to_come(tx: Transaction, reader: Subscriber, now: datetime) -> bool:
    today = get_local_day(reader.schedule, now)
    if get_slot(reader.schedule, today) is None:
        return False
    return tx.deliveries.find_by_key(build_delivery_key(reader.id, today)) is None


def _build_chunk(
    day: DayContext, due: Sequence[Subscriber], *, save_vectors: bool, due_now: bool
) -> tuple[PlanResult, list[Edition]]:
    """Build the editions of one chunk of subscribers: the counts, and the editions worth sending."""
    readers = [reader.id for reader in due]
    with day.store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber(readers, since=day.sent_since)
        untold = tx.news.list_untold(readers, since=day.now - NEWS_TTL)
    if due_now:
        slots = [(reader, day.now) for reader in due]
    else:
        slots = [(reader, found.slot) for reader in due if (found := find_due_edition(reader, day.now))]
    editions = [edition for edition, _ in day.build_editions(slots, sent, save_vectors=save_vectors)]
    sendable = [
        add_news(selected, untold.get(selected.subscriber.id, ()))
        for edition in editions
        if (selected := select_sendable(edition))
    ]
    quiet, missed = len(editions) - len(sendable), len(due) - len(slots)
    return PlanResult(due=len(due), planned=len(sendable), quiet=quiet, missed=missed), sendable


def _queue(  # noqa: PLR0913  one day's planning, each choice by its name
    store: Database,
    due: Sequence[Subscriber],
    editions: Sequence[Edition],
    now: datetime,
    *,
    spread_over: timedelta,
    to_channels: bool,
) -> None:
    """Store the editions, everybody's next slot and cursor in one transaction."""
    with store.begin() as tx:  # apart and first: planners share these rows, and none shall wait for another
        tx.heats.save(collect_heats(editions), now=now)
    with store.begin() as tx:
        readers = [edition.subscriber.id for edition in editions]
        channels = tx.channels.list_by_subscriber(readers) if to_channels else {}
        deliveries = (
            delivery
            for edition in editions
            for delivery in _to_deliveries(edition, spread_over, channels.get(edition.subscriber.id, ()))
        )
        tx.deliveries.enqueue([*deliveries], now=now)
        slots = {reader.id: find_following_slot(reader, now) for reader in due}
        tx.subscribers.advance_next_due(slots, now=now)
        tx.subscribers.set_cursors({edition.subscriber.id: now for edition in editions})
    if editions:
        with store.begin() as tx:  # apart and last: planners share these rows too
            picks = sum(len(edition.picks) for edition in editions)
            tx.statistics.add_planned(now.date(), editions=len(editions), picks=picks)


def _to_deliveries(
    edition: Edition, spread_over: timedelta, channels: Sequence[Channel]
) -> Iterator[NewDelivery]:
    """Yield the messages of one edition: by mail unless the reader wants none, and one for each channel.

    The first has the key of the edition and its papers; a note on an empty day goes by mail only.
    """
    first = _to_delivery(edition, spread_over)
    used = [channel for channel in channels if channel.state is ChannelState.ACTIVE and edition.picks]
    if edition.subscriber.preferences.by_mail or not used:
        yield first
    else:
        yield replace(first, address=used[0].destination, channel_id=used[0].id)
        del used[0]
    for channel in used:
        key = f"{first.key}/{channel.public_id}"
        yield replace(first, key=key, address=channel.destination, channel_id=channel.id, papers={}, news=())


def _to_delivery(edition: Edition, spread_over: timedelta) -> NewDelivery:
    reader = edition.subscriber
    if is_due_on_confirming(reader):
        spread_over = timedelta(0)  # somebody is waiting for it
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=build_delivery_key(reader.id, edition.day),
        subscriber_id=reader.id,
        address=reader.address,
        day=edition.day,
        slot=edition.slot,
        not_before=edition.slot + get_send_offset(reader.public_id, spread_over=spread_over),
        not_after=edition.slot + DIGEST_TTL,
        payload=to_payload(edition),
        papers={pick.paper.id: _to_sent(edition.day, pick.heat) for pick in edition.picks},
        news=tuple(item.id for item in edition.news),
    )


@lru_cache(maxsize=16_384)  # thousands of readers get the same paper on the same day
def _to_sent(day: date, heat: Heat) -> Sent:
    resent = heat.broke_out_from is not None
    return Sent(day=day, expected=heat.expected, votes=heat.votes, resent=resent)


def _add(one: PlanResult, other: PlanResult) -> PlanResult:
    return PlanResult(
        due=one.due + other.due,
        planned=one.planned + other.planned,
        quiet=one.quiet + other.quiet,
        missed=one.missed + other.missed,
    )


def _is_seen_since(paper: Paper, cursor: datetime) -> bool:
    return paper.first_seen is None or paper.first_seen > cursor
