"""Saved papers on their way to Zotero: once, later when it is down, not after its key was refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from digest.db import Database
from digest.models import Subscriber
from digest.models.saved_papers import ZoteroAccount, ZoteroProblem
from digest.models.sealing import Sealer
from digest.pipeline.zotero import ZoteroServices, send_saved_papers
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.subscribers import Actor
from digest.subscribers.saved_papers import connect_zotero, disconnect_zotero, resend_to_zotero, save_paper
from tests.delivery.harness import DeliveryHarness
from tests.factories import NOW, make_paper
from tests.replay_server import RecordedRequest, ReplayServer, Reply

KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
ITEMS = "/users/4711/items"
PAPERS = [make_paper(f"Sheep {number}", id=f"arxiv:2611.{number:05d}") for number in range(41, 44)]
ACTOR = Actor("reader", NOW, b"key")


class Clock:
    """The time of the test."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer() as started:
        yield started


@pytest.fixture
def reader(store: Database) -> Subscriber:
    """A reader with a connected library and three saved papers."""
    ada = DeliveryHarness(store).add_reader()
    with store.begin() as tx:
        tx.papers.add(PAPERS, seen_at=NOW)
        connect_zotero(tx, ada, "users/4711", KEY, sealer=Sealer([b"secret"]), actor=ACTOR)
        for paper in PAPERS:
            assert save_paper(tx, ada, paper, actor=ACTOR)
    return ada


@pytest.fixture
def services(store: Database, server: ReplayServer) -> ZoteroServices:
    policy = ClientPolicy(user_agent="test", interval=0, attempts=1, read_timeout=0.5)
    return ZoteroServices(
        store,
        lambda: Sealer([b"secret"]),
        lambda: Client(policy, trusted_urls=(server.url,)),
        server.url,
    )


def _take_all(request: RecordedRequest) -> Reply:
    items = json.loads(request.body)
    success = {str(number): item["key"] for number, item in enumerate(items)}
    return Reply(body=json.dumps({"success": success, "unchanged": {}, "failed": {}}).encode())


def _find_account(store: Database, reader: Subscriber) -> ZoteroAccount:
    with store.begin(write=False) as tx:
        account = tx.zotero_accounts.find(reader.id)
    assert account
    return account


async def test_papers_are_sent_once_and_those_saved_later_too(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, _take_all)
    later = make_paper("Goats", id="arxiv:2611.00050")

    assert await send_saved_papers(services, clock) == 3
    assert await send_saved_papers(services, clock) == 0
    with services.store.begin() as tx:
        tx.papers.add([later], seen_at=NOW)
        save_paper(tx, reader, later, actor=ACTOR)
    assert await send_saved_papers(services, clock) == 1

    titles = [[item["title"] for item in json.loads(request.body)] for request in server.requests]
    assert titles == [[paper.title for paper in PAPERS], ["Goats"]]
    assert server.requests[0].headers["Zotero-API-Key"] == KEY
    with services.store.begin(write=False) as tx:
        assert all(saved.zotero_at == NOW for saved in tx.saved_papers.list_by_subscriber(reader.id))


async def test_a_zotero_that_is_down_is_tried_again_later_and_later(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, Reply(status=503))
    waits = []
    for _ in range(3):
        assert await send_saved_papers(services, clock) == 0
        account = _find_account(services.store, reader)
        assert account.next_at
        waits.append(account.next_at - clock.now)
        assert await send_saved_papers(services, clock) == 0  # nothing is due
        clock.now = account.next_at

    assert waits == [timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1)]
    assert _find_account(services.store, reader).problem == "unreachable answered 503 Service Unavailable"
    assert len(server.requests) == 3
    server.set_replies(ITEMS, _take_all)
    assert await send_saved_papers(services, clock) == 3
    assert replace(_find_account(services.store, reader), connected_at=NOW).problem == ""


async def test_a_429_is_waited_for_as_long_as_it_says(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, Reply(status=429, headers={"Retry-After": "1800"}))

    await send_saved_papers(services, clock)

    account = _find_account(services.store, reader)
    assert account.next_at == NOW + timedelta(minutes=30)
    assert "429 Too Many Requests" in account.problem


async def test_after_many_attempts_it_waits_for_the_next_saved_paper(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, Reply(status=500))
    while (account := _find_account(services.store, reader)).next_at:
        clock.now = account.next_at
        await send_saved_papers(services, clock)

    assert len(server.requests) == 14
    with services.store.begin() as tx:
        paper = make_paper("Goats", id="arxiv:2611.00050")
        tx.papers.add([paper], seen_at=NOW)
        save_paper(tx, reader, paper, actor=replace(ACTOR, now=clock.now))
    assert _find_account(services.store, reader).next_at == clock.now


@pytest.mark.parametrize("status", [403, 404])
async def test_a_refused_key_is_deleted_and_the_reader_told(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock, status: int
) -> None:
    server.set_replies(ITEMS, Reply(status=status))

    await send_saved_papers(services, clock)

    account = _find_account(services.store, reader)
    assert (account.sealed_key, account.next_at, account.problem) == ("", None, ZoteroProblem.REFUSED)
    clock.now += timedelta(days=30)
    assert await send_saved_papers(services, clock) == 0
    assert len(server.requests) == 1


async def test_a_key_sealed_under_another_secret_is_asked_for_again(
    services: ZoteroServices, reader: Subscriber, clock: Clock
) -> None:
    await send_saved_papers(replace(services, sealer=lambda: Sealer([b"another"])), clock)

    assert _find_account(services.store, reader).problem == ZoteroProblem.UNREADABLE


async def test_a_rejected_paper_is_named_and_does_not_hold_up_the_others(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    failed = {"1": {"code": 400, "message": "not a valid field"}}
    server.set_replies(ITEMS, Reply(body=json.dumps({"success": {}, "failed": failed}).encode()))

    assert await send_saved_papers(services, clock) == 2

    account = _find_account(services.store, reader)
    assert account.problem == "rejected Sheep 42: not a valid field"
    assert account.next_at is None
    assert account.sealed_key
    server.set_replies(ITEMS, _take_all)
    with services.store.begin() as tx:
        resend_to_zotero(tx, reader, actor=ACTOR)
    assert await send_saved_papers(services, clock) == 3


async def test_what_its_reader_changed_during_an_attempt_stays(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    def disconnect(request: RecordedRequest) -> Reply:
        with services.store.begin() as tx:
            disconnect_zotero(tx, reader, actor=ACTOR)
        return _take_all(request)

    server.set_replies(ITEMS, disconnect)

    await send_saved_papers(services, clock)

    with services.store.begin(write=False) as tx:
        assert tx.zotero_accounts.find(reader.id) is None
        assert all(saved.zotero_at is None for saved in tx.saved_papers.list_by_subscriber(reader.id))


async def test_while_sending_is_paused_nothing_is_sent(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, _take_all)
    with services.store.begin() as tx:
        tx.meta.pause("a restored copy")
    assert await send_saved_papers(services, clock) == 0

    with services.store.begin() as tx:
        tx.meta.resume()
    assert await send_saved_papers(services, clock) == 3


async def test_a_silent_zotero_takes_no_longer_than_the_budget(
    services: ZoteroServices, server: ReplayServer, reader: Subscriber, clock: Clock
) -> None:
    server.set_replies(ITEMS, Reply(silent=True))

    assert await send_saved_papers(services, clock, timeout=0.05) == 0

    account = _find_account(services.store, reader)
    assert account.next_at == NOW + timedelta(minutes=10)  # reserved; then it is tried again
    assert KEY not in account.sealed_key
    assert KEY not in repr(account)
