"""No page asks the database in the event loop's own thread: one that does not answer would hold them all."""

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
from digest.subscribers import Actor, enrol
from digest.web.app import build
from tests.factories import NOW
from tests.web.visit import ADMIN, BASE, Clock, Look, path_of, sign_up

SECRET = "what only the provider and we know"


@contextmanager
def asked_by(services: Services) -> Iterator[set[int]]:
    """The threads in which the database was asked for something."""
    threads: set[int] = set()

    def note(*_: object) -> None:
        threads.add(threading.get_ident())

    sa.event.listen(services.store.engine, "begin", note)
    yield threads
    sa.event.remove(services.store.engine, "begin", note)


def links(services: Services, ada: Subscriber, carol: Subscriber) -> Iterator[tuple[str, str]]:
    """Every kind of page: whether it is opened or answered, and where it is."""
    confirm = path_of(services.links.confirm(carol.pid, expires=NOW + timedelta(hours=72)))
    leave = path_of(services.links.unsubscribe(ada.pid))
    yield from (
        ("GET", path) for path in ("/", "/papers?q=sheep", "/archive", "/feed.atom", "/readyz", "/admin")
    )
    yield from (("GET", confirm), ("POST", confirm), ("POST", f"{confirm}/no"))
    yield from (("GET", path_of(services.links.preferences(ada.pid))), ("GET", leave))
    yield from (
        ("POST", leave),
        ("POST", f"{leave}/undo"),
        ("GET", "/admin/subscribers"),
        ("GET", "/admin/audit"),
    )


async def test_pages_ask_the_database_in_threads_of_their_own(
    services: Services, visitor: AsyncClient, clock: Clock, ada: Subscriber, reader_now: Look
) -> None:
    with asked_by(services) as threads:
        await sign_up(visitor, clock, "carol@example.com")
    assert threading.get_ident() not in threads
    visitor.cookies.clear()
    carol = reader_now("carol@example.com")
    assert carol
    await visitor.post("/admin/login", data={"token": ADMIN}, headers={"origin": BASE})
    every = [*links(services, ada, carol)]
    in_the_loop = []
    for method, path in every:
        with asked_by(services) as threads:
            assert (await visitor.request(method, path)).status_code < 400, path
        in_the_loop += [path] if threading.get_ident() in threads else []
    assert not in_the_loop


async def test_a_bounce_is_taken_down_in_a_thread_of_its_own(services: Services) -> None:
    hears = replace(
        services, settings=services.settings.model_copy(update={"bounce_secret": SecretStr(SECRET)})
    )
    with services.store.begin() as tx:
        reader = enrol(
            tx, "ada@example.com", {}, has_consented=False, by=Actor("test", NOW, services.suppression_key)
        )
        (delivery,) = tx.deliveries.history(reader.id)
    body = json.dumps({"envelope": hears.mail_from(delivery), "type": "hard", "code": "5.1.1"}).encode()
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()))
    transport = ASGITransport(build(hears, clock=Clock()))
    with asked_by(services) as threads:
        async with AsyncClient(transport=transport, base_url=BASE) as provider:
            answer = await provider.post(
                "/webhooks/bounces", content=body, headers={"x-digest-signature": signature}
            )
    assert answer.json() == {"heard": True}
    assert threads
    assert threading.get_ident() not in threads
