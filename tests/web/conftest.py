"""Fixtures of the web tests: services on a real database, the application, and a client with cookies."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.models import Delivery, Profile, Status, Subscriber
from digest.web.app import create_app
from tests.factories import NOW, make_paper, make_signal, store_subscriber
from tests.web.visit import ADMIN, BASE, TITLES, VIEWER, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Services on a database with three papers of today, of which the first has the most votes."""
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path}/digest.sqlite3",
        base_url=BASE,
        secret_key="a secret of the tests, long enough",
        admin_token=ADMIN,
        viewer_token=VIEWER,
        reply_to="editor@papers.example.org",
        postal_address="1 Paper Street, Oxford",
    )
    opened = open_services(settings)
    papers = [make_paper(title, first_seen=None) for title in TITLES]
    with opened.store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(hours=6))
        tx.signals.add(
            make_signal(item, votes, hours_ago=1) for item, votes in zip(papers, (160, 40, 8), strict=True)
        )
    yield opened
    opened.close()


@pytest.fixture
def app(services: Services, clock: Clock) -> FastAPI:
    return create_app(services, clock=clock)


@pytest.fixture
async def visitor(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client that keeps cookies and does not follow redirects."""
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        yield client


@pytest.fixture
def ada(services: Services) -> Subscriber:
    """A confirmed reader."""
    return _add_reader(services, "ada@example.com", Status.CONFIRMED)


@pytest.fixture
def bob(services: Services) -> Subscriber:
    """A subscriber who has not confirmed yet."""
    return _add_reader(services, "bob@example.com", Status.UNCONFIRMED)


def _add_reader(services: Services, address: str, status: Status) -> Subscriber:
    with services.store.begin() as tx:
        return store_subscriber(
            tx, address, status=status, profile=Profile(keywords=("sheep",)), now=NOW - timedelta(hours=1)
        )


@pytest.fixture
def find_reader(services: Services) -> Callable[[str], Subscriber | None]:
    """Look up the subscriber with an address; None if there is none."""

    def find(address: str) -> Subscriber | None:
        with services.store.begin(write=False) as tx:
            return next(iter(tx.subscribers.get_by_addresses([address]).values()), None)

    return find


@pytest.fixture
def find_mails(services: Services) -> Callable[[str], list[Delivery]]:
    """List all deliveries to the subscriber with an address."""

    def find(address: str) -> list[Delivery]:
        with services.store.begin(write=False) as tx:
            readers = tx.subscribers.get_by_addresses([address]).values()
            return [mail for reader in readers for mail in tx.deliveries.list_by_subscriber(reader.id)]

    return find
