"""Whoever complained and was erased is not written to again, by whatever door the address comes back."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.app.settings import load, variables
from digest.cli.subscribers import command as subscribers
from digest.db import Database
from digest.models import DeliveryState, Status, SuppressionReason
from digest.models.errors import InvalidToken
from digest.pipeline import run
from digest.subscribers import Actor, change_address, confirm_address, enrol, erase, suppress
from digest.web.app import build
from tests.delivery.harness import Post
from tests.factories import NOW
from tests.smtp_server import SmtpServer
from tests.web.visit import ADMIN, BASE, Clock, sign_up

ADA, SPELT = "ada@example.com", "ADA@Example.COM"
KEY = "a secret of the tests, long enough"
BEARER = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture
def services(any_store: Database, server: SmtpServer) -> Services:
    """A house that ada complained to; then she had herself erased."""
    settings = load(base_url=BASE, secret_key=KEY, admin_token=ADMIN, smtp_url=server.url)
    opened = Services(settings, any_store)
    with any_store.begin() as tx:
        ada = enrol(tx, ADA, {}, has_consented=True, by=by(opened))
        suppress(tx, ADA, reason=SuppressionReason.COMPLAINT, by=by(opened))
        erase(tx, ada.pid, by=by(opened))
    return opened


def by(services: Services) -> Actor:
    return Actor("test", NOW, services.suppression_key)


async def nobody_is_written_to(services: Services, server: SmtpServer) -> None:
    """No mail goes out, now or after the next slot, and nobody of that address reads here."""
    clock = Clock()
    for hours in (0, 1, 24):
        clock.advance(hours=hours)
        await run.send(services, clock)
        run.plan(services.store, clock())
    assert server.recipients() == []
    with services.store.begin(write=False) as tx:
        found = tx.subscribers.by_addresses([ADA])
        assert not any(each.status in (Status.CONFIRMED, Status.PAUSED) for each in found.values())


async def test_39_the_form_takes_the_address_and_sends_nothing(
    services: Services, server: SmtpServer
) -> None:
    clock = Clock()
    async with AsyncClient(transport=ASGITransport(build(services, clock=clock)), base_url=BASE) as visitor:
        assert (await sign_up(visitor, clock, SPELT)).status_code == 202
    await nobody_is_written_to(services, server)


async def test_39_the_api_refuses_the_address_alone_and_in_a_file(
    services: Services, server: SmtpServer
) -> None:
    app = build(services, clock=Clock())
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=BEARER) as program:
        one = await program.post("/api/v1/subscribers", json={"email": SPELT, "confirmed": True})
        assert (one.status_code, "suppressed" in one.json()["error"]) == (409, True)
        file = f"email,status\n{SPELT},confirmed\n"
        many = await program.post("/api/v1/subscribers/import?confirmed=true", content=file)
        assert many.json()["counts"] == {"suppressed": 1}
    await nobody_is_written_to(services, server)


async def test_39_the_commands_refuse_the_address_alone_and_in_a_file(
    services: Services, server: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_SECRET_KEY", KEY)
    monkeypatch.setenv("DIGEST_DATABASE_URL", services.store.engine.url.render_as_string(hide_password=False))
    added = CliRunner().invoke(subscribers, ["add", SPELT, "--confirmed"])
    assert "suppressed" in str(added.exception)
    (tmp_path / "people.csv").write_text(f"email\n{SPELT}\n")
    taken = CliRunner().invoke(subscribers, ["import", "people.csv", "--confirmed", "--json"])
    assert '"suppressed": 1' in taken.stdout
    await nobody_is_written_to(services, server)


async def test_39_a_reader_cannot_move_there(services: Services, server: SmtpServer) -> None:
    with services.store.begin() as tx:
        bo = enrol(tx, "bo@example.com", {}, has_consented=True, by=by(services))
        change_address(tx, bo.pid, SPELT, by=by(services))
        with pytest.raises(InvalidToken):
            confirm_address(tx, bo.pid, SPELT, by=by(services))
        assert tx.subscribers.by_pid(bo.pid).address == "bo@example.com"
    await run.send(services, Clock())
    assert ADA not in {each.lower() for each in server.recipients()}


async def test_39_a_row_of_another_time_is_stopped_when_it_is_claimed(
    services: Services, server: SmtpServer
) -> None:
    """As a restored backup brings it: confirmed, with a digest in the queue, while the order stands."""
    post = Post(services.store)
    key = post.digest(post.reader(SPELT))
    assert (await run.send(services, Clock())).cancelled == 1
    assert (post.state(key), server.recipients()) == (DeliveryState.CANCELLED, [])
