"""Tests of the page of a reader's channels."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.db.audit import AuditFilter
from digest.models import Subscriber
from digest.models.channels import Channel, ChannelState
from digest.subscribers import channels as use_cases
from digest.web.app import create_app
from tests.web.visit import BASE, Clock

SLACK = "https://hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx"


def allow_hosts(services: Services, *hosts: str) -> Services:
    return replace(services, settings=services.settings.model_copy(update={"channel_hosts": hosts}))


@pytest.fixture
def services(services: Services) -> Services:
    return allow_hosts(services, "hooks.slack.com")


@pytest.fixture
def url(services: Services, ada: Subscriber) -> str:
    return services.links.preferences_url(ada.public_id).removeprefix(BASE) + "/channels"


def list_channels(services: Services, reader: Subscriber) -> list[Channel]:
    with services.store.begin(write=False) as tx:
        return use_cases.list_channels(tx, reader)


async def test_a_channel_is_added_paused_used_again_and_removed(
    visitor: AsyncClient, services: Services, ada: Subscriber, url: str
) -> None:
    added = await visitor.post(url, data={"do": "add", "address": SLACK})
    (channel,) = list_channels(services, ada)

    assert "Added." in added.text
    assert "hooks.slack.com" in added.text
    exported = (await visitor.get(url.replace("/channels", "/export"))).json()
    assert exported["channels"] == [{"kind": "slack", "host": "hooks.slack.com", "state": "active"}]
    assert "abcdefghijklmnopqrstuvwx" not in added.text + (await visitor.get(url)).text
    for action, state in (("pause", ChannelState.PAUSED), ("resume", ChannelState.ACTIVE)):
        assert (await visitor.post(url, data={"do": action, "channel": channel.public_id})).status_code == 200
        assert list_channels(services, ada)[0].state is state
    assert "Removed" in (await visitor.post(url, data={"do": "remove", "channel": channel.public_id})).text
    assert list_channels(services, ada) == []
    with services.store.begin(write=False) as tx:
        waiting = [mail for mail in tx.deliveries.list_by_subscriber(ada.id) if mail.channel_id]
        actions = [line.action for line in tx.audit.search(AuditFilter(subject=ada.public_id))]
    assert len(waiting) == 1  # within a minute it is greeted once
    assert actions == ["remove-channel", "resume-channel", "pause-channel", "add-channel"]


async def test_mail_is_chosen(visitor: AsyncClient, services: Services, ada: Subscriber, url: str) -> None:
    await visitor.post(url, data={"do": "mail"})
    with services.store.begin(write=False) as tx:
        assert not tx.subscribers.get_by_id(ada.id).preferences.by_mail

    page = (await visitor.post(url, data={"do": "mail", "by_mail": "yes"})).text
    assert re.search(r'name="by_mail"[^>]*checked', page)


@pytest.mark.parametrize("address", ["", "https://intranet.example/hook", "file:///etc/passwd", "x" * 5000])
async def test_bad_addresses_are_refused_with_a_reason(
    visitor: AsyncClient, services: Services, ada: Subscriber, url: str, address: str
) -> None:
    answer = await visitor.post(url, data={"do": "add", "address": address})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert list_channels(services, ada) == []


async def test_a_failed_channel_says_why(
    visitor: AsyncClient, services: Services, ada: Subscriber, url: str
) -> None:
    await visitor.post(url, data={"do": "add", "address": SLACK})
    with services.store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE channel SET state = 'failed', note = 'revoked'"))

    page = (await visitor.get(url)).text

    assert "No longer used" in page
    assert "The service refuses this key or webhook." in page
    assert "Use again" in page


async def test_the_channels_of_others_are_not_reached(
    visitor: AsyncClient, services: Services, ada: Subscriber, bob: Subscriber, url: str
) -> None:
    await visitor.post(url, data={"do": "add", "address": SLACK})
    (channel,) = list_channels(services, ada)
    other = services.links.preferences_url(bob.public_id).removeprefix(BASE) + "/channels"

    refused = await visitor.post(other, data={"do": "remove", "channel": channel.public_id})
    unconfirmed = await visitor.post(other, data={"do": "add", "address": SLACK})

    assert (refused.status_code, unconfirmed.status_code) == (422, 422)
    assert len(list_channels(services, ada)) == 1


async def test_there_is_no_page_while_channels_are_off(services: Services, ada: Subscriber) -> None:
    app = create_app(allow_hosts(services), clock=Clock())
    preferences = services.links.preferences_url(ada.public_id).removeprefix(BASE)

    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as visitor:
        page = (await visitor.get(preferences)).text
        missing = await visitor.get(f"{preferences}/channels")

    assert missing.status_code == 404
    assert "/programs" in page
    assert "/channels" not in page
