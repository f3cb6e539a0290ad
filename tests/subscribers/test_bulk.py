"""Tests of bulk actions: whom each changes, that it is done once, one line in the log, and undoing it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest import subscribers
from digest.db import Database
from digest.db.subscribers.bulk_operations import BulkOperation
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import Status, SuppressionReason
from digest.models.addresses import hash_address
from digest.subscribers import Actor
from digest.subscribers.bulk import BATCH_SIZE, BulkAction, run_operation, undo_operation
from tests.factories import NOW, store_subscriber

ACTOR = Actor("admin:ada", NOW, b"pepper")
STATUSES = {status.value: f"{status}@example.com" for status in Status}
EVERYBODY = SubscriberCriteria()


@pytest.fixture
def filled_store(any_store: Database) -> Database:
    """A subscriber of each status, and one confirmed whose address is suppressed."""
    with any_store.begin() as tx:
        for status, address in STATUSES.items():
            store_subscriber(tx, address, status=Status(status), now=NOW - timedelta(days=1))
        store_subscriber(tx, "noisy@example.com", status=Status.CONFIRMED, now=NOW - timedelta(days=1))
        subscribers.suppress(tx, "noisy@example.com", actor=ACTOR)
    return any_store


def _run(store: Database, action: BulkAction, *, name: str = "x", tag: str = "") -> BulkOperation:
    operation = BulkOperation(id=name, at=NOW, actor=ACTOR.name, action=action, tag=tag, query="")
    with store.begin() as tx:
        tx.bulk_operations.start(operation)
    run_operation(store, operation, EVERYBODY, actor=ACTOR)
    with store.begin(write=False) as tx:
        return tx.bulk_operations.get(name)


def _read_state(store: Database) -> dict[str, tuple[str, bool, tuple[str, ...]]]:
    """Return status, whether suppressed, and tags of everybody, by address."""
    with store.begin(write=False) as tx:
        readers = tx.subscribers.list_after()
        tags = tx.tags.get_by_subscriber([reader.id for reader in readers])
        return {
            reader.address.split("@")[0]: (
                str(reader.status),
                tx.suppressions.is_suppressed(hash_address(b"pepper", reader.address)),
                tags.get(reader.id, ()),
            )
            for reader in readers
        }


CHANGED = {
    BulkAction.PAUSE: {"confirmed"},
    BulkAction.RESUME: {"paused"},
    BulkAction.TAG: {"confirmed", "noisy", "paused", "unconfirmed", "unsubscribed"},
    BulkAction.UNTAG: set[str](),
    BulkAction.SUPPRESS: {"confirmed", "paused", "unconfirmed", "unsubscribed"},
    BulkAction.LIFT: {"noisy"},
    BulkAction.ERASE: {"confirmed", "noisy", "paused", "unconfirmed", "unsubscribed"},
}


@pytest.mark.parametrize("action", BulkAction)
def test_an_action_changes_whom_it_fits_once_and_is_undone(
    filled_store: Database, action: BulkAction
) -> None:
    before = _read_state(filled_store)

    operation = _run(filled_store, action, tag="beta")

    after = _read_state(filled_store)
    assert {name for name in before if after.get(name) != before[name]} == CHANGED[action]
    assert operation.changed == len(CHANGED[action])
    assert operation.finished_at == NOW
    assert _run(filled_store, action, tag="beta") == operation  # the same form sent again
    with filled_store.begin(write=False) as tx:
        lines = [line for line in tx.audit.search() if line.action == f"bulk-{action}"]
    assert [line.detail["subscribers"] for line in lines] == [operation.changed]

    assert undo_operation(filled_store, operation, actor=ACTOR) is (action is not BulkAction.ERASE)
    assert not undo_operation(filled_store, operation, actor=ACTOR)
    if action is not BulkAction.ERASE:
        assert _read_state(filled_store) == before


def test_undoing_leaves_those_alone_who_changed_since(filled_store: Database) -> None:
    operation = _run(filled_store, BulkAction.SUPPRESS)
    later = replace(ACTOR, now=NOW + timedelta(hours=1))
    with filled_store.begin() as tx:  # meanwhile one of them asks for it
        key = hash_address(b"pepper", STATUSES["confirmed"])
        tx.suppressions.remove(key)
        tx.suppressions.add(key, SuppressionReason.REQUEST, now=later.now, source="reader")

    assert undo_operation(filled_store, operation, actor=later)

    state = _read_state(filled_store)
    assert state["confirmed"] == ("unsubscribed", True, ())
    assert state["paused"] == ("paused", False, ())


def test_undoing_a_pause_leaves_those_paused_who_paused_themselves_since(filled_store: Database) -> None:
    operation = _run(filled_store, BulkAction.PAUSE)
    later = NOW + timedelta(hours=1)
    with filled_store.begin() as tx:
        reader = tx.subscribers.get_by_address(STATUSES["confirmed"])
        tx.subscribers.save(replace(reader, status_since=later))

    undo_operation(filled_store, operation, actor=replace(ACTOR, now=later))

    assert _read_state(filled_store)["confirmed"] == ("paused", False, ())


def test_lifting_brings_back_whom_a_judgement_ended_and_nobody_who_asked(filled_store: Database) -> None:
    with filled_store.begin() as tx:
        for name, reason in (("confirmed", SuppressionReason.HARD), ("paused", SuppressionReason.REQUEST)):
            reader = tx.subscribers.get_by_address(STATUSES[name])
            tx.subscribers.save(replace(reader, status=Status.UNSUBSCRIBED, status_since=NOW, next_due=None))
            key = hash_address(b"pepper", reader.address)
            tx.suppressions.add(key, reason, now=NOW, prior_status=reader.status)
    assert _run(filled_store, BulkAction.LIFT).changed == 3
    state = _read_state(filled_store)
    assert state["confirmed"] == ("confirmed", False, ())
    assert state["paused"] == ("unsubscribed", False, ())


def test_many_are_changed_in_batches_and_an_interrupted_operation_goes_on(any_store: Database) -> None:
    count = BATCH_SIZE + 3
    with any_store.begin() as tx:
        for number in range(count):
            store_subscriber(tx, f"r{number}@example.com", status=Status.CONFIRMED, now=NOW)
        first = tx.subscribers.list_after(limit=2)
        operation = BulkOperation(id="x", at=NOW, actor="a", action="pause", tag="", query="")
        tx.bulk_operations.start(operation)
        tx.bulk_operations.add_batch(operation, last_id=first[-1].id, changes={})  # as if two were visited
    run_operation(any_store, operation, SubscriberCriteria(status=Status.CONFIRMED), actor=ACTOR)
    with any_store.begin(write=False) as tx:
        assert tx.bulk_operations.get("x").changed == count - 2
        assert tx.subscribers.count_by_status()[Status.CONFIRMED] == 2
