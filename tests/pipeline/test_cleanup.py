"""Once a day the house forgets what it has no reason to keep."""

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from digest import subscribers
from digest.db import Database
from digest.db.tables import DELIVERY
from digest.models import DeliveryKind, FetchResult, NewDelivery, Sent, Subscriber
from digest.pipeline.cleanup import PARTS, RECORDS, Tidied, tidy
from digest.subscribers import Actor
from tests.factories import NOW, paper, signal

LONG_AGO = NOW - timedelta(days=70)


def test_old_readings_and_the_unanswered_go_once_a_day(any_store: Database) -> None:
    old = paper()
    reading = FetchResult(source="arxiv", scope="cs", read_at=NOW - timedelta(days=401))
    with any_store.begin() as tx:
        tx.papers.add([old], seen_at=LONG_AGO)
        tx.signals.observe(signal(old, minute, hours_ago=70 * 24 - minute / 60) for minute in range(60))
        tx.sources.record(reading)
        tx.sources.record(replace(reading, read_at=NOW))
        for name in ("ada", "bo"):
            subscribers.sign_up(tx, f"{name}@example.com", by=Actor("reader", LONG_AGO))
    assert tidy(any_store, NOW) == Tidied(signals=58, readings=1, unanswered=2)
    assert tidy(any_store, NOW) is None
    assert tidy(any_store, NOW + timedelta(days=1)) == Tidied()


def test_old_mail_is_emptied_and_forgotten_only_when_none_of_it_can_come_again(any_store: Database) -> None:
    old, late = paper("Old Sheep"), paper("Late Sheep", authors=("Bo",))
    ago = NOW - timedelta(days=450)
    by = Actor("test", ago, b"pepper")
    with any_store.begin() as tx:
        reader = subscribers.enrol(tx, "ada@example.com", {}, has_consented=True, by=by)
        for one, seen in ((old, ago), (late, NOW - timedelta(days=390))):
            tx.papers.add([one], seen_at=seen)
            tx.deliveries.plan([_mail(reader, one.id, seen)], now=seen)
        tx.past.keep([old], until=ago)
        tx.heats.keep({"old": "{}"}, now=ago)
        tx.heats.keep({"late": "{}"}, now=NOW - timedelta(days=390))
        tx.connection.execute(sa.update(DELIVERY).values(state="accepted", finished_at=DELIVERY.c.slot))
    told = [done for day in range(PARTS) if (done := tidy(any_store, NOW + timedelta(days=day / 4)))]
    assert [sum(getattr(done, name) for done in told) for name in ("mails", "past", "heats")] == [1, 1, 1]
    with any_store.begin(write=False) as tx:
        newest, oldest = tx.deliveries.history(reader.id)
        assert (oldest.address, oldest.payload) == ("", {})
        assert newest.payload["papers"] == [late.id]
        assert oldest.key == f"digest/{reader.id}/{ago.date()}"


@given(known=st.integers(0, 500), listed=st.integers(0, 8))
def test_what_was_forgotten_is_never_a_candidate(store: Database, known: int, listed: int) -> None:
    seen = NOW - timedelta(days=known)
    one = replace(paper(), listed=(NOW - timedelta(days=listed)).date())
    with store.begin(keep=False) as tx:
        by = Actor("test", seen, b"pepper")
        reader = subscribers.enrol(tx, "ada@example.com", {}, has_consented=True, by=by)
        tx.papers.add([one], seen_at=seen)
        tx.deliveries.plan([_mail(reader, one.id, seen)], now=seen)
        tx.sent.forget([reader.id], (NOW - RECORDS).date())
        was_sent = one.id in tx.sent.of([reader.id])[reader.id]
        is_candidate = one.id in {each.id for each in tx.papers.pool(NOW - timedelta(days=7), NOW)}
    assert was_sent or not is_candidate


def _mail(reader: Subscriber, paper_id: str, at: datetime) -> NewDelivery:
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{reader.id}/{at.date()}",
        subscriber_id=reader.id,
        address=reader.address,
        day=at.date(),
        slot=at,
        not_before=at,
        not_after=at + timedelta(hours=20),
        payload={"papers": [paper_id]},
        papers={paper_id: Sent(day=at.date())},
    )
