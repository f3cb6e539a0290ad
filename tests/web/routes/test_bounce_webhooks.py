"""The bounce webhook believes what is signed with our secret, and nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import respx
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from digest.app.services import House, open_house
from digest.app.settings import load
from digest.delivery.bounces.mailbox import sign_webhook
from digest.models import Status, Subscriber
from digest.subscribers import By, enrol
from digest.web.app import build
from tests.delivery.bounces.test_amazon import CERTIFICATE, TOPIC, certificate, posted
from tests.factories import NOW
from tests.web.visit import BASE, Clock

SECRET = "what only the provider and we know"


@pytest.fixture
def house(house: House) -> House:
    """The house of all pages, told of bounces by who knows the secret."""
    return replace(house, settings=house.settings.model_copy(update={"bounce_secret": SecretStr(SECRET)}))


@pytest.fixture
def reader(house: House) -> Subscriber:
    """Somebody with a mail on its way."""
    with house.store.begin() as tx:
        return enrol(tx, "ada@example.com", {}, has_consented=False, by=By("test", NOW, house.pepper))


def _report(house: House, reader: Subscriber, kind: str) -> bytes:
    with house.store.begin(write=False) as tx:
        (delivery,) = tx.deliveries.history(reader.id)
    return json.dumps({"envelope": house.mail_from(delivery), "type": kind, "code": "5.1.1"}).encode()


async def _post(app: FastAPI, body: bytes, signature: str) -> Response:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as client:
        return await client.post("/webhooks/bounces", content=body, headers={"x-digest-signature": signature})


async def test_a_signed_hard_bounce_ends_our_writing_to_the_address(house: House, reader: Subscriber) -> None:
    app, body = build(house, clock=Clock()), _report(house, reader, "hard")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()))
    assert (await _post(app, body, signature)).json() == {"heard": True}
    assert (await _post(app, body, signature)).json() == {"heard": False}
    with house.store.begin(write=False) as tx:
        assert sum(tx.suppressions.count().values()) == 1
        assert tx.subscribers.by_id(reader.id).status is not Status.CONFIRMED


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "nonsense"])
async def test_what_is_not_signed_is_refused(house: House, reader: Subscriber, signature: str) -> None:
    body = _report(house, reader, "hard")
    assert (await _post(build(house, clock=Clock()), body, signature)).status_code == 404
    with house.store.begin(write=False) as tx:
        assert not tx.suppressions.count()


async def test_a_signature_of_an_hour_ago_is_refused(house: House, reader: Subscriber) -> None:
    body = _report(house, reader, "complaint")
    signature = sign_webhook(body, SECRET.encode(), at=int(NOW.timestamp()) - 3600)
    assert (await _post(build(house, clock=Clock()), body, signature)).status_code == 404


async def test_without_a_secret_there_is_no_webhook(tmp_path: Path) -> None:
    house = open_house(load(database_url=f"sqlite:///{tmp_path}/other.sqlite3", base_url=BASE))
    signature = sign_webhook(b"{}", b"", at=int(NOW.timestamp()))
    assert (await _post(build(house, clock=Clock()), b"{}", signature)).status_code == 404
    house.close()


async def _tell(house: House, body: bytes) -> Response:
    async with AsyncClient(transport=ASGITransport(build(house, clock=Clock())), base_url=BASE) as client:
        return await client.post("/webhooks/ses", content=body)


async def test_a_complaint_that_amazon_signed_ends_our_writing_to_the_address(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite3"
    house = open_house(load(database_url=url, base_url=BASE, sns_topics=(TOPIC,)))
    with house.store.begin() as tx:
        reader = enrol(tx, "ada@example.com", {}, has_consented=False, by=By("test", NOW, house.pepper))
        (delivery,) = tx.deliveries.history(reader.id)
    mail = {"source": house.mail_from(delivery)}
    body = posted(Message=json.dumps({"mail": mail, "notificationType": "Complaint", "complaint": {}}))
    with respx.mock() as amazon:
        amazon.get(CERTIFICATE).respond(content=certificate())
        answers = [await _tell(house, body), await _tell(house, body), await _tell(house, body[:-9] + b"}")]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert [answer.json() for answer in answers[:2]] == [{"heard": True}, {"heard": False}]
    with house.store.begin(write=False) as tx:
        assert [str(reason) for reason in tx.suppressions.count()] == ["complaint"]
    house.close()


async def test_without_a_topic_amazon_finds_nobody(house: House) -> None:
    assert (await _tell(house, posted())).status_code == 404
