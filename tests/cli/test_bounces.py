"""`digest bounces`: whoever asks by mail to be left alone is left alone."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest.app.services import open_services
from digest.app.settings import load, variables
from digest.cli.bounces import command
from digest.delivery.bounces.mailbox import unsubscribe_token
from digest.models import Status
from digest.subscribers import Actor, enrol
from tests.factories import NOW


@pytest.fixture(autouse=True)
def mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    box = tmp_path / "mail"
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir(parents=True)
    monkeypatch.setenv("DIGEST_BOUNCE_MAILBOX", f"maildir:{box}")
    return box


def _leaving(token: str) -> bytes:
    return f"From: ada@example.com\r\nTo: <unsubscribe+{token}@localhost>\r\nSubject: x\r\n\r\n".encode()


def test_a_mail_to_the_unsubscribe_address_ends_it_and_a_forged_one_does_nothing(mailbox: Path) -> None:
    services = open_services(load())
    with services.store.begin() as tx:
        by = Actor(actor="test", now=NOW, suppression_key=services.suppression_key)
        reader = enrol(tx, "ada@example.com", {}, has_consented=True, by=by)
    token = services.links.unsubscribe(reader.pid).rpartition("/")[2]
    (mailbox / "new" / "1.mail").write_bytes(_leaving(token))
    (mailbox / "new" / "2.mail").write_bytes(_leaving(token[:-2] + "xx"))
    result = CliRunner().invoke(command, ["--json"])
    assert json.loads(result.stdout) == {"read": 2, "heard": 0, "ignored": 1, "left": 1}
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.by_id(reader.id).status is Status.UNSUBSCRIBED
    assert services.site.reads_mail
    services.close()


def test_the_way_out_by_mail_is_offered_only_where_somebody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGEST_BOUNCE_MAILBOX")
    services = open_services(load())
    assert not services.site.reads_mail
    services.close()


def test_without_a_mailbox_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGEST_BOUNCE_MAILBOX")
    result = CliRunner().invoke(command, [])
    assert "DIGEST_BOUNCE_MAILBOX" in str(result.exception)


@pytest.mark.parametrize(
    "raw",
    [
        b"To: unsubscribe+abcdefgh1234@localhost\r\n\r\n",
        b"To:\r\n <unsubscribe+abcdefgh1234@localhost>\r\n\r\n",
        b'Subject: x\nTo: "unsubscribe+abcdefgh1234@localhost"\n\t<unsubscribe+abcdefgh1234@localhost>\n\n',
        b"Delivered-To: Unsubscribe+abcdefgh1234@localhost\r\n\r\n",
    ],
)
def test_the_address_is_found_however_a_mail_program_folds_it(raw: bytes) -> None:
    assert unsubscribe_token(raw) == "abcdefgh1234"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"To: ada@example.com\r\n\r\n",
        b"To: x@y\r\n\r\nunsubscribe+abcdefgh1234@localhost",
        b"Subject: unsubscribe+abcdefgh1234@localhost\r\n\r\n",
    ],
)
def test_other_mail_asks_for_nothing(raw: bytes) -> None:
    assert unsubscribe_token(raw) is None
