"""The sender when its own database fails: locked, full, unreachable, or changed during sending."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.db.dialects import is_postgres
from digest.delivery.message import OutgoingMessage
from digest.models import Delivery, DeliveryState, Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_mailbox
from digest.models.errors import StoreBusy, StoreError
from tests.delivery import faults
from tests.delivery.harness import SUPPRESSION_KEY, DeliveryHarness, build_message, make_smtp_route
from tests.smtp_server import Action, Session, SmtpServer, SmtpStage


def call_at(
    stage: SmtpStage, function: Callable[[], object]
) -> Callable[[SmtpStage, Session], Action | None]:
    """Return a server rule that calls *function* the first time a stage is reached, and changes no reply."""
    pending = [function]

    def rule(current: SmtpStage, _session: Session) -> Action | None:
        if current == stage and pending:
            pending.pop()()
        return None

    return rule


@pytest.fixture
def impatient_harness(store: Database) -> Iterator[DeliveryHarness]:
    """A harness on SQLite that does not wait ten seconds for a lock."""
    with faults.short_lock_timeout(store):
        yield DeliveryHarness(store)


async def test_18_second_sender_on_sqlite_is_refused(harness: DeliveryHarness) -> None:
    with (
        harness.open_session(),
        pytest.raises(StoreBusy, match="Another process is sending"),
        harness.open_session(),
    ):
        pass


async def test_18_two_senders_on_postgres_share_the_work_and_duplicate_nothing(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    if not is_postgres(any_harness.store.engine):
        return
    keys = any_harness.queue_digests(any_harness.add_readers(60))
    await asyncio.gather(
        any_harness.run(make_smtp_route(server, connections=4)),
        any_harness.run(make_smtp_route(server, connections=4)),
    )
    assert {any_harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.message_ids()) == len(set(server.message_ids())) == 60


async def test_19_database_locked_before_the_intent_sends_nothing(
    impatient_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = impatient_harness.queue_digest(impatient_harness.add_reader())
    with faults.open_other_connection(impatient_harness.store) as other:
        server.rule = call_at("greeting", lambda: other.execute("BEGIN IMMEDIATE"))
        with pytest.raises(StoreBusy):
            await impatient_harness.run(make_smtp_route(server))
        assert not [line for line in server.commands if line.startswith("MAIL")]
        other.execute("ROLLBACK")
    await impatient_harness.run(make_smtp_route(server))
    assert (impatient_harness.state(key), len(server.message_ids())) == (DeliveryState.ACCEPTED, 1)


async def test_19_database_locked_before_the_result_leaves_one_uncertain_message_per_connection(
    impatient_harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = impatient_harness.queue_digests(impatient_harness.add_readers(40))
    with faults.open_other_connection(impatient_harness.store) as other:
        server.rule = call_at("dot", lambda: other.execute("BEGIN IMMEDIATE"))
        with pytest.raises(StoreBusy):
            await impatient_harness.run(make_smtp_route(server, connections=3))
        assert len(server.message_ids()) <= 3
        other.execute("ROLLBACK")
    await impatient_harness.run(make_smtp_route(server, connections=3))
    assert {impatient_harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    doubled = len(server.message_ids()) - len(set(server.message_ids()))
    assert doubled == sum(impatient_harness.row(key).uncertain for key in keys) <= 3


async def test_19_database_that_is_back_in_time_costs_nothing(
    impatient_harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = impatient_harness.queue_digests(impatient_harness.add_readers(10))
    with faults.open_other_connection(impatient_harness.store) as other:
        loop = asyncio.get_running_loop()

        def lock_for_a_moment() -> None:
            other.execute("BEGIN IMMEDIATE")
            loop.call_later(0.2, other.execute, "ROLLBACK")

        server.rule = call_at("dot", lock_for_a_moment)
        await impatient_harness.run(make_smtp_route(server, connections=3), retry_delays=(0.1, 0.3, 0.5))
    assert {impatient_harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.message_ids()) == 10


@pytest.mark.parametrize(("stage", "on_the_wire"), [("greeting", 0), ("dot", 1)])
async def test_20_full_disk_fails_closed_and_recovers(
    harness: DeliveryHarness, server: SmtpServer, stage: SmtpStage, on_the_wire: int
) -> None:
    keys = harness.queue_digests(harness.add_readers(5))
    with faults.full_disk_on_request() as fill:
        server.rule = call_at(stage, fill)
        with pytest.raises(StoreError):
            await harness.run(make_smtp_route(server))
        assert len(server.message_ids()) == on_the_wire
    await harness.run(make_smtp_route(server))
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(set(server.message_ids())) == 5
    assert len(server.message_ids()) <= 5 + on_the_wire


async def test_21_closed_database_connections_are_retried(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    if not is_postgres(any_harness.store.engine):
        return
    keys = any_harness.queue_digests(any_harness.add_readers(60))
    hang_up = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    dots = 0

    def rule(stage: SmtpStage, _session: Session) -> Action | None:
        nonlocal dots
        dots += stage == "dot"
        if stage == "dot" and dots % 9 == 0:
            with any_harness.store.engine.connect() as other:
                other.execute(hang_up)
        return None

    server.rule = rule
    await any_harness.run(make_smtp_route(server, connections=4), retry_delays=(0.05, 0.1, 0.2, 0.5))
    assert {any_harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert len(server.message_ids()) == len(set(server.message_ids())) == 60


# ---- subscribers who leave or are erased at any moment


def unsubscribe(harness: DeliveryHarness, reader: Subscriber) -> None:
    with harness.store.begin() as tx:
        tx.connection.execute(
            sa.text("UPDATE subscriber SET status = :status WHERE id = :id"),
            {"status": Status.UNSUBSCRIBED.value, "id": reader.id},
        )


def render_after(function: Callable[[], object]) -> Callable[[Delivery], OutgoingMessage | None]:
    """Return a renderer that calls *function* first: between the claim and the intent."""

    def render(delivery: Delivery) -> OutgoingMessage | None:
        function()
        return build_message(delivery)

    return render


async def test_38_subscriber_who_leaves_while_the_message_is_queued_gets_no_mail(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader(), papers=["arxiv:2611.00001"])
    unsubscribe(any_harness, reader)
    stats = await any_harness.run(make_smtp_route(server))
    assert (any_harness.state(key), stats.cancelled, server.message_ids()) == (DeliveryState.CANCELLED, 1, [])
    with any_harness.store.begin() as tx:
        assert tx.sent_papers.get_by_subscriber([reader.id]) == {reader.id: {}}


async def test_38_subscriber_who_leaves_during_rendering_gets_no_mail(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader())
    stats = await any_harness.run(
        make_smtp_route(server), render=render_after(lambda: unsubscribe(any_harness, reader))
    )
    assert (any_harness.state(key), stats.cancelled, server.message_ids()) == (DeliveryState.CANCELLED, 1, [])


async def test_38_subscriber_suppressed_during_rendering_gets_no_mail(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = any_harness.queue_digest(any_harness.add_reader("Ada@Example.com"))

    def suppress() -> None:
        with any_harness.store.begin() as tx:
            bounced = tx.deliveries.find_by_key(key)
            assert bounced is not None
            assert bounced.subscriber_id is not None
            mailbox = tx.connection.scalar(sa.text("SELECT mailbox FROM subscriber"))
            tx.suppressions.add(
                hash_mailbox(str(mailbox), suppression_key=SUPPRESSION_KEY),
                SuppressionReason.REQUEST,
                now=any_harness.now,
            )

    await any_harness.run(make_smtp_route(server), render=render_after(suppress))
    assert (any_harness.state(key), server.message_ids()) == (DeliveryState.CANCELLED, [])


async def test_38_subscriber_who_leaves_during_sending_may_get_one_copy(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = harness.queue_digest(reader := harness.add_reader())
    server.rule = call_at("data", lambda: unsubscribe(harness, reader))
    await harness.run(make_smtp_route(server))
    assert (harness.state(key), len(server.message_ids())) == (DeliveryState.ACCEPTED, 1)


def erase(harness: DeliveryHarness, reader: Subscriber) -> None:
    with harness.store.begin() as tx:
        tx.subscribers.erase(reader.id, now=harness.now)


async def test_39_subscriber_erased_before_sending_gets_no_mail(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader())
    await any_harness.run(make_smtp_route(server), render=render_after(lambda: erase(any_harness, reader)))
    row = any_harness.row(key)
    assert (row.state, row.address, row.payload, server.message_ids()) == (
        DeliveryState.CANCELLED,
        "",
        {},
        [],
    )


async def test_39_subscriber_erased_during_sending_leaves_no_trace(
    any_harness: DeliveryHarness, server: SmtpServer, tmp_path: Path
) -> None:
    key = any_harness.queue_digest(reader := any_harness.add_reader("ada.unforgettable@example.com"))
    server.rule = call_at("dot", lambda: erase(any_harness, reader))
    await any_harness.run(make_smtp_route(server))
    row = any_harness.row(key)
    assert (row.state, row.address, row.subscriber_id) == (DeliveryState.ACCEPTED, "", None)
    assert row.last_reply == ""
    any_harness.store.engine.dispose()
    assert b"unforgettable" not in read_database_files(tmp_path)


def read_database_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("digest.sqlite3*"))
