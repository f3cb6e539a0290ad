"""What happens to mail when our own side fails? The ledger locked, full, gone, or changed under our hands."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.db.dialects import is_postgres
from digest.delivery.message import OutgoingMessage
from digest.models import Delivery, DeliveryState, Status, Subscriber, SuppressionReason
from digest.models.addresses import key_of
from digest.models.errors import StoreBusy, StoreError
from tests.delivery import trouble
from tests.delivery.harness import PEPPER, Post, letter_to, route_to
from tests.smtp_server import Act, SmtpServer, SmtpStage, Talk


def at(step: SmtpStage, happens: Callable[[], object]) -> Callable[[SmtpStage, Talk], Act | None]:
    """Let something happen the first time the server comes to a step; the server stays good."""
    pending = [happens]

    def rule(now: SmtpStage, _talk: Talk) -> Act | None:
        if now == step and pending:
            pending.pop()()
        return None

    return rule


@pytest.fixture
def hasty(store: Database) -> Iterator[Post]:
    """A post office on SQLite that does not wait ten seconds for a lock."""
    with trouble.hasty(store):
        yield Post(store)


async def test_18_a_second_sender_on_sqlite_is_turned_away(post: Post) -> None:
    with post.ledger(), pytest.raises(StoreBusy, match="Another process is sending"), post.ledger():
        pass


async def test_18_two_senders_on_postgres_share_the_work_and_double_nothing(
    any_post: Post, server: SmtpServer
) -> None:
    if not is_postgres(any_post.store.engine):
        return
    keys = any_post.digests(any_post.readers(60))
    await asyncio.gather(
        any_post.run(route_to(server, connections=4)), any_post.run(route_to(server, connections=4))
    )
    assert {any_post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.ids()) == len(set(server.ids())) == 60


async def test_19_a_ledger_locked_before_the_intent_sends_nothing(hasty: Post, server: SmtpServer) -> None:
    key = hasty.digest(hasty.reader())
    with trouble.intruder(hasty.store) as other:
        server.rule = at("greeting", lambda: other.execute("BEGIN IMMEDIATE"))
        with pytest.raises(StoreBusy):
            await hasty.run(route_to(server))
        assert not [line for line in server.commands if line.startswith("MAIL")]
        other.execute("ROLLBACK")
    await hasty.run(route_to(server))
    assert (hasty.state(key), len(server.ids())) == (DeliveryState.ACCEPTED, 1)


async def test_19_a_ledger_locked_before_the_result_stops_the_sender_with_one_mail_in_doubt_per_line(
    hasty: Post, server: SmtpServer
) -> None:
    keys = hasty.digests(hasty.readers(40))
    with trouble.intruder(hasty.store) as other:
        server.rule = at("dot", lambda: other.execute("BEGIN IMMEDIATE"))
        with pytest.raises(StoreBusy):
            await hasty.run(route_to(server, connections=3))
        assert len(server.ids()) <= 3
        other.execute("ROLLBACK")
    await hasty.run(route_to(server, connections=3))
    assert {hasty.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    doubled = len(server.ids()) - len(set(server.ids()))
    assert doubled == sum(hasty.row(key).uncertain for key in keys) <= 3


async def test_19_a_ledger_that_comes_back_in_time_costs_nothing(hasty: Post, server: SmtpServer) -> None:
    keys = hasty.digests(hasty.readers(10))
    with trouble.intruder(hasty.store) as other:
        loop = asyncio.get_running_loop()

        def lock_for_a_moment() -> None:
            other.execute("BEGIN IMMEDIATE")
            loop.call_later(0.2, other.execute, "ROLLBACK")

        server.rule = at("dot", lock_for_a_moment)
        await hasty.run(route_to(server, connections=3), patience=(0.1, 0.3, 0.5))
    assert {hasty.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.ids()) == 10


@pytest.mark.parametrize(("step", "on_the_wire"), [("greeting", 0), ("dot", 1)])
async def test_20_a_full_disk_fails_closed_and_recovers(
    post: Post, server: SmtpServer, step: SmtpStage, on_the_wire: int
) -> None:
    keys = post.digests(post.readers(5))
    with trouble.full_disk_on_request() as fill:
        server.rule = at(step, fill)
        with pytest.raises(StoreError):
            await post.run(route_to(server))
        assert len(server.ids()) == on_the_wire
    await post.run(route_to(server))
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(server.ids())) == 5
    assert len(server.ids()) <= 5 + on_the_wire


async def test_21_a_database_that_hangs_up_is_asked_again(any_post: Post, server: SmtpServer) -> None:
    if not is_postgres(any_post.store.engine):
        return
    keys = any_post.digests(any_post.readers(60))
    hang_up = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    dots = 0

    def rule(step: SmtpStage, _talk: Talk) -> Act | None:
        nonlocal dots
        dots += step == "dot"
        if step == "dot" and dots % 9 == 0:
            with any_post.store.engine.connect() as other:
                other.execute(hang_up)
        return None

    server.rule = rule
    await any_post.run(route_to(server, connections=4), patience=(0.05, 0.1, 0.2, 0.5))
    assert {any_post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.ids()) == len(set(server.ids())) == 60


# ---- the reader's will, at any moment


def leaves(post: Post, reader: Subscriber) -> None:
    with post.store.begin() as tx:
        tx.connection.execute(
            sa.text("UPDATE subscriber SET status = :status WHERE id = :id"),
            {"status": Status.UNSUBSCRIBED.value, "id": reader.id},
        )


def writing(happens: Callable[[], object]) -> Callable[[Delivery], OutgoingMessage | None]:
    """Let something happen between the claim and the intent."""

    def write(delivery: Delivery) -> OutgoingMessage | None:
        happens()
        return letter_to(delivery)

    return write


async def test_38_whoever_leaves_while_the_mail_waits_gets_none(any_post: Post, server: SmtpServer) -> None:
    key = any_post.digest(reader := any_post.reader(), papers=["arxiv:2611.00001"])
    leaves(any_post, reader)
    tally = await any_post.run(route_to(server))
    assert (any_post.state(key), tally.cancelled, server.ids()) == (DeliveryState.CANCELLED, 1, [])
    with any_post.store.begin() as tx:
        assert tx.sent.of([reader.id]) == {reader.id: {}}


async def test_38_whoever_leaves_while_the_mail_is_written_gets_none(
    any_post: Post, server: SmtpServer
) -> None:
    key = any_post.digest(reader := any_post.reader())
    tally = await any_post.run(route_to(server), write=writing(lambda: leaves(any_post, reader)))
    assert (any_post.state(key), tally.cancelled, server.ids()) == (DeliveryState.CANCELLED, 1, [])


async def test_38_whoever_is_suppressed_while_the_mail_is_written_gets_none(
    any_post: Post, server: SmtpServer
) -> None:
    key = any_post.digest(any_post.reader("Ada@Example.com"))

    def suppress() -> None:
        with any_post.store.begin() as tx:
            bounced = tx.deliveries.by_key(key)
            assert bounced is not None
            assert bounced.subscriber_id is not None
            mailbox = tx.connection.scalar(sa.text("SELECT mailbox FROM subscriber"))
            tx.suppressions.add(
                key_of(str(mailbox), suppression_key=PEPPER), SuppressionReason.REQUEST, now=any_post.now
            )

    await any_post.run(route_to(server), write=writing(suppress))
    assert (any_post.state(key), server.ids()) == (DeliveryState.CANCELLED, [])


async def test_38_whoever_leaves_while_it_is_on_the_wire_may_get_it_once(
    post: Post, server: SmtpServer
) -> None:
    key = post.digest(reader := post.reader())
    server.rule = at("data", lambda: leaves(post, reader))
    await post.run(route_to(server))
    assert (post.state(key), len(server.ids())) == (DeliveryState.ACCEPTED, 1)


def erase(post: Post, reader: Subscriber) -> None:
    with post.store.begin() as tx:
        tx.subscribers.erase(reader.id, now=post.now)


async def test_39_whoever_is_erased_before_the_wire_gets_none(any_post: Post, server: SmtpServer) -> None:
    key = any_post.digest(reader := any_post.reader())
    await any_post.run(route_to(server), write=writing(lambda: erase(any_post, reader)))
    row = any_post.row(key)
    assert (row.state, row.address, row.payload, server.ids()) == (DeliveryState.CANCELLED, "", {}, [])


async def test_39_whoever_is_erased_on_the_wire_leaves_no_trace(
    any_post: Post, server: SmtpServer, tmp_path: Path
) -> None:
    key = any_post.digest(reader := any_post.reader("ada.unforgettable@example.com"))
    server.rule = at("dot", lambda: erase(any_post, reader))
    await any_post.run(route_to(server))
    row = any_post.row(key)
    assert (row.state, row.address, row.subscriber_id) == (DeliveryState.ACCEPTED, "", None)
    assert row.last_reply == ""
    any_post.store.engine.dispose()
    assert b"unforgettable" not in everything_in(tmp_path)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("digest.sqlite3*"))
