"""The sender: what is due is sent once, in the right order and by the right route."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event

import pytest

from digest.db.sender_session import SenderSession
from digest.delivery.file_transport import FileTransport
from digest.delivery.message import OutgoingMessage
from digest.delivery.routes import DomainMonitor
from digest.delivery.sender import send_queue
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport
from digest.models import AttemptResult, Delivery, DeliveryKind, DeliveryState
from digest.models.errors import StoreError
from tests.delivery.harness import (
    SHORT_TIMEOUTS,
    SUPPRESSION_KEY,
    DeliveryHarness,
    build_message,
    make_route,
    make_smtp_route,
    name_message,
)
from tests.smtp_server import Reply, SmtpServer


async def test_running_again_sends_nothing_more(any_harness: DeliveryHarness, server: SmtpServer) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(20))
    first = await any_harness.run(make_smtp_route(server, connections=3))
    second = await any_harness.run(make_smtp_route(server, connections=3))
    assert (first.accepted, second.accepted) == (20, 0)
    assert Counter(server.message_ids()) == Counter(name_message(any_harness.row(key)) for key in keys)
    assert first.commits < 30  # connections share commits


async def test_the_next_message_is_rendered_while_a_commit_is_written(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = harness.queue_digests(harness.add_readers(2))
    rendered: list[str] = []
    both_rendered = Event()

    class SlowSession(SenderSession):
        def commit(
            self,
            results: Sequence[AttemptResult],
            intents: Sequence[Delivery],
            now: datetime,
            *,
            bodies: Sequence[Delivery] = (),
        ) -> Collection[int]:
            assert both_rendered.wait(10)
            return super().commit(results, intents, now, bodies=bodies)

    def render(delivery: Delivery) -> OutgoingMessage:
        rendered.append(delivery.key)
        if len(rendered) == 2:
            both_rendered.set()
        return build_message(delivery)

    with SlowSession(harness.store, suppression_key=SUPPRESSION_KEY) as session:
        stats = await send_queue(session, render, [make_smtp_route(server)], clock=lambda: harness.now)
    assert (stats.accepted, rendered) == (2, keys)


async def test_confirmations_are_sent_first(harness: DeliveryHarness, server: SmtpServer) -> None:
    harness.queue_digests(harness.add_readers(3))
    with harness.store.begin() as tx:
        for kind in (DeliveryKind.NOTICE, DeliveryKind.CONFIRM):
            reader = tx.subscribers.get_by_addresses(["reader000@example.com"])["reader000@example.com"]
            tx.deliveries.enqueue_notice(kind, reader, f"{kind}/1", {}, now=harness.now)
    await harness.run(make_smtp_route(server))
    assert [name[0] for name in server.message_ids()] == ["c", "n", "d", "d", "d"]


async def test_delivery_that_is_not_due_waits(harness: DeliveryHarness, server: SmtpServer) -> None:
    harness.advance(hours=2)
    key = harness.queue_digest(harness.add_reader())
    harness.advance(hours=-1)
    await harness.run(make_smtp_route(server))
    assert (harness.state(key), server.message_ids()) == (DeliveryState.QUEUED, [])


async def test_message_that_cannot_be_rendered_is_rejected_the_third_time_and_blocks_nothing(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    poison, other = (
        any_harness.queue_digest(any_harness.add_reader()),
        any_harness.queue_digest(any_harness.add_reader("bo@example.com")),
    )

    def render(delivery: Delivery) -> OutgoingMessage:
        if delivery.key == poison:
            raise ZeroDivisionError("on this paper")
        return build_message(delivery)

    rejected = 0
    for _ in range(5):
        rejected += (await any_harness.run(make_smtp_route(server), render=render)).rejected
        any_harness.advance(hours=1)
    assert (any_harness.state(poison), any_harness.state(other)) == (
        DeliveryState.REJECTED,
        DeliveryState.ACCEPTED,
    )
    assert any_harness.row(poison).last_reply.startswith("poison: ZeroDivisionError")
    assert rejected == 1


async def test_short_database_failure_during_rendering_does_not_count_against_the_message(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    key, failing = harness.queue_digest(harness.add_reader()), [StoreError(), StoreError()]

    def render(delivery: Delivery) -> OutgoingMessage:
        if failing:
            raise failing.pop()
        return build_message(delivery)

    await harness.run(make_smtp_route(server), render=render)
    assert (harness.state(key), harness.row(key).last_reply) == (
        DeliveryState.ACCEPTED,
        "2.0.0 queued as F00D",
    )


async def test_lasting_database_failure_during_rendering_ends_the_run_and_rejects_nothing(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = harness.queue_digest(harness.add_reader())

    def render(_: Delivery) -> OutgoingMessage:
        raise StoreError

    for _ in range(5):
        with pytest.raises(StoreError):
            await harness.run(make_smtp_route(server), render=render)
    await harness.run(make_smtp_route(server))
    assert harness.state(key) is DeliveryState.ACCEPTED


async def test_claimed_deliveries_are_prepared_together(harness: DeliveryHarness, server: SmtpServer) -> None:
    keys, prepared = harness.queue_digests(harness.add_readers(5)), list[str]()
    await harness.run(
        make_smtp_route(server),
        prepare=lambda deliveries: prepared.extend(delivery.key for delivery in deliveries),
    )
    assert sorted(prepared) == sorted(keys)


async def test_messages_are_rendered_one_by_one_when_preparing_fails(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    harness.queue_digests(harness.add_readers(5))

    def prepare(deliveries: Sequence[Delivery]) -> None:
        raise StoreError(f"{len(deliveries)} are too many")

    assert (await harness.run(make_smtp_route(server), prepare=prepare)).accepted == 5


async def test_delivery_with_nothing_to_send_is_cancelled(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    key = harness.queue_digest(harness.add_reader())
    await harness.run(make_smtp_route(server), render=lambda _delivery: None)
    assert (harness.state(key), server.message_ids()) == (DeliveryState.CANCELLED, [])


async def test_two_routes_share_the_mail_by_weight(harness: DeliveryHarness, server: SmtpServer) -> None:
    harness.queue_digests(harness.add_readers(40))
    async with SmtpServer().running() as small:
        await harness.run(
            make_smtp_route(server, name="large", weight=3.0),
            make_smtp_route(small, name="small", weight=1.0),
        )
        assert (len(server.message_ids()), len(small.message_ids())) == (30, 10)


async def test_dead_route_leaves_its_share_to_the_others(
    any_harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = any_harness.queue_digests(any_harness.add_readers(20))
    gone = SmtpTransport(SmtpServerConfig.parse("smtp://127.0.0.1:1?tls=none"), timeouts=SHORT_TIMEOUTS)
    stats = await any_harness.run(make_route(gone, name="gone"), make_smtp_route(server, name="good"))
    assert {any_harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert [alert for alert in stats.alerts if alert.startswith("Route gone is down")]


async def test_route_that_loses_its_login_gives_its_mail_to_the_others(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    keys = harness.queue_digests(harness.add_readers(20))
    async with SmtpServer().running() as good:
        server.respond("mail", Reply(250), Reply(250)).rule = None
        server.respond("mail", *[Reply(530, "5.7.0 log in")] * 20)
        await harness.run(make_smtp_route(server, name="flaky"), make_smtp_route(good, name="good"))
        assert sorted(server.recipients() + good.recipients()) == sorted(
            f"reader{number:03}@example.com" for number in range(20)
        )
    assert {harness.state(key) for key in keys} == {DeliveryState.ACCEPTED}


async def test_spare_route_gets_nothing_while_the_others_work(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    harness.queue_digests(harness.add_readers(10))
    async with SmtpServer().running() as spare:
        await harness.run(
            make_smtp_route(server, name="main"), make_smtp_route(spare, name="spare", weight=0.0)
        )
        assert (len(server.message_ids()), len(spare.message_ids())) == (10, 0)


async def test_a_route_keeps_its_rate(harness: DeliveryHarness, server: SmtpServer) -> None:
    harness.queue_digests(harness.add_readers(12))
    stats = await harness.run(make_smtp_route(server, connections=4, rate=40.0))
    assert stats.accepted == 12


async def test_connection_is_replaced_after_a_hundred_messages(
    harness: DeliveryHarness, server: SmtpServer
) -> None:
    harness.queue_digests(harness.add_readers(201))
    await harness.run(make_smtp_route(server))
    assert len(server.message_ids()) == len(set(server.message_ids())) == 201
    assert server.connections == 3


async def test_mails_go_to_files_while_no_server_is_set(any_harness: DeliveryHarness, tmp_path: Path) -> None:
    key = any_harness.queue_digest(any_harness.add_reader())
    await any_harness.run(make_route(FileTransport(tmp_path / "out"), name="files"))
    await any_harness.run(make_route(FileTransport(tmp_path / "out"), name="files"))
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == [f"{name_message(any_harness.row(key))}.eml"]  # no address
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "out" / names[0]).stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_written_keeps_the_mail(
    harness: DeliveryHarness, tmp_path: Path
) -> None:
    key = harness.queue_digest(harness.add_reader())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".{name_message(harness.row(key))}.eml.part").mkdir()
    stats = await harness.run(make_route(FileTransport(tmp_path / "out"), name="files"))
    assert (harness.state(key), stats.accepted) == (DeliveryState.QUEUED, 0)


async def test_paused_installation_sends_nothing(any_harness: DeliveryHarness, server: SmtpServer) -> None:
    any_harness.queue_digest(any_harness.add_reader())
    with any_harness.store.begin() as tx:
        tx.meta.pause("restored")
    await any_harness.run(make_smtp_route(server))
    assert server.message_ids() == []


@pytest.mark.parametrize(("refused", "trips"), [(2, False), (3, True)])
def test_a_domain_is_stopped_by_more_than_two_refusals_in_a_hundred(refused: int, *, trips: bool) -> None:
    monitor = DomainMonitor()
    for _ in range(500):
        assert not monitor.record("a.test", refused=False)
    assert [monitor.record("a.test", refused=True) for _ in range(refused)][-1] is trips
    assert not monitor.record("b.test", refused=True)
