"""What happens to mail when PostgreSQL fails? Away, full, or two who wait for each other."""

import asyncio

import psycopg
import pytest

from digest.db import Database
from digest.models import DeliveryState
from digest.models.errors import StoreBusy, StoreError
from tests.delivery.harness import Post, route_to
from tests.delivery.test_ledger_faults import at
from tests.delivery.trouble import Doorman, mend, trouble
from tests.smtp_server import SmtpServer, SmtpStage

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"
pytestmark = pytest.mark.parametrize("any_store", ["postgres"], indirect=True)


@pytest.fixture
def doorman(any_store: Database, postgres: str) -> Doorman:
    return Doorman(any_store, postgres)


def all_accepted(post: Post, keys: list[str], server: SmtpServer) -> None:
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(server.ids())) == len(keys)


async def test_19_a_ledger_out_of_reach_before_the_intent_sends_nothing(
    any_post: Post, server: SmtpServer, doorman: Doorman
) -> None:
    keys = any_post.digests(any_post.readers(5))
    server.rule = at("greeting", doorman.close)
    with pytest.raises(StoreError):
        await any_post.run(route_to(server))
    assert not [line for line in server.commands if line.startswith("MAIL")]
    doorman.open()
    expire_leases(any_post.store)
    await any_post.run(route_to(server))
    all_accepted(any_post, keys, server)
    assert len(server.ids()) == 5


async def test_19_a_ledger_out_of_reach_before_the_result_leaves_one_mail_in_doubt_per_line(
    any_post: Post, server: SmtpServer, doorman: Doorman
) -> None:
    keys = any_post.digests(any_post.readers(40))
    server.rule = at("dot", doorman.close)
    with pytest.raises(StoreError):
        await any_post.run(route_to(server, connections=3))
    assert len(server.ids()) <= 3
    doorman.open()
    expire_leases(any_post.store)
    await any_post.run(route_to(server, connections=3))
    all_accepted(any_post, keys, server)
    doubled = len(server.ids()) - 40
    assert doubled <= sum(any_post.row(key).uncertain for key in keys) <= 3


@pytest.mark.parametrize(("step", "on_the_wire"), [("greeting", 0), ("dot", 1)])
async def test_20_a_full_disk_fails_closed_and_recovers(
    any_post: Post, server: SmtpServer, step: SmtpStage, on_the_wire: int
) -> None:
    keys = any_post.digests(any_post.readers(5))
    server.rule = at(step, lambda: trouble(any_post.store, "53100"))
    with pytest.raises(StoreError, match="as told"):
        await any_post.run(route_to(server))
    assert len(server.ids()) == on_the_wire
    mend(any_post.store)
    expire_leases(any_post.store)
    await any_post.run(route_to(server))
    all_accepted(any_post, keys, server)
    assert len(server.ids()) <= 5 + on_the_wire


@pytest.mark.parametrize("code", ["40P01", "40001"])
@pytest.mark.parametrize("first", [1, 6, 20, 40])
async def test_21_a_transaction_that_lost_is_tried_again_wherever_it_happens(
    any_post: Post, server: SmtpServer, code: str, first: int
) -> None:
    """At the claim, at an intent, at a result: PostgreSQL has undone all of it, so we do all of it again."""
    keys = any_post.digests(any_post.readers(12))
    trouble(any_post.store, code, first=first, last=first + 1)
    await any_post.run(route_to(server, connections=3))
    all_accepted(any_post, keys, server)
    assert len(server.ids()) == 12


async def test_21_two_who_wait_for_each_other_are_parted_and_both_go_on(any_post: Post) -> None:
    """Another transaction holds our second row, and wants the first when we hold that."""
    any_post.digests(any_post.readers(2))
    lock = "SELECT id FROM delivery WHERE id = %s FOR UPDATE"
    url = any_post.store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with any_post.ledger() as ledger, psycopg.connect(url) as other:
        claimed = ledger.claim(9, any_post.now).deliveries
        other.execute("SET deadlock_timeout = '60s'")  # so that we are the ones who are chosen
        other.execute(lock, [claimed[1].id])
        turning = asyncio.create_task(asyncio.to_thread(ledger.turn, [], claimed, any_post.now))
        while other.execute(WAITING).fetchone() == (0,):  # noqa: ASYNC110  a lock sends no word
            await asyncio.sleep(0.01)
        reaching = asyncio.create_task(asyncio.to_thread(other.execute, lock, [claimed[0].id]))
        with pytest.raises(StoreBusy, match="deadlock"):
            await turning
        await reaching
        other.commit()
        assert set(ledger.turn([], claimed, any_post.now)) == {each.id for each in claimed}


async def test_21_a_server_that_restarts_during_a_heartbeat_does_not_end_the_run(
    any_post: Post, server: SmtpServer
) -> None:
    keys = any_post.digests(any_post.readers(4))
    trouble(any_post.store, "57P01", table="worker", last=1)  # as a server says that is shutting down
    await any_post.run(route_to(server))
    all_accepted(any_post, keys, server)
    assert len(server.ids()) == 4


def expire_leases(store: Database) -> None:
    """Time passes, and the dead are dead."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE worker SET lease_until = now() - interval '1 hour'")
