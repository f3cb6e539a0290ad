"""Notices leave as soon as they are queued, whoever queued them; the minute's tick does not matter."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from digest import subscribers
from digest.app import run
from digest.app.services import Services, open_services
from digest.db import Database
from digest.models import Status
from digest.subscribers import Actor
from digest.tools.demo.scenario import IsolatedSettings
from digest.web.app import create_app
from digest.worker.scheduler import build_scheduler, send_notices
from tests.smtp_server import Action, Reply, Session, SmtpServer, SmtpStage

SECONDS = 2.0  # within which a confirmation leaves


class Inbox:
    """Rule of an SMTP server that lets a test wait for the next accepted message."""

    def __init__(self) -> None:
        self.refuses = False
        self.greetings = 0
        self.recipients: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, stage: SmtpStage, session: Session) -> Action | None:
        if stage == "greeting":
            self.greetings += 1
            return Reply(421, "4.3.2 come back later") if self.refuses else None
        if stage == "dot":
            self.recipients.put_nowait(session.rcpt_to)
        return None

    async def wait(self) -> str:
        return await asyncio.wait_for(self.recipients.get(), SECONDS)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def server(inbox: Inbox) -> AsyncIterator[SmtpServer]:
    async with SmtpServer(rule=inbox).running() as running:
        yield running


@pytest.fixture
def services(server: SmtpServer, tmp_path: Path) -> Iterator[Services]:
    opened = open_services(
        IsolatedSettings(
            database_url=f"sqlite:///{tmp_path}/digest.sqlite3",
            smtp_url=SecretStr(f"{server.url}?tls=none"),
            vectors="none",
        )
    )
    yield opened
    opened.close()


@asynccontextmanager
async def sending_notices(services: Services, sending: asyncio.Lock | None = None) -> AsyncIterator[None]:
    sender = asyncio.create_task(send_notices(services, now, sending or asyncio.Lock()))
    try:
        yield
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


def now() -> datetime:
    return datetime.now(UTC)


def act(services: Services) -> Actor:
    return Actor("test", now(), services.suppression_key)


async def test_confirmation_and_welcome_leave_within_two_seconds(services: Services, inbox: Inbox) -> None:
    app = create_app(services)
    async with (
        sending_notices(services),
        AsyncClient(transport=ASGITransport(app), base_url=services.settings.base_url) as visitor,
    ):
        assert (await visitor.post("/subscribe", json={"email": "ada@example.com"})).status_code == 202
        assert await inbox.wait() == "ada@example.com"
        with services.store.begin(write=False) as tx:
            ada = tx.subscribers.get_by_address("ada@example.com")
        link = services.links.confirm_url(ada.public_id, expires=now() + timedelta(days=1))
        assert (await visitor.post(link)).status_code == 200
        assert await inbox.wait() == "ada@example.com"


async def test_what_another_process_queues_leaves_within_two_seconds(
    services: Services, inbox: Inbox
) -> None:
    other = Database.open(services.settings.database_url)
    async with sending_notices(services):
        with other.begin() as tx:
            reader = subscribers.add_subscriber(
                tx, "ada@example.com", {}, has_consented=True, actor=act(services)
            )
            subscribers.change_address(tx, reader.public_id, "new@example.com", actor=act(services))
        assert await inbox.wait() == "new@example.com"
    other.close()


async def test_notices_wait_while_the_tick_sends_and_leave_after_it(services: Services, inbox: Inbox) -> None:
    sending = asyncio.Lock()
    async with sending_notices(services, sending):
        async with sending:
            with services.store.begin() as tx:
                subscribers.sign_up(tx, "ada@example.com", actor=act(services))
            await asyncio.sleep(0)
            assert inbox.recipients.empty()
        assert await inbox.wait() == "ada@example.com"


async def test_notices_are_left_to_another_process_that_is_sending(
    services: Services, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "ada@example.com", actor=act(services))
    other = Database.open(services.settings.database_url)
    with caplog.at_level(logging.INFO, "digest.worker.scheduler"):
        with other.lock_sender():
            async with sending_notices(services):
                while "notices left to another process" not in caplog.text:  # noqa: ASYNC110  a log has no event
                    await asyncio.sleep(0.01)
        assert inbox.recipients.empty()
    other.close()
    async with sending_notices(services):
        assert await inbox.wait() == "ada@example.com"


async def test_server_that_is_down_is_not_asked_each_second(services: Services, inbox: Inbox) -> None:
    inbox.refuses = True
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "ada@example.com", actor=act(services))
    assert run.is_notice_due(services, now())
    await run.send(services, now)
    assert inbox.greetings >= 1
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.get_by_address("ada@example.com").status is Status.UNCONFIRMED
    assert not run.is_notice_due(services, now())


async def test_a_tick_that_falls_due_during_another_is_left_out_silently(
    caplog: pytest.LogCaptureFixture,
) -> None:
    started, ending, ticks = asyncio.Event(), asyncio.Event(), []

    async def tick(now: datetime) -> None:
        ticks.append(now)
        started.set()
        await ending.wait()

    jobs = build_scheduler(tick, interval=3600)
    jobs.start()
    await asyncio.wait_for(started.wait(), SECONDS)
    finished = asyncio.Event()
    jobs.add_listener(lambda _: finished.set(), EVENT_JOB_EXECUTED)
    jobs.modify_job("tick", next_run_time=datetime.now(UTC))  # as if an hour had passed
    await asyncio.wait_for(finished.wait(), SECONDS)

    assert len(ticks) == 1
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    ending.set()
    jobs.shutdown(wait=False)
