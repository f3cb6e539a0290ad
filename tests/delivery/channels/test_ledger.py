"""Channels in the ledger: each message once, at most two copies, no paper twice by mail and channel."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest import subscribers
from digest.app.services import Services
from digest.app.settings import load_settings
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.channels.replies import FINAL_REASONS
from digest.delivery.sender import send_queue
from digest.models import Delivery, DeliveryKind, DeliveryState, Subscriber
from digest.models.channels import Channel, ChannelState
from digest.pipeline.plan import load_planned_edition, plan_editions
from digest.subscribers import Actor, channels
from tests.channel_server import ChannelServer
from tests.factories import NOW, make_paper

ADA = "ada@example.com"
ACTOR = Actor("reader", NOW, b"")
MORNING = NOW + timedelta(days=1)  # later than the slot of that day
STATES = DeliveryState


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run all tests on one event loop."""
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
async def event_loop_of_all(anyio_backend: str) -> AsyncIterator[None]:
    """Keep the event loop to the end, and with it the processes that send, which take long to start."""
    yield  # noqa: PT022  a generator, which lasts as long as its module


@pytest.fixture
def services(store: Database, tmp_path: Path) -> Services:
    return make_services(store, tmp_path)


@pytest.fixture
def any_services(any_store: Database, tmp_path: Path) -> Services:
    return make_services(any_store, tmp_path)


def make_services(store: Database, folder: Path) -> Services:
    """Return services with one confirmed subscriber and three papers."""
    settings = load_settings(
        secret_key=SecretStr("a secret of thirty-two characters"),
        outbox_dir=folder / "outbox",
        channel_hosts=("127.0.0.1",),
        channel_networks=("127.0.0.0/8",),
    )
    with store.begin() as tx:
        subscribers.add_subscriber(tx, ADA, {}, has_consented=True, actor=ACTOR)
    services = Services(settings, store)
    add_papers(services, NOW)
    return services


def add_papers(services: Services, seen_at: datetime) -> None:
    papers = [make_paper(f"Napping, Part {part}") for part in range(3)]
    with services.store.begin() as tx:
        tx.papers.add(papers, seen_at=seen_at)


def add_channel(services: Services, server: ChannelServer, path: str = "/hook") -> Channel:
    """Add a webhook; its greeting waits."""
    address = f"http://127.0.0.1:{server.port}{path}"
    hosts, seal = services.settings.channel_hosts, services.sealer.seal
    with services.store.begin() as tx:
        return channels.add_channel(tx, ADA, address, allowed_hosts=hosts, seal=seal, actor=ACTOR)


def choose_channels_only(services: Services) -> None:
    with services.store.begin() as tx:
        channels.choose_mail(tx, ADA, by_mail=False, actor=ACTOR)


def plan(services: Services, now: datetime = MORNING) -> None:
    plan_editions(services.store, now, to_channels=bool(services.channel_routes))


async def send(services: Services, now: datetime = MORNING, *, mail: bool = True) -> None:
    """Send what is due, with limits of rates that follow the same clock."""
    session = SenderSession(
        services.store, suppression_key=b"key", final_reasons=FINAL_REASONS, wall_clock=lambda: now
    )
    routes = [*(services.routes if mail else ()), *services.channel_routes]
    with session as queue:
        await send_queue(queue, services.message_builder.build, routes, clock=lambda: now)


def load(services: Services) -> tuple[Subscriber, list[Channel], list[Delivery]]:
    """Return the reader, the channels, and the digests in the order of planning."""
    with services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_address(ADA)
        mails = tx.deliveries.list_by_subscriber(reader.id)
        digests = [mail for mail in reversed(mails) if mail.kind is DeliveryKind.DIGEST]
        return reader, channels.list_channels(tx, reader), sorted(digests, key=lambda mail: mail.id)


def count_sent_papers(services: Services) -> int:
    with services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_address(ADA)
        return len(tx.sent_papers.get_by_subscriber([reader.id])[reader.id])


def list_states(services: Services) -> list[DeliveryState]:
    return [digest.state for digest in load(services)[2]]


async def test_one_edition_goes_by_mail_and_to_each_channel_once(
    any_services: Services, channel_server: ChannelServer, tmp_path: Path
) -> None:
    for path in ("/one", "/two"):
        add_channel(any_services, channel_server, path)
    await send(any_services, NOW)  # the greetings
    greetings = len(channel_server.heard)

    for _ in range(2):
        plan(any_services)
        await send(any_services)

    paths = sorted(request.path for request in channel_server.heard[greetings:])
    assert (greetings, paths) == (2, ["/one", "/two"])
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    assert list_states(any_services) == [STATES.ACCEPTED] * 3
    assert count_sent_papers(any_services) == 3


async def test_channels_instead_of_mail(
    services: Services, channel_server: ChannelServer, tmp_path: Path
) -> None:
    channel = add_channel(services, channel_server)
    choose_channels_only(services)

    plan(services)
    await send(services)

    reader, _, (digest,) = load(services)
    assert (digest.channel_id, digest.address) == (channel.id, f"webhook-{channel.public_id}@127.0.0.1")
    assert digest.day is not None
    assert load_planned_edition(services.store, reader, digest.day) is not None
    assert not list((tmp_path / "outbox").glob("*.eml"))
    assert b"Napping, Part 1" in channel_server.heard[-1].body


