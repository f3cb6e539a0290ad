"""Papers sent to each subscriber, and their release when a delivery fails."""

from dataclasses import replace
from datetime import date, timedelta

import sqlalchemy as sa

from digest.db import Database
from digest.db.papers.aliases import find_numbers
from digest.db.tables import DELIVERY
from digest.models import DeliveryKind, DeliveryState, NewDelivery, Sent
from tests.delivery.harness import DeliveryHarness, finish_all
from tests.factories import NOW, make_paper

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


def test_a_paper_that_is_merged_or_renamed_was_sent(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    ada, bo = harness.add_reader(), harness.add_reader("bo@example.com")
    article = replace(make_paper("Sheep of the Journal"), id="doi:10.1000/sheep")
    preprint, renamed = make_paper("Sheep of the Preprint"), replace(make_paper(), id="openreview:Abc123")
    with any_store.begin() as tx:
        tx.papers.add([article, preprint, renamed], seen_at=NOW)
    harness.queue_digest(ada, papers=[article.id, renamed.id])
    harness.queue_digest(bo, papers=[preprint.id])

    better = replace(make_paper(), title=renamed.title, aliases=(renamed.id,))
    with any_store.begin() as tx:
        tx.papers.add([replace(preprint, aliases=(article.id,)), better], seen_at=NOW)
        newcomer = make_paper("Sheep That Nobody Was Sent", authors=("Cy",))
        tx.papers.add([newcomer], seen_at=NOW)

        sent = tx.sent_papers.get_by_subscriber([ada.id, bo.id])
        assert {reader: set(papers) for reader, papers in sent.items()} == {
            ada.id: {preprint.id, better.id},
            bo.id: {preprint.id},
        }
        numbers = find_numbers(tx.connection, [preprint.id, newcomer.id])
        assert {*tx.sent_papers.find_deliveries({*numbers.values()})} == {numbers[preprint.id]}
        tx.papers.add([replace(preprint, withdrawn=True)], seen_at=NOW)
        assert {*tx.news.list_untold([ada.id, bo.id], since=NOW)} == {ada.id, bo.id}


def test_what_an_erased_subscriber_was_sent_is_gone(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    ada = harness.add_reader()
    harness.queue_digest(ada, papers=["arxiv:1"])
    with any_store.begin() as tx:
        tx.subscribers.erase(ada.id, now=NOW)
        assert tx.connection.scalars(sa.select(DELIVERY.c.papers)).all() == [None]


def test_a_paper_counts_from_its_last_day_with_unknown_votes_and_as_sent_again(any_store: Database) -> None:
    harness, tomorrow = DeliveryHarness(any_store), TODAY + timedelta(days=1)
    ada, paper = harness.add_reader(), make_paper()
    again = Sent(day=tomorrow, expected=1.5, votes=None, resent=True)
    with any_store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
        for sent in (Sent(day=TODAY, expected=0.5, votes=2.0), again):
            digest = NewDelivery(
                kind=DeliveryKind.DIGEST,
                key=f"digest/{sent.day}/{ada.id}",
                subscriber_id=ada.id,
                address=ada.address,
                day=sent.day,
                slot=NOW + (sent.day - TODAY),
                not_before=NOW,
                not_after=NOW + timedelta(days=2),
                papers={paper.id: sent},
            )
            tx.deliveries.enqueue([digest], now=NOW)

        for papers in (None, [], [paper.id]):
            found = tx.sent_papers.get_by_subscriber([ada.id], papers=papers)
            assert found == {ada.id: {paper.id: again}}


def test_of_the_sent_papers_only_those_that_matter_for_some_papers_are_returned(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    ada = harness.add_reader()
    harness.queue_digest(ada, day=TODAY, papers=["arxiv:1", "arxiv:2"])
    harness.queue_digest(ada, day=TODAY + timedelta(days=1), papers=["arxiv:3", "arxiv:4"])
    with any_store.begin(write=False) as tx:
        everything = tx.sent_papers.get_by_subscriber([ada.id])[ada.id]
        of_two = tx.sent_papers.get_by_subscriber([ada.id], papers=["arxiv:2", "arxiv:9"])[ada.id]
    assert of_two == {"arxiv:2": everything["arxiv:2"]}
