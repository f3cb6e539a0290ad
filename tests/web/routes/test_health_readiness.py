"""Tests that /readyz fails while nothing can be written or sent, and recovers afterwards."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient

from digest.app import run
from digest.app.services import Services
from digest.app.settings import load_settings
from digest.db import Database
from digest.db.dialects import is_postgres
from digest.subscribers import Actor, add_subscriber
from digest.web.app import create_app
from digest.web.context import PROBE_INTERVAL
from tests.delivery.faults import (
    ConnectionBlocker,
    full_disk_on_request,
    open_other_connection,
    short_lock_timeout,
)
from tests.factories import NOW
from tests.smtp_server import Reply, SmtpServer
from tests.web.visit import BASE, Clock


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().running() as running:
        yield running


@pytest.fixture
def services(any_store: Database, server: SmtpServer) -> Services:
    """The services on each of the two databases, with a mail server of the tests."""
    settings = load_settings(
        base_url=BASE, secret_key="a secret of the tests", smtp_url=server.url, smtp_connections=1
    )
    return Services(settings, any_store)


@pytest.fixture
async def visitor(services: Services, clock: Clock) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(create_app(services, clock=clock))
    async with AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def fetch_readiness(visitor: AsyncClient, clock: Clock) -> tuple[int, dict[str, str]]:
    """Return status and body of /readyz, so much later that the write probe runs again."""
    clock.now += PROBE_INTERVAL
    response = await visitor.get("/readyz")
    return response.status_code, response.json()


def queue_mail(services: Services) -> None:
    with services.store.begin() as tx:
        add_subscriber(
            tx, "ada@example.com", {}, has_consented=False, actor=Actor("test", NOW, services.suppression_key)
        )


@pytest.mark.parametrize("reply", [Reply(550, "5.7.1 not from you"), Reply(530, "5.7.0 log in first")])
async def test_12_not_ready_while_the_server_refuses_us_and_ready_when_it_takes_mail_again(
    services: Services, server: SmtpServer, visitor: AsyncClient, clock: Clock, reply: Reply
) -> None:
    queue_mail(services)
    server.rule = lambda step, _talk: reply if step == "mail" else None
    await run.send(services, clock)
    status, facts = await fetch_readiness(visitor, clock)
    assert status == 503
    assert facts["way_out"].startswith("smtp-1: ")
    server.rule = None
    breaker, later = services.routes[0].breaker, services.routes[0].breaker.clock() + 600
    breaker.clock = lambda: later
    assert (await run.send(services, clock)).accepted == 1
    assert await fetch_readiness(visitor, clock) == (200, facts | {"ready": True, "way_out": "ok"})


async def test_13_not_ready_when_no_server_was_reached_for_a_quarter_of_an_hour_but_not_at_once(
    services: Services, server: SmtpServer, visitor: AsyncClient, clock: Clock
) -> None:
    queue_mail(services)
    server.rule = lambda step, _talk: Reply(421, "4.3.2 not now") if step == "greeting" else None
    statuses, breaker, begun = [], services.routes[0].breaker, services.routes[0].breaker.clock()
    for minutes in (0, 6, 16):
        now = begun + timedelta(minutes=minutes).total_seconds()
        breaker.clock = lambda now=now: now  # type: ignore[misc]  # bound at once
        await run.send(services, clock)
        statuses.append((await fetch_readiness(visitor, clock))[0])
    assert statuses == [200, 200, 503]


async def test_20_not_ready_while_the_disk_is_full_and_ready_when_there_is_space(
    services: Services, visitor: AsyncClient, clock: Clock
) -> None:
    if is_postgres(services.store.engine):
        return  # the disk of its server cannot be filled here
    assert (await fetch_readiness(visitor, clock))[0] == 200
    with full_disk_on_request() as fill:
        fill()
        status, facts = await fetch_readiness(visitor, clock)
    assert status == 503
    assert facts["database"].startswith("The database refused")
    assert (await fetch_readiness(visitor, clock))[0] == 200


async def test_19_not_ready_while_the_database_is_locked_or_away_and_ready_when_it_is_back(
    services: Services, visitor: AsyncClient, clock: Clock, request: pytest.FixtureRequest
) -> None:
    assert (await fetch_readiness(visitor, clock))[0] == 200
    if is_postgres(services.store.engine):
        blocker = ConnectionBlocker(services.store, request.getfixturevalue("postgres"))
        blocker.block()
        status, facts = await fetch_readiness(visitor, clock)
        blocker.unblock()
    else:
        with short_lock_timeout(services.store), open_other_connection(services.store) as other:
            other.execute("BEGIN IMMEDIATE")
            status, facts = await fetch_readiness(visitor, clock)
    assert status == 503
    assert facts["database"] != "ok"
    assert (await fetch_readiness(visitor, clock))[0] == 200


async def test_the_write_probe_is_cached(services: Services, visitor: AsyncClient) -> None:
    await visitor.get("/readyz")
    with services.store.begin() as tx:
        tx.meta.delete("pulse")
    await visitor.get("/readyz")
    with services.store.begin(write=False) as tx:
        assert tx.meta.read("pulse") == ""
