"""Planning: an edition for everybody who is due, queued for delivery; and the edition of a single reader."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from digest.db import Database, Transaction
from digest.models import DeliveryKind, Edition, NewDelivery, Sent, Shard, Status, Subscriber
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
from digest.pipeline.day import ChosenEditions, DayCache, DayContext, load_day, to_sent
from digest.pipeline.edition_payload import (
    NO_PICKS,
    PayloadWriter,
    complete_payload,
    load_edition,
    read_rows,
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
    day_cache: DayCache | None = None,
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
        day_cache: Keeps what does not change until the next time.
    """
    if due_now:
        _make_due(store, now)
    with store.begin(write=False) as tx:
        stopped, someone = get_stop_reason(tx, now), tx.subscribers.list_due(now, 1, shard=shard)
    if stopped or not someone:
        return PlanResult(stopped=stopped)
    day = day or load_day(store, now, embedding_model=embedding_model, day_cache=day_cache)
    writer = PayloadWriter(day.candidates.papers, day.candidate_arrays.heats)
    total = PlanResult()
    while True:
        with store.begin(write=False) as tx:
            due = tx.subscribers.list_due(now, DRY_RUN_CHUNK_SIZE if dry_run else CHUNK_SIZE, shard=shard)
        editions, missed = _plan_chunk(day, due, writer, save_vectors=not dry_run, due_now=due_now)
        if not dry_run:
            heats = writer.take_heats()
            _queue(store, due, editions, heats, now, spread_over=spread_over, to_channels=to_channels)
        if on_edition:
            for edition in editions:
                on_edition(edition.build())
        planned = len(editions)
        del editions  # with the tables of these readers, before those of the next
        total += PlanResult(due=len(due), planned=planned, quiet=len(due) - missed - planned, missed=missed)
        if dry_run or len(due) < CHUNK_SIZE:
            return total


def get_stop_reason(tx: Transaction, now: datetime) -> str:
    """Return why nothing may be planned now: sending is paused, or today's edition is held. Empty: it may."""
    held = (hold.reason for hold in tx.sources.list_held(str(get_arxiv_day(now))))
    return tx.meta.pause_reason or next(held, "")


def build_delivery_key(subscriber_id: int, day: date) -> str:
    """Return the unique key of a digest: one per subscriber and local day."""
    return f"digest/{day}/{subscriber_id}"  # the keys of a day are neighbours in the index


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
    writer = PayloadWriter(day.candidates.papers, day.candidate_arrays.heats)
    [chosen] = day.choose_editions([(reader, slot)], sent)
    [columns] = writer.write(chosen.selections)
    news = _choose_news(reader, columns, untold.get(reader.id, ()))
    # By way of the stored form, so that a preview equals the mail to the last byte.
    return read_rows(
        complete_payload(columns, chosen.notes[0], news),
        day=chosen.states[0].day,
        slot=slot,
        subscriber=reader,
        papers={paper.id: paper for paper in day.candidates.papers},
        heats=writer.take_heats(),
    ).to_edition()


def load_planned_edition(store: Database, reader: Subscriber, day: date) -> Edition | None:
    """Return the edition that was planned for a reader's local day; None if there is none."""
    with store.begin(write=False) as tx:
        delivery = tx.deliveries.find_by_key(build_delivery_key(reader.id, day))
        return load_edition(tx, delivery, reader) if delivery and delivery.payload else None


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


@dataclass(frozen=True, slots=True)
class _PlannedEdition:
    """An edition worth sending, as columns of its payload."""

    chosen: ChosenEditions
    row: int  # in *chosen*
    columns: Mapping[str, Any]
    papers: Mapping[str, Sent]
    news: Sequence[PaperNews]

    @property
    def reader(self) -> Subscriber:
        return self.chosen.readers[self.row][0]

    def build(self) -> Edition:
        edition = self.chosen.build_edition(self.row)
        return replace(edition, picks=edition.picks if self.papers else (), news=tuple(self.news))


