"""The sender when PostgreSQL fails: unreachable, full, restarted or deadlocked."""

import asyncio

import psycopg
import pytest

from digest.db import Database
from digest.models import DeliveryState
from digest.models.errors import StoreBusy, StoreError
from tests.delivery.faults import ConnectionBlocker, fail_updates, restore_updates
from tests.delivery.harness import DeliveryHarness, make_smtp_route
from tests.delivery.test_ledger_faults import call_at
from tests.smtp_server import SmtpServer, SmtpStage

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
pytestmark = pytest.mark.parametrize("any_store", ["postgres"], indirect=True)


@pytest.fixture
def blocker(any_store: Database, postgres: str) -> ConnectionBlocker:
    return ConnectionBlocker(any_store, postgres)


def assert_all_accepted(harness: DeliveryHarness, keys: list[str], server: SmtpServer) -> None:
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(server.message_ids())) == len(keys)


async def test_19_database_unreachable_before_the_intent_sends_nothing(
    any_harness: DeliveryHarness, server: SmtpServer, blocker: ConnectionBlocker
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(5))
    server.rule = call_at("greeting", blocker.block)
    with pytest.raises(StoreError):
        await any_harness.run(make_smtp_route(server))
    assert not [line for line in server.commands if line.startswith("MAIL")]
    blocker.unblock()
    expire_leases(any_harness.store)
    await any_harness.run(make_smtp_route(server))
    assert_all_accepted(any_harness, keys, server)
    assert len(server.message_ids()) == 5


async def test_19_database_unreachable_before_the_result_leaves_one_uncertain_message_per_connection(
    any_harness: DeliveryHarness, server: SmtpServer, blocker: ConnectionBlocker
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(40))
    server.rule = call_at("dot", blocker.block)
    with pytest.raises(StoreError):
        await any_harness.run(make_smtp_route(server, connections=3))
    assert len(server.message_ids()) <= 3
    blocker.unblock()
    expire_leases(any_harness.store)
    await any_harness.run(make_smtp_route(server, connections=3))
    assert_all_accepted(any_harness, keys, server)
    doubled = len(server.message_ids()) - 40
    assert doubled <= sum(any_harness.row(key).uncertain for key in keys) <= 3


@pytest.mark.parametrize(("stage", "on_the_wire"), [("greeting", 0), ("dot", 1)])
async def test_20_full_disk_fails_closed_and_recovers(
    any_harness: DeliveryHarness, server: SmtpServer, stage: SmtpStage, on_the_wire: int
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(5))
    server.rule = call_at(stage, lambda: fail_updates(any_harness.store, "53100"))
    with pytest.raises(StoreError, match="a fault of the test"):
        await any_harness.run(make_smtp_route(server))
    assert len(server.message_ids()) == on_the_wire
    restore_updates(any_harness.store)
    expire_leases(any_harness.store)
    await any_harness.run(make_smtp_route(server))
    assert_all_accepted(any_harness, keys, server)
    assert len(server.message_ids()) <= 5 + on_the_wire


@pytest.mark.parametrize("code", ["40P01", "40001"])
@pytest.mark.parametrize("first", [1, 6, 20, 40])
async def test_21_failed_transaction_is_retried_wherever_it_happens(
    any_harness: DeliveryHarness, server: SmtpServer, code: str, first: int
) -> None:
    """At the claim, at an intent or at a result: PostgreSQL rolls all of it back, so all is done again."""
    keys = any_harness.queue_digests(any_harness.add_readers(12))
    fail_updates(any_harness.store, code, first=first, last=first + 1)
    await any_harness.run(make_smtp_route(server, connections=3))
    assert_all_accepted(any_harness, keys, server)
    assert len(server.message_ids()) == 12


async def test_21_deadlocked_transactions_both_complete(any_harness: DeliveryHarness) -> None:
    """Another transaction holds our second row, and wants the first when the sender holds that.

    PostgreSQL locks the rows in the order of their hashed suppression keys: the test needs a SUPPRESSION_KEY
    with which the first row comes first, and hangs with another one.
    """
    any_harness.queue_digests(any_harness.add_readers(2))
    lock = "SELECT id FROM delivery WHERE id = %s FOR UPDATE"
    url = any_harness.store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with any_harness.open_session() as session, psycopg.connect(url) as other:
        claimed = session.claim(9, any_harness.now).deliveries
        other.execute("SET deadlock_timeout = '60s'")  # so that the sender is the one that is cancelled
        other.execute(lock, [claimed[1].id])
        committing = asyncio.create_task(asyncio.to_thread(session.commit, [], claimed, any_harness.now))
        while other.execute(WAITING).fetchone() == (0,):  # noqa: ASYNC110  a lock sends no event
            await asyncio.sleep(0.01)
        locking = asyncio.create_task(asyncio.to_thread(other.execute, lock, [claimed[0].id]))
        with pytest.raises(StoreBusy, match="deadlock"):
            await committing
        await locking
        other.commit()
        assert set(session.commit([], claimed, any_harness.now)) == {delivery.id for delivery in claimed}


async def test_21_deadlock_while_a_dead_sender_is_recovered_does_not_register_the_new_one_twice(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(3))
    dead = any_harness.open_session().__enter__()
    assert len(dead.claim(9, any_harness.now).deliveries) == 3
    expire_leases(any_harness.store)
    fail_updates(any_harness.store, "40P01", last=1)
    await any_harness.run(make_smtp_route(server))
    assert_all_accepted(any_harness, keys, server)


async def test_21_server_restart_during_a_heartbeat_does_not_end_the_run(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(4))
    fail_updates(
        any_harness.store, "57P01", table="worker", last=1
    )  # the code of a server that is shutting down
    await any_harness.run(make_smtp_route(server))
    assert_all_accepted(any_harness, keys, server)
    assert len(server.message_ids()) == 4


def expire_leases(store: Database) -> None:
    """Let the leases of all senders run out."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE worker SET lease_until = now() - interval '1 hour'")
