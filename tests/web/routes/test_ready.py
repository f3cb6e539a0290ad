"""Is readiness red while nothing can be written or sent, and green again afterwards?"""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.app.settings import load
from digest.db import Database
from digest.db.dialects import is_postgres
from digest.pipeline import run
from digest.subscribers import Actor, enrol
from digest.web.app import build
from digest.web.write_probe import EVERY
from tests.delivery.trouble import Doorman, full_disk_on_request, hasty, intruder
from tests.factories import NOW
from tests.smtp_server import Say, SmtpServer
from tests.web.visit import BASE, Clock


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer().running() as running:
        yield running


@pytest.fixture
def services(any_store: Database, server: SmtpServer) -> Services:
    """A house on each of the two databases, with a mail server of ours."""
    settings = load(
        base_url=BASE, secret_key="a secret of the tests", smtp_url=server.url, smtp_connections=1
    )
    return Services(settings, any_store)


@pytest.fixture
async def visitor(services: Services, clock: Clock) -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(build(services, clock=clock))
    async with AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def ready(visitor: AsyncClient, clock: Clock) -> tuple[int, dict[str, str]]:
    """The answer, asked so much later that it is not the last one."""
    clock.now += EVERY
    answer = await visitor.get("/readyz")
    return answer.status_code, answer.json()


def someone_waits(services: Services) -> None:
    with services.store.begin() as tx:
        enrol(tx, "ada@example.com", {}, has_consented=False, by=Actor("test", NOW, services.suppression_key))


@pytest.mark.parametrize("reply", [Say(550, "5.7.1 not from you"), Say(530, "5.7.0 log in first")])
async def test_12_red_while_the_server_refuses_us_and_green_when_it_takes_mail_again(
    services: Services, server: SmtpServer, visitor: AsyncClient, clock: Clock, reply: Say
) -> None:
    someone_waits(services)
    server.rule = lambda step, _talk: reply if step == "mail" else None
    await run.send(services, clock)
    status, facts = await ready(visitor, clock)
    assert status == 503
    assert facts["way_out"].startswith("smtp-1: ")
    server.rule = None
    breaker, later = services.routes[0].breaker, services.routes[0].breaker.clock() + 600
    breaker.clock = lambda: later
    assert (await run.send(services, clock)).accepted == 1
    assert await ready(visitor, clock) == (200, facts | {"ready": True, "way_out": "ok"})


async def test_13_red_when_nobody_was_reached_for_a_quarter_of_an_hour_but_not_at_once(
    services: Services, server: SmtpServer, visitor: AsyncClient, clock: Clock
) -> None:
    someone_waits(services)
    server.rule = lambda step, _talk: Say(421, "4.3.2 not now") if step == "greeting" else None
    statuses, breaker, begun = [], services.routes[0].breaker, services.routes[0].breaker.clock()
    for minutes in (0, 6, 16):
        now = begun + timedelta(minutes=minutes).total_seconds()
        breaker.clock = lambda now=now: now  # type: ignore[misc]  # bound at once
        await run.send(services, clock)
        statuses.append((await ready(visitor, clock))[0])
    assert statuses == [200, 200, 503]


async def test_20_red_while_the_disk_is_full_and_green_when_there_is_space(
    services: Services, visitor: AsyncClient, clock: Clock
) -> None:
    if is_postgres(services.store.engine):
        return  # its disk is its own; out of reach, below
    assert (await ready(visitor, clock))[0] == 200
    with full_disk_on_request() as fill:
        fill()
        status, facts = await ready(visitor, clock)
    assert status == 503
    assert facts["database"].startswith("The database refused")
    assert (await ready(visitor, clock))[0] == 200


async def test_19_red_while_the_database_is_held_or_away_and_green_when_it_is_back(
    services: Services, visitor: AsyncClient, clock: Clock, request: pytest.FixtureRequest
) -> None:
    assert (await ready(visitor, clock))[0] == 200
    if is_postgres(services.store.engine):
        doorman = Doorman(services.store, request.getfixturevalue("postgres"))
        doorman.close()
        status, facts = await ready(visitor, clock)
        doorman.open()
    else:
        with hasty(services.store), intruder(services.store) as other:
            other.execute("BEGIN IMMEDIATE")
            status, facts = await ready(visitor, clock)
    assert status == 503
    assert facts["database"] != "ok"
    assert (await ready(visitor, clock))[0] == 200


async def test_probing_writes_no_more_often_than_it_must(services: Services, visitor: AsyncClient) -> None:
    await visitor.get("/readyz")
    with services.store.begin() as tx:
        tx.meta.forget("pulse")
    await visitor.get("/readyz")
    with services.store.begin(write=False) as tx:
        assert tx.meta.read("pulse") == ""
