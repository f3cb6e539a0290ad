"""Tests of the daily deletion of old data."""

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from digest import subscribers
from digest.db import Database
from digest.db.tables import DELIVERY, HEAT, PAPER_NEWS, PAPER_PAST, READING, SIGNAL, SUBSCRIBER
from digest.models import DeliveryKind, FetchResult, NewDelivery, Sent, Status, Subscriber
from digest.models.papers import clean_paper
from digest.pipeline.cleanup import RECORDS_TTL, delete_expired
from digest.subscribers import Actor
from tests.factories import NOW, make_paper, make_signal, store_subscriber

LONG_AGO = NOW - timedelta(days=70)


def test_cleanup_deletes_old_results_and_unconfirmed_subscribers_once_a_day(any_store: Database) -> None:
    old_paper = make_paper()
    result = FetchResult(source="arxiv", scope="cs", read_at=NOW - timedelta(days=401))
    with any_store.begin() as tx:
        tx.papers.add([old_paper], seen_at=LONG_AGO)
        tx.signals.add(
            make_signal(old_paper, minute, hours_ago=70 * 24 - minute / 60) for minute in range(60)
        )
        tx.sources.record(result)
        tx.sources.record(replace(result, read_at=NOW))
        for name in ("ada", "bo"):
            subscribers.sign_up(tx, f"{name}@example.com", actor=Actor("reader", LONG_AGO))
    delete_expired(any_store, NOW)
    assert count_rows(any_store, SIGNAL, READING, SUBSCRIBER) == [2, 1, 0]
    with any_store.begin() as tx:
        tx.sources.record(result)
    delete_expired(any_store, NOW)
    assert count_rows(any_store, SIGNAL, READING) == [2, 2]
    delete_expired(any_store, NOW + timedelta(days=1))
    assert count_rows(any_store, SIGNAL, READING) == [2, 1]


def test_cleanup_cleans_papers_that_were_stored_with_control_and_bidi_characters(
    any_store: Database,
) -> None:
    dirty = replace(
        make_paper(first_seen=NOW),
        title="Sheep \x1b[31mcounting\u202e now",
        authors=("Ada\x07 Loveless", "\u200b"),
        url="https://example.org/\u202egpj",
        abstract="Quok\u200bkas rest.",
        summary="A\x9bline",
    )
    others = [make_paper(f"Teapots {number}", first_seen=NOW) for number in range(3)]
    with any_store.begin() as tx:
        tx.papers.add([dirty, *others], seen_at=NOW)
    delete_expired(any_store, NOW)
    with any_store.begin(write=False) as tx:
        stored = tx.papers.get_by_ids([dirty.id, *(paper.id for paper in others)])
        assert [paper.id for paper in tx.papers.search("quokkas")] == [dirty.id]
    cleaned = stored.pop(dirty.id)
    assert cleaned == clean_paper(dirty)
    assert (cleaned.title, cleaned.authors) == ("Sheep [31mcounting now", ("Ada Loveless",))
    assert (cleaned.url, cleaned.summary) == ("https://example.org/%E2%80%AEgpj", "A line")
    assert [*stored.values()] == others
    with any_store.begin() as tx:  # the next night does not look again
        tx.papers.add([replace(others[0], title="Tea\x07", version=9)], seen_at=NOW)
    delete_expired(any_store, NOW + timedelta(days=1))
    with any_store.begin(write=False) as tx:
        assert tx.papers.get_by_ids([others[0].id])[others[0].id].title == "Tea\x07"


def test_cleanup_empties_old_deliveries_only_when_their_papers_cannot_be_sent_again(
    any_store: Database,
) -> None:
    old_paper, late_paper = make_paper("Old Sheep"), make_paper("Late Sheep", authors=("Bo",))
    long_ago = NOW - timedelta(days=450)
    actor = Actor("test", long_ago, b"pepper")
    with any_store.begin() as tx:
        reader = subscribers.add_subscriber(tx, "ada@example.com", {}, has_consented=True, actor=actor)
        for paper, seen in ((old_paper, long_ago), (late_paper, NOW - timedelta(days=390))):
            tx.papers.add([paper], seen_at=seen)
            tx.deliveries.enqueue([make_delivery(reader, paper.id, seen)], now=seen)
        tx.paper_history.save([old_paper], until=long_ago)
        tx.heats.save({"old": "{}"}, now=long_ago)
        tx.heats.save({"late": "{}"}, now=NOW - timedelta(days=390))
        tx.connection.execute(sa.update(DELIVERY).values(state="accepted", finished_at=DELIVERY.c.slot))
    for day in range(8):
        delete_expired(any_store, NOW + timedelta(days=day / 4))
    assert count_rows(any_store, PAPER_PAST, HEAT) == [0, 1]
    with any_store.begin(write=False) as tx:
        newest, oldest = tx.deliveries.list_by_subscriber(reader.id)
        assert (oldest.address, oldest.payload) == ("", {})
        assert newest.payload["papers"] == [late_paper.id]
        assert oldest.key == f"digest/{long_ago.date()}/{reader.id}"


def test_cleanup_deletes_news_that_nobody_is_told_any_more(store: Database) -> None:
    paper = make_paper()
    with store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
        reader = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        tx.saved_papers.add(reader.id, paper, now=NOW)
        tx.papers.add([replace(paper, withdrawn=True)], seen_at=NOW)
    delete_expired(store, NOW + timedelta(days=90))
    assert count_rows(store, PAPER_NEWS) == [1]
    delete_expired(store, NOW + timedelta(days=91))
    assert count_rows(store, PAPER_NEWS) == [0]


@given(first_seen_days_ago=st.integers(0, 500), listed_days_ago=st.integers(0, 8))
def test_no_candidate_loses_the_record_that_it_was_sent(
    store: Database, first_seen_days_ago: int, listed_days_ago: int
) -> None:
    seen = NOW - timedelta(days=first_seen_days_ago)
    paper = replace(make_paper(), listed=(NOW - timedelta(days=listed_days_ago)).date())
    with store.begin(commit=False) as tx:
        actor = Actor("test", seen, b"pepper")
        reader = subscribers.add_subscriber(tx, "ada@example.com", {}, has_consented=True, actor=actor)
        tx.papers.add([paper], seen_at=seen)
        tx.deliveries.enqueue([make_delivery(reader, paper.id, seen)], now=seen)
        tx.connection.execute(sa.update(DELIVERY).values(state="accepted", finished_at=DELIVERY.c.slot))
        tx.deliveries.anonymize(seen, NOW - RECORDS_TTL)
        was_sent = paper.id in tx.sent_papers.get_by_subscriber([reader.id])[reader.id]
        is_candidate = paper.id in {
            candidate.id for candidate in tx.papers.list_candidates(NOW - timedelta(days=7), NOW)
        }
    assert was_sent or not is_candidate


def count_rows(store: Database, *tables: sa.Table) -> list[int]:
    with store.begin(write=False) as tx:
        counts = [tx.connection.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables]
    return [int(count or 0) for count in counts]


def make_delivery(reader: Subscriber, paper_id: str, at: datetime) -> NewDelivery:
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{at.date()}/{reader.id}",
        subscriber_id=reader.id,
        address=reader.address,
        day=at.date(),
        slot=at,
        not_before=at,
        not_after=at + timedelta(hours=20),
        payload={"papers": [paper_id]},
        papers={paper_id: Sent(day=at.date())},
    )
