"""Tests of `digest bounces`, and of what takes back its wrong suppressions."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest.app.services import Services, open_services
from digest.app.settings import list_variables, load_settings
from digest.cli.bounces import command
from digest.cli.subscribers import command as subscribers_command
from digest.delivery.bounces.mailbox import find_unsubscribe_token
from digest.models import BounceKind, BounceReport, DeliveryKind, Status, Subscriber, SuppressionReason
from digest.subscribers import Actor, add_subscriber
from tests.factories import NOW


@pytest.fixture(autouse=True)
def mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    maildir = tmp_path / "mail"
    for folder in ("new", "cur", "tmp"):
        (maildir / folder).mkdir(parents=True)
    monkeypatch.setenv("DIGEST_BOUNCE_MAILBOX", f"maildir:{maildir}")
    return maildir


def _make_unsubscribe_mail(token: str) -> bytes:
    return f"From: ada@example.com\r\nTo: <unsubscribe+{token}@localhost>\r\nSubject: x\r\n\r\n".encode()


def test_mail_to_the_unsubscribe_address_unsubscribes_and_a_forged_token_is_ignored(mailbox: Path) -> None:
    services = open_services(load_settings())
    with services.store.begin() as tx:
        actor = Actor(name="test", now=NOW, suppression_key=services.suppression_key)
        reader = add_subscriber(tx, "ada@example.com", {}, has_consented=True, actor=actor)
    token = services.links.unsubscribe_url(reader.public_id).rpartition("/")[2]
    (mailbox / "new" / "1.mail").write_bytes(_make_unsubscribe_mail(token))
    (mailbox / "new" / "2.mail").write_bytes(_make_unsubscribe_mail(token[:-2] + "xx"))
    result = CliRunner().invoke(command, ["--json"])
    assert json.loads(result.stdout) == {"read": 2, "heard": 0, "ignored": 1, "left": 1}
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(reader.id).status is Status.UNSUBSCRIBED
    assert services.site.reads_mail
    services.close()


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.swapcase])
def test_mail_to_the_unsubscribe_address_is_read_in_any_case(
    mailbox: Path, spell: Callable[[str], str]
) -> None:
    services = open_services(load_settings())
    with services.store.begin() as tx:
        readers = [
            Subscriber(id=0, public_id=f"Reader-{number}", address=f"{number}@example.com", created_at=NOW)
            for number in "12"
        ]
        tx.subscribers.add_many(
            replace(reader, status=Status.CONFIRMED, confirmed_at=NOW) for reader in readers
        )
    for reader in readers:
        token = services.links.unsubscribe_url(reader.public_id).rpartition("/")[2]
        raw = f"To: {spell(f'unsubscribe+{token}@localhost')}\r\n\r\n".encode()
        (mailbox / "new" / reader.public_id).write_bytes(raw)
    assert json.loads(CliRunner().invoke(command, ["--json"]).stdout)["left"] == 2
    services.close()


def test_unsubscribe_by_mail_is_offered_only_with_a_bounce_mailbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGEST_BOUNCE_MAILBOX")
    services = open_services(load_settings())
    assert not services.site.reads_mail
    services.close()


def test_without_a_mailbox_the_error_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_unsubscribe_token_is_found_in_folded_headers(raw: bytes) -> None:
    assert find_unsubscribe_token(raw) == "abcdefgh1234"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"To: ada@example.com\r\n\r\n",
        b"To: x@y\r\n\r\nunsubscribe+abcdefgh1234@localhost",
        b"Subject: unsubscribe+abcdefgh1234@localhost\r\n\r\n",
    ],
)
def test_other_mail_has_no_unsubscribe_token(raw: bytes) -> None:
    assert find_unsubscribe_token(raw) is None


def _add_readers(services: Services, *names: str) -> list[Subscriber]:
    with services.store.begin() as tx:
        actor = Actor(name="test", now=NOW, suppression_key=services.suppression_key)
        return [
            add_subscriber(tx, f"{name}@example.com", {}, has_consented=True, actor=actor) for name in names
        ]


def test_complaint_without_our_address_suppresses_the_reader_of_the_link(mailbox: Path) -> None:
    services = open_services(load_settings())
    (reader,) = _add_readers(services, "ada")
    token = services.links.unsubscribe_url(reader.public_id).rpartition("/")[2]
    for number, shown in enumerate((token, token, "x" * 40)):
        copy = f"X-HmXmrOriginalRecipient: <x>\nList-Unsubscribe: <http://localhost/u/{shown}>\n\nHi.\n"
        head = "To: fbl@localhost\nContent-Type: multipart/mixed; boundary=c\n\n--c"
        part = f"Content-Type: message/rfc822\n\n{copy}"
        (mailbox / "new" / f"{number}.mail").write_text(f"{head}\n{part}\n--c--\n")
    result = CliRunner().invoke(command, ["--json"])
    assert json.loads(result.stdout) == {"read": 3, "heard": 1, "ignored": 2, "left": 0}
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(reader.id).status is Status.UNSUBSCRIBED
        assert tx.suppressions.count_by_reason() == {SuppressionReason.COMPLAINT: 1}
    services.close()


def test_wrong_suppressions_are_shown_with_their_evidence_and_taken_back() -> None:
    services = open_services(load_settings())
    ada, bo = _add_readers(services, "ada", "bo")
    with services.store.begin() as tx:
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, ada, "x", {}, now=NOW)
        delivery = tx.deliveries.find_by_key("x")
        assert delivery is not None
    services.record_bounce(
        BounceReport(
            delivery.public_id, BounceKind.HARD, "5.1.1", "h", reason="no-mailbox", reply="550 gone"
        ),
        now=NOW,
    )

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(subscribers_command, arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    shown = json.loads(run("show", ada.address, "--json"))
    assert shown["suppression"]["reason"] == "hard"
    assert "550 gone" in shown["suppression"]["evidence"]
    with services.store.begin() as tx:
        tx.tags.add([ada.id], "beta")
    assert "550 gone" in run("show", ada.address)
    assert re.search(r"^tags\tbeta$", run("show", ada.address), re.MULTILINE)
    assert json.loads(run("show", ada.address, "--json"))["tags"] == ["beta"]
    assert json.loads(run("show", bo.address, "--json"))["suppression"] is None
    since = ("restore", "--since", NOW.isoformat())
    assert "1 suppressions would be lifted, 1 readers would be restored." in run(*since, "--dry-run")
    assert json.loads(run(*since, "--json"))["readers"] == 1
    assert json.loads(run("show", ada.address, "--json"))["status"] == "confirmed"
    assert "0 suppressions lifted" in run(*since)
    services.close()
