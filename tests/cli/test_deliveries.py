"""Tests of `digest deliveries`: settling mails whose outcome is unknown."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from digest.app.services import Services, open_services
from digest.app.settings import list_variables, load_settings
from digest.cli.deliveries import command
from digest.models import DeliveryState
from digest.subscribers import Actor, add_subscriber
from tests.factories import NOW


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Return services whose database has one uncertain delivery."""
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    services = open_services(load_settings())
    with services.store.begin() as tx:
        add_subscriber(
            tx, "ada@example.com", {}, has_consented=False, actor=Actor("test", NOW, services.suppression_key)
        )
        tx.connection.execute(sa.text("UPDATE delivery SET state = 'uncertain'"))
    return services


def _list_uncertain() -> list[dict[str, object]]:
    deliveries: list[dict[str, object]] = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    return deliveries


@pytest.mark.parametrize(
    ("option", "state"), [("--resend", DeliveryState.QUEUED), ("--count-as-sent", DeliveryState.ACCEPTED)]
)
def test_operator_settles_an_uncertain_mail(services: Services, option: str, state: DeliveryState) -> None:
    (mail,) = _list_uncertain()
    assert CliRunner().invoke(command, [option, str(mail["id"])]).exit_code == 0
    assert _list_uncertain() == []
    with services.store.begin(write=False) as tx:
        assert len(tx.deliveries.list_by_state(state)) == 1
        assert [line.action for line in tx.audit.search(limit=1)] == ["resolve"]
    services.close()


def test_mail_that_is_not_uncertain_stays_unchanged(services: Services) -> None:
    result = CliRunner().invoke(command, ["--resend", "nothing"])
    assert "digest deliveries" in str(result.exception)
    services.close()
