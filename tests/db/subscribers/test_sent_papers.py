"""What each reader was sent is remembered, unless it did not go out after all."""

from datetime import date

from digest.db import Database
from digest.models import DeliveryState, Sent
from tests.delivery.harness import Post, end_all
from tests.factories import NOW

TODAY = NOW.date()


def test_papers_are_remembered_until_the_mail_fails(any_store: Database) -> None:
    post = Post(any_store)
    ada, bo = post.reader(), post.reader("bo@example.com")
    post.digest(ada, papers=["arxiv:1", "arxiv:2"])
    with any_store.begin(write=False) as tx:
        memory = tx.sent.of([ada.id, bo.id])
    sent = Sent(day=TODAY, expected=5.0, votes=3.0)
    assert memory == {ada.id: {"arxiv:1": sent, "arxiv:2": sent}, bo.id: {}}
    end_all(any_store, DeliveryState.REJECTED)
    with any_store.begin(write=False) as tx:
        assert tx.sent.of([ada.id]) == {ada.id: {}}


def test_papers_of_an_accepted_or_doubtful_mail_stay_remembered(any_store: Database) -> None:
    post = Post(any_store)
    ada = post.reader()
    for day, state in ((TODAY, DeliveryState.ACCEPTED), (date(2026, 11, 24), DeliveryState.UNCERTAIN)):
        post.digest(ada, day=day, papers=[f"arxiv:{day.day}"])
        end_all(any_store, state)
    with any_store.begin(write=False) as tx:
        assert set(tx.sent.of([ada.id])[ada.id]) == {"arxiv:23", "arxiv:24"}
