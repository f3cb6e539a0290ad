"""Papers sent to each subscriber, and their release when a delivery fails."""

from datetime import date

from digest.db import Database
from digest.models import DeliveryState, Sent
from tests.delivery.harness import DeliveryHarness, finish_all
from tests.factories import NOW

TODAY = NOW.date()


def test_papers_are_stored_until_the_delivery_fails(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    ada, bo = harness.add_reader(), harness.add_reader("bo@example.com")
    harness.queue_digest(ada, papers=["arxiv:1", "arxiv:2"])
    with any_store.begin(write=False) as tx:
        stored = tx.sent_papers.get_by_subscriber([ada.id, bo.id])
    sent = Sent(day=TODAY, expected=5.0, votes=3.0)
    assert stored == {ada.id: {"arxiv:1": sent, "arxiv:2": sent}, bo.id: {}}
    harness.queue_digest(bo, papers=["arxiv:1"])
    finish_all(any_store, DeliveryState.REJECTED)  # both at once
    with any_store.begin(write=False) as tx:
        assert tx.sent_papers.get_by_subscriber([ada.id, bo.id]) == {ada.id: {}, bo.id: {}}


def test_papers_of_an_accepted_or_uncertain_delivery_stay_stored(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    ada = harness.add_reader()
    for day, state in ((TODAY, DeliveryState.ACCEPTED), (date(2026, 11, 24), DeliveryState.UNCERTAIN)):
        harness.queue_digest(ada, day=day, papers=[f"arxiv:{day.day}"])
        finish_all(any_store, state)
    with any_store.begin(write=False) as tx:
        assert set(tx.sent_papers.get_by_subscriber([ada.id])[ada.id]) == {"arxiv:23", "arxiv:24"}
        since = tx.sent_papers.get_by_subscriber([ada.id], since=date(2026, 11, 24))
    assert set(since[ada.id]) == {"arxiv:24"}
