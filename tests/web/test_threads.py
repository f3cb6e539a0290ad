"""No request queries the database in the thread of the event loop: a slow query would block all others."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from digest.app.services import Services
from digest.delivery.bounces.mailbox import sign_webhook
from digest.models import Subscriber
from digest.subscribers import Actor, add_subscriber
from digest.web.app import ROUTE_MODULES, create_app
from digest.web.routing import WebRoute
from tests.factories import NOW
from tests.web.visit import ADMIN, BASE, Clock, ReaderLookup, sign_up, url_path

SECRET = "what only the provider and we know"


@contextmanager
def record_threads(services: Services) -> Iterator[set[int]]:
    """Record the threads that begin a database transaction."""
    threads: set[int] = set()

    def record(*_: object) -> None:
        threads.add(threading.get_ident())

    sa.event.listen(services.store.engine, "begin", record)
    yield threads
    sa.event.remove(services.store.engine, "begin", record)


def list_requests(services: Services, ada: Subscriber, carol: Subscriber) -> Iterator[tuple[str, str]]:
    """Yield method and path of every kind of page."""
    confirm = url_path(services.links.confirm_url(carol.public_id, expires=NOW + timedelta(hours=72)))
    unsubscribe = url_path(services.links.unsubscribe_url(ada.public_id))
    yield from (
        ("GET", path) for path in ("/", "/papers?q=sheep", "/archive", "/feed.atom", "/readyz", "/admin")
    )
    yield from (("GET", confirm), ("POST", confirm), ("POST", f"{confirm}/no"))
    yield from (("GET", url_path(services.links.preferences_url(ada.public_id))), ("GET", unsubscribe))
    yield from (
        ("POST", unsubscribe),
        ("POST", f"{unsubscribe}/undo"),
        ("GET", "/admin/subscribers"),
        ("GET", "/admin/audit"),
    )


async def test_pages_query_the_database_in_worker_threads(
    services: Services, visitor: AsyncClient, clock: Clock, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    with record_threads(services) as threads:
        await sign_up(visitor, clock, "carol@example.com")
    assert threading.get_ident() not in threads
    visitor.cookies.clear()
    carol = find_reader("carol@example.com")
    assert carol
    await visitor.post("/admin/login", data={"token": ADMIN}, headers={"origin": BASE})
    requests = [*list_requests(services, ada, carol)]
    in_event_loop = []
    for method, path in requests:
        with record_threads(services) as threads:
            assert (await visitor.request(method, path)).status_code < 400, path
        in_event_loop += [path] if threading.get_ident() in threads else []
    assert not in_event_loop


async def test_a_bounce_webhook_writes_in_a_worker_thread(services: Services) -> None:
    receiving = replace(
        services, settings=services.settings.model_copy(update={"bounce_secret": SecretStr(SECRET)})
    )
    with services.store.begin() as tx:
        reader = add_subscriber(
            tx, "ada@example.com", {}, has_consented=False, actor=Actor("test", NOW, services.suppression_key)
        )
        (delivery,) = tx.deliveries.list_by_subscriber(reader.id)
    body = json.dumps(
        {"envelope": receiving.get_mail_from(delivery), "type": "hard", "code": "5.1.1"}
    ).encode()
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()))
    transport = ASGITransport(create_app(receiving, clock=Clock()))
    with record_threads(services) as threads:
        async with AsyncClient(transport=transport, base_url=BASE) as provider:
            response = await provider.post(
                "/webhooks/bounces", content=body, headers={"x-digest-signature": signature}
            )
    assert response.json() == {"heard": True}
    assert threads
    assert threading.get_ident() not in threads


async def test_pages_do_not_wait_for_those_who_wait_to_write(
    services: Services, visitor: AsyncClient, ada: Subscriber
) -> None:
    with services.store.begin(write=False) as tx:
        (paper, *_) = tx.papers.list_candidates(NOW - timedelta(days=1), NOW)
    vote = url_path(services.links.more_url(ada.public_id, paper.id))
    with services.store.begin():  # holds the write lock, for which sixty readers then wait
        votes = [asyncio.create_task(visitor.post(vote)) for _ in range(60)]
        await asyncio.sleep(0)
        assert (await visitor.get("/")).status_code == 200
        assert not any(task.done() for task in votes)
    assert {(await task).status_code for task in votes} == {200}


def test_every_handler_that_writes_leaves_the_threads_of_pages_alone() -> None:
    routes = [route for module in ROUTE_MODULES for route in module.router.routes]
    assert all(isinstance(route, WebRoute) for route in routes)