@pytest.mark.parametrize(("answer", "note"), [(404, "gone"), (401, "revoked")])
async def test_a_dead_webhook_fails_and_mail_takes_over(
    services: Services, channel_server: ChannelServer, answer: int, note: str, tmp_path: Path
) -> None:
    add_channel(services, channel_server)
    choose_channels_only(services)
    await send(services, NOW)
    channel_server.answers = [answer]

    plan(services)
    await send(services)

    _, (channel,), _ = load(services)
    assert (channel.state, channel.note) == (ChannelState.FAILED, note)
    assert count_sent_papers(services) == 0  # another day may bring them
    add_papers(services, MORNING + timedelta(hours=1))
    plan(services, MORNING + timedelta(days=1))
    await send(services, MORNING + timedelta(days=1))
    assert list_states(services) == [STATES.REJECTED, STATES.ACCEPTED]
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    assert count_sent_papers(services) == 3


async def test_a_rate_limit_delays_one_host_and_loses_nothing(
    services: Services, channel_server: ChannelServer
) -> None:
    add_channel(services, channel_server)
    await send(services, NOW)
    channel_server.answers = [429]

    plan(services)
    await send(services)
    assert list_states(services) == [STATES.ACCEPTED, STATES.QUEUED]

    await send(services, MORNING + timedelta(hours=1))
    assert list_states(services) == [STATES.ACCEPTED, STATES.ACCEPTED]
    assert load(services)[1][0].note == ""


async def test_a_lost_reply_makes_two_copies_and_never_three(
    services: Services, channel_server: ChannelServer
) -> None:
    add_channel(services, channel_server)
    await send(services, NOW)
    greetings = len(channel_server.heard)
    channel_server.answers = [0] * 10

    plan(services)
    for minutes in range(0, 60, 10):
        await send(services, MORNING + timedelta(minutes=minutes))

    assert len(channel_server.heard) - greetings == 2
    assert list_states(services) == [STATES.ACCEPTED, STATES.UNCERTAIN]


async def test_papers_that_reached_a_channel_are_not_repeated_when_the_mail_failed(
    any_services: Services, channel_server: ChannelServer
) -> None:
    add_channel(any_services, channel_server)
    plan(any_services)

    await send(any_services, mail=False)  # the mail server is away until the mail is old news
    await send(any_services, MORNING + timedelta(days=2))

    assert list_states(any_services) == [STATES.EXPIRED, STATES.ACCEPTED]
    assert count_sent_papers(any_services) == 3


@pytest.mark.parametrize("action", ["pause", "remove", "unsubscribe"])
async def test_what_was_planned_is_cancelled_when_it_is_not_wanted_any_more(
    any_services: Services, channel_server: ChannelServer, action: str, tmp_path: Path
) -> None:
    channel = add_channel(any_services, channel_server)
    choose_channels_only(any_services)
    await send(any_services, NOW)
    greetings = len(channel_server.heard)
    plan(any_services)

    with any_services.store.begin() as tx:
        reader = tx.subscribers.get_by_address(ADA)
        if action == "pause":
            channels.pause_channel(tx, ADA, channel.public_id, actor=ACTOR)
        elif action == "remove":
            channels.remove_channel(tx, ADA, channel.public_id, actor=ACTOR)
        else:
            subscribers.unsubscribe(tx, reader.public_id, actor=ACTOR)
    await send(any_services)

    assert len(channel_server.heard) == greetings
    assert list_states(any_services) == [STATES.CANCELLED]
    assert count_sent_papers(any_services) == 0


async def test_a_channel_that_is_not_reached_for_days_fails(
    any_services: Services, channel_server: ChannelServer
) -> None:
    add_channel(any_services, channel_server)
    await send(any_services, NOW)
    channel_server.answers = [503] * 100

    for day in range(5):
        add_papers(any_services, NOW + timedelta(days=day, hours=1))
        plan(any_services, MORNING + timedelta(days=day))
        for hours in (0, 1, 2):
            await send(any_services, MORNING + timedelta(days=day, hours=hours))
        state = load(any_services)[1][0].state
        assert state is (ChannelState.FAILED if day >= 3 else ChannelState.ACTIVE), day

    with any_services.store.begin() as tx:
        channels.resume_channel(tx, ADA, load(any_services)[1][0].public_id, actor=ACTOR)
    assert load(any_services)[1][0].failing_since is None


async def test_an_address_sealed_under_another_key_is_not_used(
    services: Services, channel_server: ChannelServer
) -> None:
    add_channel(services, channel_server)
    other = services.settings.model_copy(update={"secret_key": SecretStr("a different secret of 32 chars..")})
    later = Services(other, services.store)

    plan(later)
    await send(later)

    _, (channel,), _ = load(later)
    assert (channel.state, channel.note) == (ChannelState.FAILED, "address-unreadable")
    assert not channel_server.heard


async def test_no_channels_without_allowed_hosts(services: Services, channel_server: ChannelServer) -> None:
    add_channel(services, channel_server)
    without = Services(services.settings.model_copy(update={"channel_hosts": ()}), services.store)

    plan(without)

    assert len(load(without)[2]) == 1


def test_the_address_is_sealed_and_never_in_the_audit_log(
    services: Services, channel_server: ChannelServer
) -> None:
    channel = add_channel(services, channel_server, "/very-secret")

    with services.store.begin(write=False) as tx:
        lines = tx.audit.search()
    assert "very-secret" not in channel.sealed_url + repr(channel) + repr(lines)
    assert services.sealer.open(channel.sealed_url).endswith("/very-secret")
    assert lines[0].action == "add-channel"
