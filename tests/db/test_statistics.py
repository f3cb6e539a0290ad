"""Tests of the figures by day: what is counted live equals what is stored once the day is over."""

from datetime import timedelta

import sqlalchemy as sa

from digest import subscribers
from digest.db import Database
from digest.db.statistics import COUNTED, EDITIONS, PICKS
from digest.db.tables import VOTE
from digest.models import BounceKind, BounceReport, DeliveryKind, Status
from digest.pipeline.cleanup import MAX_COUNTED_DAYS, record_statistics
from digest.subscribers import Actor
from tests.factories import NOW, store_subscriber

ONE_DAY = timedelta(days=1)


def test_a_day_is_counted_the_same_while_it_lasts_and_when_it_is_over(any_store: Database) -> None:
    actor = Actor("reader", NOW)
    with any_store.begin() as tx:
        ada = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        bob = store_subscriber(tx, "bob@example.com", status=Status.CONFIRMED, now=NOW)
        subscribers.unsubscribe(tx, bob.public_id, actor=actor)
        rows = [
            {"subscriber_id": ada.id, "at": NOW, "paper_id": paper, "verdict": verdict}
            for paper, verdict in (("arxiv:1", "more"), ("arxiv:2", "less"), ("arxiv:3", "save"))
        ]
        tx.connection.execute(sa.insert(VOTE), rows)
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, ada, "welcome/1", {"mail": "welcome"}, now=NOW)
        mail = tx.deliveries.list_by_subscriber(ada.id)[0]
        tx.deliveries.record_bounce(
            BounceReport(mail.public_id, BounceKind.SOFT, "4.2.2", "x"), now=NOW, suppression_key=b"k"
        )
        tx.statistics.add_planned(NOW.date(), editions=2, picks=5)
        tx.statistics.add_planned(NOW.date(), editions=1, picks=4)
        live = tx.statistics.count_between(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
    expected = {"unsubscribes": 1, "votes_more": 1, "votes_less": 1, "votes_save": 1, "bounced": 1}
    expected["confirmations"] = 2  # added with consent
    assert {name: count for name, count in live.items() if count} == expected
    assert record_statistics(any_store, NOW) == MAX_COUNTED_DAYS
    assert record_statistics(any_store, NOW) == 0
    assert record_statistics(any_store, NOW + ONE_DAY) == 1
    with any_store.begin(write=False) as tx:
        stored = tx.statistics.list_since(NOW.date())[NOW.date()]
        assert tx.statistics.find_last_day() == NOW.date()
    assert {name: stored[name] for name in COUNTED} == live
    assert (stored[EDITIONS], stored[PICKS]) == (3, 9)
    assert stored["subscribers_confirmed"] == 1
    assert stored["subscribers_unsubscribed"] == 1
