"""Saved papers and the accounts to which they are sent."""

from dataclasses import replace
from datetime import timedelta

from digest.db import Database
from digest.models import Subscriber
from digest.models.saved_papers import ZoteroAccount
from tests.delivery.harness import DeliveryHarness
from tests.factories import NOW, make_paper

OLD, NEW = make_paper("Old", id="arxiv:2611.00041"), make_paper("New", id="arxiv:2611.00042")
MINUTE = timedelta(minutes=1)


def _add_reader_with_papers(store: Database) -> Subscriber:
    reader = DeliveryHarness(store).add_reader()
    with store.begin() as tx:
        tx.papers.add([OLD, NEW], seen_at=NOW)
        assert tx.saved_papers.add(reader.id, OLD, now=NOW)
        assert tx.saved_papers.add(reader.id, NEW, now=NOW + MINUTE)
    return reader


def test_a_paper_is_saved_once_and_can_be_annotated_and_removed(any_store: Database) -> None:
    reader = _add_reader_with_papers(any_store)
    with any_store.begin() as tx:
        assert not tx.saved_papers.add(reader.id, OLD, now=NOW + MINUTE)
        assert tx.saved_papers.annotate(reader.id, OLD, note="Read it", tags=("a", "b"))
        new, old = tx.saved_papers.list_by_subscriber(reader.id)
        assert (new.paper.title, new.note, new.tags) == ("New", "", ())
        assert (old.note, old.tags, old.saved_at) == ("Read it", ("a", "b"), NOW)
        assert tx.saved_papers.count(reader.id) == 2
        assert tx.saved_papers.remove(reader.id, OLD)
        assert not tx.saved_papers.remove(reader.id, OLD)
        assert not tx.saved_papers.annotate(reader.id, OLD, note="", tags=())
        assert not tx.saved_papers.is_saved(reader.id, OLD)


def test_a_saved_paper_stays_saved_under_a_better_id(any_store: Database) -> None:
    reader = DeliveryHarness(any_store).add_reader()
    doi = make_paper("New", id="doi:10.1101/2026.11.20.123456")
    with any_store.begin() as tx:
        tx.papers.add([doi, NEW], seen_at=NOW)
        tx.saved_papers.add(reader.id, doi, now=NOW)
    renamed = replace(NEW, aliases=(doi.id,))
    with any_store.begin() as tx:
        tx.papers.add([renamed], seen_at=NOW)
        assert tx.saved_papers.is_saved(reader.id, renamed)
        assert not tx.saved_papers.add(reader.id, renamed, now=NOW)
        [saved] = tx.saved_papers.list_by_subscriber(reader.id)
    assert saved.paper.id == NEW.id


def test_papers_for_zotero_are_those_it_has_not_got(any_store: Database) -> None:
    reader = _add_reader_with_papers(any_store)
    with any_store.begin() as tx:
        assert [saved.paper.id for saved in tx.saved_papers.list_for_zotero(reader.id, limit=1)] == [OLD.id]
        tx.saved_papers.mark_in_zotero(reader.id, [OLD], at=NOW)
        assert [saved.paper.id for saved in tx.saved_papers.list_for_zotero(reader.id, limit=9)] == [NEW.id]
        tx.saved_papers.forget_zotero(reader.id)
        assert len(tx.saved_papers.list_for_zotero(reader.id, limit=9)) == 2


def test_an_account_is_due_once_for_one_sender(any_store: Database) -> None:
    reader = _add_reader_with_papers(any_store)
    account = ZoteroAccount(subscriber_id=reader.id, library="users/1", sealed_key="sealed", connected_at=NOW)
    with any_store.begin() as tx:
        tx.zotero_accounts.save(account)
        assert tx.zotero_accounts.list_due(NOW, limit=9) == ()
        tx.zotero_accounts.schedule(reader.id, NOW)
        tx.zotero_accounts.schedule(reader.id, NOW + MINUTE)
        due = tx.zotero_accounts.list_due(NOW, limit=9)
        assert due == (replace(account, next_at=NOW),)
        assert tx.zotero_accounts.postpone(due, NOW + MINUTE) == due
        assert tx.zotero_accounts.postpone(due, NOW + MINUTE) == ()
        assert tx.zotero_accounts.list_due(NOW, limit=9) == ()
        tx.zotero_accounts.save(replace(account, sealed_key="", problem="The key was refused."))
        tx.zotero_accounts.schedule(reader.id, NOW)
        assert tx.zotero_accounts.list_due(NOW, limit=9) == ()
        assert tx.zotero_accounts.remove(reader.id)
        assert tx.zotero_accounts.find(reader.id) is None


def test_erasing_a_subscriber_erases_papers_and_key(any_store: Database) -> None:
    reader = _add_reader_with_papers(any_store)
    with any_store.begin() as tx:
        tx.zotero_accounts.save(
            ZoteroAccount(subscriber_id=reader.id, library="users/1", sealed_key="x", connected_at=NOW)
        )
        tx.subscribers.erase(reader.id, now=NOW)
        assert tx.saved_papers.list_by_subscriber(reader.id) == ()
        assert tx.zotero_accounts.find(reader.id) is None
