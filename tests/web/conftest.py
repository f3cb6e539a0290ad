"""What tests of the pages are given: a house with a real store, its pages, and a visitor with a browser."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services, open_services
from digest.app.settings import load
from digest.models import Delivery, Profile, Status, Subscriber
from digest.web.app import build
from tests.factories import NOW, paper, signal
from tests.web.visit import ADMIN, BASE, TITLES, VIEWER, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A house with three papers of today, of which the first is the hottest."""
    settings = load(
        database_url=f"sqlite:///{tmp_path}/digest.sqlite3",
        base_url=BASE,
        secret_key="a secret of the tests, long enough",
        admin_token=ADMIN,
        viewer_token=VIEWER,
        reply_to="editor@papers.example.org",
        postal_address="1 Paper Street, Oxford",
    )
    opened = open_services(settings)
    papers = [paper(title, first_seen=None) for title in TITLES]
    with opened.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(hours=6))
        tx.signals.observe(
            signal(each, votes, hours_ago=1) for each, votes in zip(papers, (160, 40, 8), strict=True)
        )
    yield opened
    opened.close()


@pytest.fixture
def app(services: Services, clock: Clock) -> FastAPI:
    return build(services, clock=clock)


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A person with a browser; it keeps cookies and follows nothing by itself."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        yield client


@pytest.fixture
def ada(services: Services) -> Subscriber:
    """A confirmed reader."""
    return _reader(services, "ada@example.com", Status.CONFIRMED)


@pytest.fixture
def bob(services: Services) -> Subscriber:
    """Someone who signed up and has not answered yet."""
    return _reader(services, "bob@example.com", Status.UNCONFIRMED)


def _reader(services: Services, address: str, status: Status) -> Subscriber:
    with services.store.begin() as tx:
        return tx.subscribers.add(
            address, status=status, profile=Profile(keywords=("sheep",)), now=NOW - timedelta(hours=1)
        )


@pytest.fixture
def reader_now(services: Services) -> Callable[[str], Subscriber | None]:
    """How a reader stands at this moment, by address; None when nobody has it."""

    def look(address: str) -> Subscriber | None:
        with services.store.begin(write=False) as tx:
            return next(iter(tx.subscribers.by_addresses([address]).values()), None)

    return look


@pytest.fixture
def mails(services: Services) -> Callable[[str], list[Delivery]]:
    """Everything that is or was in the queue for an address."""

    def look(address: str) -> list[Delivery]:
        with services.store.begin(write=False) as tx:
            readers = tx.subscribers.by_addresses([address]).values()
            return [mail for reader in readers for mail in tx.deliveries.history(reader.id)]

    return look
