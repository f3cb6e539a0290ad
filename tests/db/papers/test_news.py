"""News are handed to those who know the paper, once, and told once."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.models import DeliveryKind, DeliveryState, NewDelivery, Subscriber
from digest.models.editions import NewsKind, PaperNews
from tests.delivery.harness import DeliveryHarness, finish_all
from tests.factories import NOW, make_paper

PAPER = make_paper(id="arxiv:2611.00042")
CODE = replace(PAPER, code_url="https://code.example.org")
LATER = NOW + timedelta(hours=1)


def _add(store: Database, *papers: object) -> None:
    with store.begin() as tx:
        tx.papers.add([*papers], seen_at=LATER)  # type: ignore[list-item]


def _list(store: Database, *readers: Subscriber) -> list[tuple[PaperNews, ...]]:
    with store.begin(write=False) as tx:
        untold = tx.news.list_untold([reader.id for reader in readers], since=NOW)
    return [untold.get(reader.id, ()) for reader in readers]


def test_news_reach_those_who_were_sent_or_saved_the_paper(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    sent, saver, both, stranger = (harness.add_reader(f"{name}@example.com") for name in "abcd")
    with any_store.begin() as tx:
        tx.papers.add([PAPER, make_paper()], seen_at=NOW)
        tx.saved_papers.add(saver.id, PAPER, now=NOW)
        tx.saved_papers.add(both.id, PAPER, now=NOW)
    harness.queue_digest(sent, papers=[PAPER.id])
    harness.queue_digest(both, papers=[PAPER.id])

    _add(any_store, CODE)
    _add(any_store, CODE)

    *told, none = _list(any_store, sent, saver, both, stranger)
    assert [[news.kind for news in untold] for untold in told] == [[NewsKind.CODE]] * 3
    assert none == ()


def test_who_saves_a_paper_later_gets_no_old_news(any_store: Database) -> None:
    ada = DeliveryHarness(any_store).add_reader()
    _add(any_store, PAPER)
    _add(any_store, CODE)
    with any_store.begin() as tx:
        tx.saved_papers.add(ada.id, CODE, now=NOW)

    _add(any_store, replace(CODE, withdrawn=True))

    assert [[news.kind for news in untold] for untold in _list(any_store, ada)] == [[NewsKind.WITHDRAWN]]


def _queue_telling(store: Database, reader: Subscriber, news_id: int, *, key: str = "") -> None:
    digest = NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=key or f"digest/{NOW.date()}/{reader.id}",
        subscriber_id=reader.id,
        address=reader.address,
        day=NOW.date(),
        slot=NOW,
        not_before=NOW,
        not_after=NOW + timedelta(hours=1),
        payload={"news": [{}]},
        news=(news_id,),
    )
    with store.begin() as tx:
        tx.deliveries.enqueue([digest], now=NOW)


def test_told_news_are_not_told_again_unless_the_delivery_fails(any_store: Database) -> None:
    ada = DeliveryHarness(any_store).add_reader()
    _add(any_store, PAPER)
    with any_store.begin() as tx:
        tx.saved_papers.add(ada.id, PAPER, now=NOW)
    _add(any_store, CODE)
    [[news]] = _list(any_store, ada)

    _queue_telling(any_store, ada, news.id)
    assert _list(any_store, ada) == [()]
    finish_all(any_store, DeliveryState.REJECTED)
    assert _list(any_store, ada) == [(news,)]

    _queue_telling(any_store, ada, news.id, key="another")
    finish_all(any_store, DeliveryState.ACCEPTED)
    assert _list(any_store, ada) == [()]
    with any_store.begin(write=False) as tx:
        assert tx.news.list_untold([], since=NOW) == {}


def test_news_of_many_deliveries_that_fail_at_once_are_told_again(any_store: Database) -> None:
    harness = DeliveryHarness(any_store)
    readers = harness.add_reader(), harness.add_reader("bo@example.com")
    _add(any_store, PAPER)
    with any_store.begin() as tx:
        for reader in readers:
            tx.saved_papers.add(reader.id, PAPER, now=NOW)
    _add(any_store, CODE)
    for reader in readers:
        [[news]] = _list(any_store, reader)
        _queue_telling(any_store, reader, news.id, key=str(reader.id))

    finish_all(any_store, DeliveryState.REJECTED)

    assert [len(_list(any_store, reader)[0]) for reader in readers] == [1, 1]


def test_old_news_are_deleted_with_the_record_of_who_was_told(any_store: Database) -> None:
    ada = DeliveryHarness(any_store).add_reader()
    _add(any_store, PAPER)
    with any_store.begin() as tx:
        tx.saved_papers.add(ada.id, PAPER, now=NOW)
    _add(any_store, CODE)

    with any_store.begin() as tx:
        assert tx.news.list_untold([ada.id], since=LATER + timedelta(seconds=1)) == {}
        assert tx.news.delete_before(LATER) == 0
        assert tx.news.delete_before(LATER + timedelta(seconds=1)) == 1
    assert _list(any_store, ada) == [()]


def test_a_preprint_that_turns_out_to_be_in_a_journal_is_news_to_its_readers(any_store: Database) -> None:
    ada = DeliveryHarness(any_store).add_reader()
    journal = make_paper("A journal version", id="doi:10.1038/s1")
    _add(any_store, PAPER, journal)
    with any_store.begin() as tx:
        tx.saved_papers.add(ada.id, PAPER, now=NOW)

    _add(any_store, replace(PAPER, aliases=(journal.id,)))

    assert [[news.kind for news in untold] for untold in _list(any_store, ada)] == [[NewsKind.PUBLISHED]]
