"""Once a day the house forgets what it has no reason to keep."""

from dataclasses import replace
from datetime import timedelta

from digest import subscriptions
from digest.housekeeping import Tidied, tidy
from digest.model import Reading
from digest.store import Store
from digest.subscriptions import By
from tests.house import NOW, paper, signal

LONG_AGO = NOW - timedelta(days=70)


def test_old_readings_and_the_unanswered_go_once_a_day(any_store: Store) -> None:
    old = paper()
    reading = Reading(source="arxiv", scope="cs", read_at=NOW - timedelta(days=401))
    with any_store.begin() as tx:
        tx.papers.add([old], seen_at=LONG_AGO)
        tx.signals.observe(signal(old, minute, hours_ago=70 * 24 - minute / 60) for minute in range(60))
        tx.sources.record(reading)
        tx.sources.record(replace(reading, read_at=NOW))
        for name in ("ada", "bo"):
            subscriptions.sign_up(tx, f"{name}@example.com", by=By("reader", LONG_AGO))
    assert tidy(any_store, NOW) == Tidied(signals=58, readings=1, unanswered=2)
    assert tidy(any_store, NOW) is None
    assert tidy(any_store, NOW + timedelta(days=1)) == Tidied()
