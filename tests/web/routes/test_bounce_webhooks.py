"""The bounce webhook believes what is signed with our secret, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import respx
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from digest.app.services import Services, open_services
from digest.app.settings import load
from digest.delivery.bounces.mailbox import sign_webhook
from digest.models import Status, Subscriber
from digest.subscribers import Actor, enrol
from digest.web.app import build
from tests.delivery.bounces.test_amazon import CERTIFICATE, TOPIC, certificate, posted
from tests.factories import NOW
from tests.web.visit import BASE, Clock

SECRET = "what only the provider and we know"


@pytest.fixture
def services(services: Services) -> Services:
    """The house of all pages, told of bounces by who knows the secret."""
    return replace(
        services, settings=services.settings.model_copy(update={"bounce_secret": SecretStr(SECRET)})
    )


@pytest.fixture
def reader(services: Services) -> Subscriber:
    """Somebody with a mail on its way."""
    with services.store.begin() as tx:
        return enrol(
            tx, "ada@example.com", {}, has_consented=False, by=Actor("test", NOW, services.suppression_key)
        )


def _report(services: Services, reader: Subscriber, kind: str) -> bytes:
    with services.store.begin(write=False) as tx:
        (delivery,) = tx.deliveries.history(reader.id)
    return json.dumps({"envelope": services.mail_from(delivery), "type": kind, "code": "5.1.1"}).encode()


async def _post(app: FastAPI, body: bytes, signature: str) -> Response:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        return await client.post("/webhooks/bounces", content=body, headers={"x-digest-signature": signature})


async def test_a_signed_hard_bounce_ends_our_writing_to_the_address(
    services: Services, reader: Subscriber
) -> None:
    app, body = build(services, clock=Clock()), _report(services, reader, "hard")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()))
    assert (await _post(app, body, signature)).json() == {"heard": True}
    assert (await _post(app, body, signature)).json() == {"heard": False}
    with services.store.begin(write=False) as tx:
        assert sum(tx.suppressions.count().values()) == 1
        assert tx.subscribers.by_id(reader.id).status is not Status.CONFIRMED


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense"])
async def test_what_is_not_signed_is_refused(services: Services, reader: Subscriber, signature: str) -> None:
    body = _report(services, reader, "hard")
    assert (await _post(build(services, clock=Clock()), body, signature)).status_code == 404
    with services.store.begin(write=False) as tx:
        assert not tx.suppressions.count()


async def test_a_signature_of_an_hour_ago_is_refused(services: Services, reader: Subscriber) -> None:
    body = _report(services, reader, "complaint")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()) - 3600)
    assert (await _post(build(services, clock=Clock()), body, signature)).status_code == 404


async def test_without_a_secret_there_is_no_webhook(tmp_path: Path) -> None:
    services = open_services(load(database_url=f"sqlite:///{tmp_path}/other.sqlite3", base_url=BASE))
    signature = sign_webhook(b"{}", b"", at=int(NOW.timestamp()))
    assert (await _post(build(services, clock=Clock()), b"{}", signature)).status_code == 404
    services.close()


async def _tell(services: Services, body: bytes) -> Response:
    async with AsyncClient(transport=ASGITransport(build(services, clock=Clock())), base_url=BASE) as client:
        return await client.post("/webhooks/ses", content=body)


async def test_a_complaint_that_amazon_signed_ends_our_writing_to_the_address(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite3"
    services = open_services(load(database_url=url, base_url=BASE, sns_topics=(TOPIC,)))
    with services.store.begin() as tx:
        reader = enrol(
            tx, "ada@example.com", {}, has_consented=False, by=Actor("test", NOW, services.suppression_key)
        )
        (delivery,) = tx.deliveries.history(reader.id)
    mail = {"source": services.mail_from(delivery)}
    body = posted(Message=json.dumps({"mail": mail, "notificationType": "Complaint", "complaint": {}}))
    with respx.mock() as amazon:
        amazon.get(CERTIFICATE).respond(content=certificate())
        answers = [
            await _tell(services, body),
            await _tell(services, body),
            await _tell(services, body[:-9] + b"}"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [answer.json() for answer in answers[:2]] == [{"heard": True}, {"heard": False}]
    with services.store.begin(write=False) as tx:
        assert [str(reason) for reason in tx.suppressions.count()] == ["complaint"]
    services.close()


async def test_without_a_topic_amazon_finds_nobody(services: Services) -> None:
    assert (await _tell(services, posted())).status_code == 404
