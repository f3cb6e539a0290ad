"""`digest deliveries`: the operator's word on mails nobody knows the end of."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from digest.app.services import Services, open_services
from digest.app.settings import load, variables
from digest.cli.deliveries import command
from digest.models import DeliveryState
from digest.subscribers import Actor, enrol
from tests.factories import NOW


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    """A house with one mail of which nobody knows whether it arrived."""
    for variable in variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    services = open_services(load())
    with services.store.begin() as tx:
        enrol(tx, "ada@example.com", {}, has_consented=False, by=Actor("test", NOW, services.suppression_key))
        tx.connection.execute(sa.text("UPDATE delivery SET state = 'uncertain'"))
    return services


def _uncertain() -> list[dict[str, object]]:
    told: list[dict[str, object]] = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    return told


@pytest.mark.parametrize(
    ("option", "state"), [("--resend", DeliveryState.QUEUED), ("--count-as-sent", DeliveryState.ACCEPTED)]
)
def test_an_uncertain_mail_ends_by_the_operators_word(
    services: Services, option: str, state: DeliveryState
) -> None:
    (mail,) = _uncertain()
    assert CliRunner().invoke(command, [option, str(mail["id"])]).exit_code == 0
    assert _uncertain() == []
    with services.store.begin(write=False) as tx:
        assert len(tx.deliveries.in_state(state)) == 1
        assert [line.action for line in tx.audit.latest(limit=1)] == ["resolve"]
    services.close()


def test_a_mail_that_is_not_uncertain_is_not_touched(services: Services) -> None:
    result = CliRunner().invoke(command, ["--resend", "nothing"])
    assert "digest deliveries" in str(result.exception)
    services.close()
