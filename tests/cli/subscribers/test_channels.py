"""Tests of `digest subscribers channels`: the secret address comes by a pipe and is never shown."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.app.services import Services, open_services
from digest.app.settings import list_variables, load_settings
from digest.cli.status import command as show_status
from digest.cli.subscribers.channels import command
from digest.models.errors import ConfigError, InvalidChange, NotFound
from digest.subscribers import Actor, add_subscriber
from tests.factories import NOW

SLACK = "https://hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx"
LAB = "lab@example.com"


@pytest.fixture
def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Services:
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    services = open_services(load_settings())
    with services.store.begin() as tx:
        add_subscriber(tx, LAB, {}, has_consented=True, actor=Actor("test", NOW, b""))
    services.close()
    monkeypatch.setenv("DIGEST_CHANNEL_HOSTS", "hooks.slack.com")
    return services


def run(*options: str, address: str = "") -> Result:
    return CliRunner().invoke(command, [LAB, *options], input=f"{address}\n")


def test_a_channel_is_added_paused_resumed_and_removed(services: Services) -> None:
    added = run("--add", "--no-mail", "--json", address=SLACK)
    (channel,) = json.loads(added.stdout)
    states = [
        json.loads(run(option, channel["id"], "--json").stdout)[0]["state"]
        for option in ("--pause", "--resume")
    ]

    assert (channel["kind"], channel["host"], channel["state"]) == ("slack", "hooks.slack.com", "active")
    assert states == ["paused", "active"]
    assert "abcdefghijklmnopqrstuvwx" not in added.output + run().output
    assert "slack" in run().output
    status = json.loads(CliRunner().invoke(show_status, ["--json"]).stdout)
    assert status["channels"] == {"active": 1, "paused": 0, "failed": 0}
    assert json.loads(run("--remove", channel["id"], "--json").stdout) == []
    with services.store.begin(write=False) as tx:
        assert not tx.subscribers.get_by_address(LAB).preferences.by_mail
    services.close()


def test_what_cannot_be_is_refused(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run("--add", address="https://intranet.example/hook")
    assert isinstance(refused.exception, InvalidChange)
    assert "intranet.example" in str(refused.exception)
    assert isinstance(run("--pause", "nothing").exception, NotFound)

    monkeypatch.delenv("DIGEST_CHANNEL_HOSTS")
    assert isinstance(run("--add", address=SLACK).exception, ConfigError)
    services.close()
