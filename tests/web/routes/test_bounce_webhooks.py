"""Tests of the bounce webhooks: only signed reports are accepted."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import respx
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.delivery.bounces.mailbox import sign_webhook
from digest.models import Status, Subscriber
from digest.subscribers import Actor, add_subscriber
from digest.web.app import create_app
from tests.delivery.bounces.test_amazon import CERTIFICATE, TOPIC, make_certificate, make_sns_message
from tests.factories import NOW
from tests.web.visit import BASE, Clock

SECRET = "what only the provider and we know"


@pytest.fixture
def services(services: Services) -> Services:
    """The services with a secret for the bounce webhook."""
    return replace(
        services, settings=services.settings.model_copy(update={"bounce_secret": SecretStr(SECRET)})
    )


@pytest.fixture
def reader(services: Services) -> Subscriber:
    """An unconfirmed reader with a confirmation mail in the queue."""
    with services.store.begin() as tx:
        return add_subscriber(
            tx, "ada@example.com", {}, has_consented=False, actor=Actor("test", NOW, services.suppression_key)
        )


def _build_report(services: Services, reader: Subscriber, kind: str) -> bytes:
    with services.store.begin(write=False) as tx:
        (delivery,) = tx.deliveries.list_by_subscriber(reader.id)
    return json.dumps({"envelope": services.get_mail_from(delivery), "type": kind, "code": "5.1.1"}).encode()


async def _post_report(app: FastAPI, body: bytes, signature: str) -> Response:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        return await client.post("/webhooks/bounces", content=body, headers={"x-digest-signature": signature})


async def test_a_signed_hard_bounce_suppresses_the_address(services: Services, reader: Subscriber) -> None:
    app, body = create_app(services, clock=Clock()), _build_report(services, reader, "hard")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()))
    assert (await _post_report(app, body, signature)).json() == {"heard": True}
    assert (await _post_report(app, body, signature)).json() == {"heard": False}
    with services.store.begin(write=False) as tx:
        assert sum(tx.suppressions.count_by_reason().values()) == 1
        assert tx.subscribers.get_by_id(reader.id).status is not Status.CONFIRMED


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense"])
async def test_an_unsigned_report_is_refused(services: Services, reader: Subscriber, signature: str) -> None:
    body = _build_report(services, reader, "hard")
    assert (await _post_report(create_app(services, clock=Clock()), body, signature)).status_code == 404
    with services.store.begin(write=False) as tx:
        assert not tx.suppressions.count_by_reason()


async def test_a_signature_of_an_hour_ago_is_refused(services: Services, reader: Subscriber) -> None:
    body = _build_report(services, reader, "complaint")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()) - 3600)
    assert (await _post_report(create_app(services, clock=Clock()), body, signature)).status_code == 404


async def test_without_a_secret_there_is_no_webhook(tmp_path: Path) -> None:
    services = open_services(load_settings(database_url=f"sqlite:///{tmp_path}/other.sqlite3", base_url=BASE))
    signature = sign_webhook(b"{}", b"", at=int(NOW.timestamp()))
    assert (await _post_report(create_app(services, clock=Clock()), b"{}", signature)).status_code == 404
    services.close()


async def _post_sns(services: Services, body: bytes) -> Response:
    async with AsyncClient(
        transport=ASGITransport(create_app(services, clock=Clock())), base_url=BASE
    ) as client:
        return await client.post("/webhooks/ses", content=body)


async def test_a_complaint_signed_by_amazon_suppresses_the_address(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite3"
    services = open_services(load_settings(database_url=url, base_url=BASE, sns_topics=(TOPIC,)))
    with services.store.begin() as tx:
        reader = add_subscriber(
            tx, "ada@example.com", {}, has_consented=False, actor=Actor("test", NOW, services.suppression_key)
        )
        (delivery,) = tx.deliveries.list_by_subscriber(reader.id)
    mail = {"source": services.get_mail_from(delivery)}
    body = make_sns_message(
        Message=json.dumps({"mail": mail, "notificationType": "Complaint", "complaint": {}})
    )
    with respx.mock() as amazon:
        amazon.get(CERTIFICATE).respond(content=make_certificate())
        responses = [
            await _post_sns(services, body),
            await _post_sns(services, body),
            await _post_sns(services, body[:-9] + b"}"),
        ]
    assert [response.status_code for response in responses] == [200, 200, 404]
    assert [response.json() for response in responses[:2]] == [{"heard": True}, {"heard": False}]
    with services.store.begin(write=False) as tx:
        assert [str(reason) for reason in tx.suppressions.count_by_reason()] == ["complaint"]
    services.close()


async def test_without_topics_there_is_no_ses_webhook(services: Services) -> None:
    assert (await _post_sns(services, make_sns_message())).status_code == 404
