"""An address that complained and was erased gets no more mail, by whatever way it comes back."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from httpx import ASGITransport, AsyncClient

from digest.app import run
from digest.app.services import Services
from digest.app.settings import list_variables, load_settings
from digest.cli.subscribers import command as subscribers
from digest.db import Database
from digest.models import DeliveryState, Status, SuppressionReason
from digest.models.errors import InvalidToken
from digest.pipeline.plan import plan_editions
from digest.subscribers import Actor, add_subscriber, change_address, confirm_address, erase, suppress
from digest.web.app import create_app
from tests.delivery.harness import DeliveryHarness
from tests.factories import NOW
from tests.smtp_server import SmtpServer
from tests.web.visit import ADMIN, BASE, Clock, sign_up

ADA, OTHER_SPELLING = "ada@example.com", "ADA@Example.COM"
KEY = "a secret of the tests, long enough"
BEARER = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def services(any_store: Database, server: SmtpServer) -> Services:
    """An installation where Ada complained and was then erased."""
    settings = load_settings(base_url=BASE, secret_key=KEY, admin_token=ADMIN, smtp_url=server.url)
    services = Services(settings, any_store)
    with any_store.begin() as tx:
        ada = add_subscriber(tx, ADA, {}, has_consented=True, actor=make_actor(services))
        suppress(tx, ADA, reason=SuppressionReason.COMPLAINT, actor=make_actor(services))
        erase(tx, ada.public_id, actor=make_actor(services))
    return services


def make_actor(services: Services) -> Actor:
    return Actor("test", NOW, services.suppression_key)


async def assert_no_mail(services: Services, server: SmtpServer) -> None:
    """Check that no mail is sent, now or after the next slot, and that the address is not subscribed."""
    clock = Clock()
    for hours in (0, 1, 24):
        clock.advance(hours=hours)
        await run.send(services, clock)
        plan_editions(services.store, clock())
    assert server.recipients() == []
    with services.store.begin(write=False) as tx:
        readers = tx.subscribers.get_by_addresses([ADA]).values()
        assert not any(reader.status in (Status.CONFIRMED, Status.PAUSED) for reader in readers)


async def test_39_sign_up_form_accepts_the_address_and_sends_nothing(
    services: Services, server: SmtpServer
) -> None:
    clock = Clock()
    async with AsyncClient(
        transport=ASGITransport(create_app(services, clock=clock)), base_url=BASE
    ) as visitor:
        assert (await sign_up(visitor, clock, OTHER_SPELLING)).status_code == 202
    await assert_no_mail(services, server)


async def test_39_api_refuses_the_address_alone_and_in_a_file(services: Services, server: SmtpServer) -> None:
    app = create_app(services, clock=Clock())
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=BEARER) as program:
        one = await program.post("/api/v1/subscribers", json={"email": OTHER_SPELLING, "confirmed": True})
        assert (one.status_code, "suppressed" in one.json()["error"]) == (409, True)
        file = f"email,status\n{OTHER_SPELLING},confirmed\n"
        many = await program.post("/api/v1/subscribers/import?confirmed=true", content=file)
        assert many.json()["counts"] == {"suppressed": 1}
    await assert_no_mail(services, server)


async def test_39_commands_refuse_the_address_alone_and_in_a_file(
    services: Services, server: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_SECRET_KEY", KEY)
    monkeypatch.setenv("DIGEST_DATABASE_URL", services.store.engine.url.render_as_string(hide_password=False))
    added = CliRunner().invoke(subscribers, ["add", OTHER_SPELLING, "--confirmed"])
    assert "suppressed" in str(added.exception)
    (tmp_path / "people.csv").write_text(f"email\n{OTHER_SPELLING}\n")
    imported = CliRunner().invoke(subscribers, ["import", "people.csv", "--confirmed", "--json"])
    assert '"suppressed": 1' in imported.stdout
    await assert_no_mail(services, server)


async def test_39_subscriber_cannot_change_to_the_suppressed_address(
    services: Services, server: SmtpServer
) -> None:
    with services.store.begin() as tx:
        bo = add_subscriber(tx, "bo@example.com", {}, has_consented=True, actor=make_actor(services))
        change_address(tx, bo.public_id, OTHER_SPELLING, actor=make_actor(services))
        with pytest.raises(InvalidToken):
            confirm_address(tx, bo.public_id, OTHER_SPELLING, actor=make_actor(services))
        assert tx.subscribers.get_by_public_id(bo.public_id).address == "bo@example.com"
    await run.send(services, Clock())
    assert ADA not in {address.lower() for address in server.recipients()}


async def test_39_delivery_of_a_restored_backup_is_cancelled_when_claimed(
    services: Services, server: SmtpServer
) -> None:
    """A restored backup may have the address confirmed and a digest queued, while it is suppressed."""
    harness = DeliveryHarness(services.store)
    key = harness.queue_digest(harness.add_reader(OTHER_SPELLING))
    assert (await run.send(services, Clock())).cancelled == 1
    assert (harness.state(key), server.recipients()) == (DeliveryState.CANCELLED, [])