def _plan_chunk(
    day: DayContext, due: Sequence[Subscriber], writer: PayloadWriter, *, save_vectors: bool, due_now: bool
) -> tuple[list[_PlannedEdition], int]:
    """Return the editions worth sending to a chunk of subscribers, and how many missed theirs.

    An edition is worth sending if one of its papers is new to the reader. Otherwise it goes without papers if
    the reader wants a note on an empty day.
    """
    readers = [reader.id for reader in due]
    with day.store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber(
            readers, since=day.sent_since, papers=day.candidate_arrays.index_by_id
        )
        untold = tx.news.list_untold(readers, since=day.now - NEWS_TTL)
    if due_now:
        slots = [(reader, day.now) for reader in due]
    else:
        slots = [(reader, found.slot) for reader in due if (found := find_due_edition(reader, day.now))]
    planned = []
    for chosen in day.choose_editions(slots, sent, save_vectors=save_vectors):
        has_new = chosen.selections.has_new().tolist()
        for row, columns in enumerate(writer.write(chosen.selections)):
            reader = chosen.readers[row][0]
            if has_new[row]:
                papers = _collect_sent(chosen, row, columns, day.list_sent(chosen.states[row].day))
                news = _choose_news(reader, columns, untold.get(reader.id, ()))
                planned.append(_PlannedEdition(chosen, row, columns, papers, news))
            elif reader.preferences.empty_day_note:
                planned.append(_PlannedEdition(chosen, row, NO_PICKS, {}, ()))
    return planned, len(due) - len(slots)


def _choose_news(
    reader: Subscriber, columns: Mapping[str, Any], untold: Sequence[PaperNews]
) -> Sequence[PaperNews]:
    """Return the news that matter most, unless the reader wants none or gets no papers."""
    if not untold or not columns["papers"] or not reader.preferences.news:
        return ()
    order = tuple(NewsKind)
    return sorted(untold, key=lambda item: order.index(item.kind))[:MAX_NEWS]


def _collect_sent(
    chosen: ChosenEditions, row: int, columns: Mapping[str, Any], records: Sequence[Sent]
) -> dict[str, Sent]:
    """Return what is remembered of each paper of an edition, by id; *records* has it for all candidates."""
    selections, day = chosen.selections, chosen.states[row].day
    indices = selections.indices[selections.starts[row] : selections.starts[row + 1]].tolist()
    papers = dict(zip(columns["papers"], map(records.__getitem__, indices), strict=True))
    again = selections.breakouts[row]
    return papers | {name: to_sent(day, again[name]) for name in again.keys() & papers.keys()}


def _queue(  # noqa: PLR0913  one day's planning, each choice by its name
    store: Database,
    due: Sequence[Subscriber],
    editions: Sequence[_PlannedEdition],
    heats: Mapping[str, str],
    now: datetime,
    *,
    spread_over: timedelta,
    to_channels: bool,
) -> None:
    """Store the editions, everybody's next slot and cursor in one transaction."""
    if heats:
        with store.begin() as tx:  # apart: planners share these rows, and none shall wait long for another
            tx.heats.save(heats, now=now)
    with store.begin() as tx:
        readers = [edition.reader.id for edition in editions]
        channels = tx.channels.list_by_subscriber(readers) if to_channels else {}
        deliveries = [
            delivery
            for edition in editions
            for delivery in _to_deliveries(edition, spread_over, channels.get(edition.reader.id, ()))
        ]
        tx.deliveries.enqueue(deliveries, now=now)
        slots = {reader.id: find_following_slot(reader, now) for reader in due}
        tx.subscribers.advance_next_due(slots, now=now)
        tx.subscribers.set_cursors(dict.fromkeys(readers, now))
        if editions:  # last: planners share these rows too
            picks = sum(len(edition.papers) for edition in editions)
            tx.statistics.add_planned(now.date(), editions=len(editions), picks=picks)


def _to_deliveries(
    edition: _PlannedEdition, spread_over: timedelta, channels: Sequence[Channel]
) -> Iterator[NewDelivery]:
    """Yield the messages of one edition: by mail unless the reader wants none, and one for each channel.

    The first has the key of the edition and tells its news; a note on an empty day goes by mail only.
    """
    first = _to_delivery(edition, spread_over)
    used = [channel for channel in channels if channel.state is ChannelState.ACTIVE and edition.papers]
    if edition.reader.preferences.by_mail or not used:
        yield first
    else:
        yield replace(first, address=used[0].destination, channel_id=used[0].id)
        del used[0]
    for channel in used:
        key = f"{first.key}/{channel.public_id}"
        yield replace(first, key=key, address=channel.destination, channel_id=channel.id, news=())


def _to_delivery(edition: _PlannedEdition, spread_over: timedelta) -> NewDelivery:
    chosen, row = edition.chosen, edition.row
    (reader, slot), day = chosen.readers[row], chosen.states[row].day
    if is_due_on_confirming(reader):
        spread_over = timedelta(0)  # somebody is waiting for it
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=build_delivery_key(reader.id, day),
        subscriber_id=reader.id,
        address=reader.address,
        day=day,
        slot=slot,
        not_before=slot + get_send_offset(reader.public_id, spread_over=spread_over),
        not_after=slot + DIGEST_TTL,
        payload=complete_payload(edition.columns, chosen.notes[row], edition.news),
        papers=edition.papers,
        news=tuple(item.id for item in edition.news),
    )
