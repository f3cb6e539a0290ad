"""Does the pump send what is due, once, in the right order, by the right route?"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from digest.delivery.file_transport import FileTransport
from digest.delivery.message import OutgoingMessage
from digest.delivery.routes import DomainWatch
from digest.delivery.smtp.transport import Server, SmtpTransport
from digest.models import Delivery, DeliveryKind, DeliveryState
from digest.models.errors import StoreError
from tests.delivery.harness import QUICK, Post, letter_to, route, route_to
from tests.smtp_server import Say, SmtpServer


async def test_running_again_sends_nothing_more(any_post: Post, server: SmtpServer) -> None:
    keys = any_post.digests(any_post.readers(20))
    first = await any_post.run(route_to(server, connections=3))
    second = await any_post.run(route_to(server, connections=3))
    assert (first.accepted, second.accepted) == (20, 0)
    assert Counter(server.ids()) == Counter(any_post.row(key).message_id for key in keys)
    assert first.commits < 30  # connections share commits


async def test_a_person_who_waits_goes_first(post: Post, server: SmtpServer) -> None:
    post.digests(post.readers(3))
    with post.store.begin() as tx:
        for kind in (DeliveryKind.NOTICE, DeliveryKind.CONFIRM):
            reader = tx.subscribers.by_addresses(["reader000@example.com"])["reader000@example.com"]
            tx.deliveries.plan_notice(kind, reader, f"{kind}/1", {}, now=post.now)
    await post.run(route_to(server))
    assert [name[0] for name in server.ids()] == ["c", "n", "d", "d", "d"]


async def test_what_is_not_due_yet_waits(post: Post, server: SmtpServer) -> None:
    post.later(hours=2)
    key = post.digest(post.reader())
    post.later(hours=-1)
    await post.run(route_to(server))
    assert (post.state(key), server.ids()) == (DeliveryState.QUEUED, [])


async def test_a_mail_that_cannot_be_written_is_set_aside_the_third_time_and_harms_nobody(
    any_post: Post, server: SmtpServer
) -> None:
    poison, other = any_post.digest(any_post.reader()), any_post.digest(any_post.reader("bo@example.com"))

    def write(delivery: Delivery) -> OutgoingMessage:
        if delivery.key == poison:
            raise ZeroDivisionError("on this paper")
        return letter_to(delivery)

    tried = 0
    for _ in range(5):
        tried += (await any_post.run(route_to(server), write=write)).rejected
        any_post.later(hours=1)
    assert (any_post.state(poison), any_post.state(other)) == (DeliveryState.REJECTED, DeliveryState.ACCEPTED)
    assert any_post.row(poison).last_reply.startswith("poison: ZeroDivisionError")
    assert tried == 1


async def test_books_that_cannot_be_read_for_a_moment_are_no_fault_of_the_mail(
    post: Post, server: SmtpServer
) -> None:
    key, failing = post.digest(post.reader()), [StoreError(), StoreError()]

    def write(delivery: Delivery) -> OutgoingMessage:
        if failing:
            raise failing.pop()
        return letter_to(delivery)

    await post.run(route_to(server), write=write)
    assert (post.state(key), post.row(key).last_reply) == (DeliveryState.ACCEPTED, "2.0.0 queued as F00D")


async def test_books_that_stay_closed_end_the_run_and_poison_no_mail(post: Post, server: SmtpServer) -> None:
    key = post.digest(post.reader())

    def write(_: Delivery) -> OutgoingMessage:
        raise StoreError

    for _ in range(5):
        with pytest.raises(StoreError):
            await post.run(route_to(server), write=write)
    await post.run(route_to(server))
    assert post.state(key) is DeliveryState.ACCEPTED


async def test_what_is_written_soon_is_told_at_once(post: Post, server: SmtpServer) -> None:
    keys, heard = post.digests(post.readers(5)), list[str]()
    await post.run(route_to(server), expect=lambda deliveries: heard.extend(each.key for each in deliveries))
    assert sorted(heard) == sorted(keys)


async def test_what_cannot_be_prepared_is_written_one_by_one(post: Post, server: SmtpServer) -> None:
    post.digests(post.readers(5))

    def expect(deliveries: Sequence[Delivery]) -> None:
        raise StoreError(f"{len(deliveries)} are too many")

    assert (await post.run(route_to(server), expect=expect)).accepted == 5


async def test_nothing_left_to_say_is_no_mail(post: Post, server: SmtpServer) -> None:
    key = post.digest(post.reader())
    await post.run(route_to(server), write=lambda _delivery: None)
    assert (post.state(key), server.ids()) == (DeliveryState.CANCELLED, [])


async def test_two_routes_share_the_mail_by_weight(post: Post, server: SmtpServer) -> None:
    post.digests(post.readers(40))
    async with SmtpServer().running() as small:
        await post.run(route_to(server, name="large", weight=3.0), route_to(small, name="small", weight=1.0))
        assert (len(server.ids()), len(small.ids())) == (30, 10)


async def test_a_dead_route_leaves_its_share_to_the_others(any_post: Post, server: SmtpServer) -> None:
    keys = any_post.digests(any_post.readers(20))
    gone = SmtpTransport(Server.parse("smtp://127.0.0.1:1?tls=none"), patience=QUICK)
    tally = await any_post.run(route(gone, name="gone"), route_to(server, name="good"))
    assert {any_post.state(key) for key in keys} == {DeliveryState.ACCEPTED}
    assert [alert for alert in tally.alerts if alert.startswith("Route gone is down")]


async def test_a_route_that_loses_its_login_in_the_middle_gives_its_mail_to_the_others(
    post: Post, server: SmtpServer
) -> None:
    keys = post.digests(post.readers(20))
    async with SmtpServer().running() as good:
        server.tell("mail", Say(250), Say(250)).rule = None
        server.tell("mail", *[Say(530, "5.7.0 log in")] * 20)
        await post.run(route_to(server, name="flaky"), route_to(good, name="good"))
        assert sorted(server.recipients() + good.recipients()) == sorted(
            f"reader{place:03}@example.com" for place in range(20)
        )
    assert {post.state(key) for key in keys} == {DeliveryState.ACCEPTED}


async def test_a_spare_route_gets_nothing_while_the_others_work(post: Post, server: SmtpServer) -> None:
    post.digests(post.readers(10))
    async with SmtpServer().running() as spare:
        await post.run(route_to(server, name="main"), route_to(spare, name="spare", weight=0.0))
        assert (len(server.ids()), len(spare.ids())) == (10, 0)


async def test_a_route_keeps_its_rate(post: Post, server: SmtpServer) -> None:
    post.digests(post.readers(12))
    tally = await post.run(route_to(server, connections=4, rate=40.0))
    assert tally.accepted == 12


async def test_many_connections_take_their_share_and_a_worn_one_is_replaced(
    post: Post, server: SmtpServer
) -> None:
    post.digests(post.readers(230))
    await post.run(route_to(server))
    assert len(server.ids()) == len(set(server.ids())) == 230
    assert server.connections == 3


async def test_mails_go_to_files_while_no_server_is_set(any_post: Post, tmp_path: Path) -> None:
    key = any_post.digest(any_post.reader())
    await any_post.run(route(FileTransport(tmp_path / "out"), name="files"))
    await any_post.run(route(FileTransport(tmp_path / "out"), name="files"))
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert names == [f"ada@example.com-{any_post.row(key).message_id}.eml"]
    assert not (tmp_path / "out" / names[0]).stat().st_mode & 0o077  # its links sign its reader in


async def test_a_folder_that_cannot_be_written_keeps_the_mail(post: Post, tmp_path: Path) -> None:
    key = post.digest(post.reader())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".ada@example.com-{post.row(key).message_id}.eml.part").mkdir()
    tally = await post.run(route(FileTransport(tmp_path / "out"), name="files"))
    assert (post.state(key), tally.accepted) == (DeliveryState.QUEUED, 0)


async def test_a_paused_house_sends_nothing(any_post: Post, server: SmtpServer) -> None:
    any_post.digest(any_post.reader())
    with any_post.store.begin() as tx:
        tx.meta.pause("restored")
    await any_post.run(route_to(server))
    assert server.ids() == []


@pytest.mark.parametrize(("refused", "trips"), [(2, False), (3, True)])
def test_a_domain_is_stopped_by_more_than_two_refusals_in_a_hundred(refused: int, *, trips: bool) -> None:
    watch = DomainWatch()
    for _ in range(500):
        assert not watch.note("a.test", refused=False)
    assert [watch.note("a.test", refused=True) for _ in range(refused)][-1] is trips
    assert not watch.note("b.test", refused=True)
