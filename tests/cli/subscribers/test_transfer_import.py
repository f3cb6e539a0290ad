"""Tests of `digest subscribers import`: file formats, reports, dry runs, consent and suppression."""

import csv
import json
from collections.abc import Iterator
from datetime import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digest.app.settings import list_variables
from digest.cli.subscribers import command as subscribers
from digest.db import Database
from digest.models import DeliveryState, Status, Subscriber

NOW = ("--now", "2026-11-23T09:30:00Z")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _invoke(*args: str) -> Result:
    return CliRunner().invoke(subscribers, list(args))


def _import(path: Path, *options: str) -> dict[str, int]:
    result = _invoke("import", str(path), "--json", *NOW, *options)
    rows: dict[str, int] = json.loads(result.stdout)
    return rows


def _load_readers(folder: Path) -> Iterator[Subscriber]:
    store = Database.open(f"sqlite:///{folder}/digest.sqlite3")
    with store.begin(write=False) as tx:
        yield from tx.subscribers.list_after(limit=1000)
    store.close()


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ";"), ("utf-16", "\t"), ("utf-8", "|"), ("utf-16", ";")],
)
def test_csv_is_read_in_every_encoding_and_delimiter(folder: Path, encoding: str, delimiter: str) -> None:
    path = folder / "people.csv"
    lines = [("Email", "keywords", "timezone"), ("Åse@bücher.example", '"optics, lasers"', "Europe/Berlin")]
    path.write_text("\r\n".join(delimiter.join(line) for line in lines), encoding=encoding)
    assert _import(path)["added"] == 1
    (reader,) = _load_readers(folder)
    assert reader.profile.keywords == ("optics", "lasers")
    assert reader.schedule.timezone == "Europe/Berlin"


def test_imported_people_must_confirm_unless_consent_is_asserted(folder: Path) -> None:
    path = folder / "people.csv"
    path.write_text("email\nada@example.com\nbo@example.com\n")
    _import(path)
    assert {reader.status for reader in _load_readers(folder)} == {Status.UNCONFIRMED}
    store = Database.open(f"sqlite:///{folder}/digest.sqlite3")
    with store.begin(write=False) as tx:
        assert tx.deliveries.count_open()[DeliveryState.QUEUED] == 2
    store.close()
    _import(path, "--confirmed")
    assert {reader.status for reader in _load_readers(folder)} == {Status.CONFIRMED}


def test_dry_run_reports_the_same_and_writes_nothing(folder: Path) -> None:
    path = folder / "people.jsonl"
    rows: list[object] = [
        {"email": "ada@example.com", "keywords": ["optics"]},
        {"email": "Ada@Example.com"},
        {"email": "x"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    planned = _import(path, "--dry-run")
    assert list(_load_readers(folder)) == []
    imported = _import(path)
    assert {k: v for k, v in planned.items() if k != "dry_run"} == {
        k: v for k, v in imported.items() if k != "dry_run"
    }
    assert (imported["added"], imported["duplicate"], imported["invalid"]) == (1, 1, 1)


def test_report_has_a_line_for_every_row(folder: Path) -> None:
    path, report = folder / "people.csv", folder / "report.csv"
    path.write_text("email,timezone\nada@example.com,UTC\n=cmd()@x,UTC\nbo@example.com,Middle/Earth\n")
    result = _invoke("import", str(path), "--report", str(report), *NOW)
    assert result.exit_code == 1
    rows = list(csv.DictReader(report.read_text(encoding="utf-8").splitlines()))
    assert [row["result"] for row in rows] == ["added", "invalid", "invalid"]
    assert rows[1]["email"].startswith("'=")
    assert "Europe/Berlin" in rows[2]["note"]


def test_suppressed_addresses_stay_suppressed(folder: Path) -> None:
    assert _invoke("suppress", "ada@example.com", *NOW).exit_code == 0
    path = folder / "people.csv"
    path.write_text("email\nada@example.com\n")
    assert _import(path, "--confirmed")["suppressed"] == 1
    assert list(_load_readers(folder)) == []


def test_an_export_is_safe_in_a_spreadsheet_and_can_be_imported_again(folder: Path) -> None:
    path = folder / "people.csv"
    path.write_text('email,keywords\nada@example.com,"=1+1, optics"\n')
    _import(path, "--confirmed")
    exported = _invoke("export").stdout
    (row,) = csv.DictReader(exported.splitlines())
    assert row["keywords"].startswith("'=")
    (folder / "again.csv").write_text(exported)
    assert _import(folder / "again.csv", "--confirmed")["unchanged"] == 1


def test_new_subscribers_get_the_default_schedule_unless_the_row_has_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("DIGEST_SEND_AT", "06:30")
    path = folder / "people.csv"
    path.write_text("email,timezone\nada@example.com,\nbo@example.com,Asia/Tokyo\n")
    _import(path, "--confirmed")
    ada, bo = (reader.schedule for reader in _load_readers(folder))
    assert (ada.timezone, bo.timezone) == ("Europe/Berlin", "Asia/Tokyo")
    assert ada.send_at == bo.send_at == time(6, 30)


def test_invalid_json_line_fails_only_its_row(folder: Path) -> None:
    path = folder / "people.jsonl"
    path.write_text('{"email": "ada@example.com"}\n[1]\n{"email": "x@exam\n{"email": "bo@example.com"}\n')
    rows = _import(path, "--report", str(folder / "report.csv"))
    assert (rows["added"], rows["invalid"]) == (2, 2)
    assert "3," in (folder / "report.csv").read_text()


def test_list_is_complete_for_programs_and_limited_for_people(folder: Path) -> None:
    path = folder / "people.csv"
    path.write_text("\n".join(["email", *(f"reader{n}@example.com" for n in range(60))]))
    _import(path)
    assert len(json.loads(_invoke("list", "--json").stdout)) == 60
    assert len(_invoke("list", "--csv").stdout.splitlines()) == 61
    assert len(_invoke("list").stdout.splitlines()) == 51
    assert len(json.loads(_invoke("list", "--json", "--limit", "7").stdout)) == 7


def test_listmonk_export_keeps_its_attributes(folder: Path) -> None:
    path = folder / "listmonk.csv"
    path.write_text(
        'uuid,email,name,attributes,status\n1,ada@example.com,Ada,"{""keywords"": ""optics""}",enabled\n'
    )
    assert _import(path, "--confirmed")["added"] == 1
    (reader,) = _load_readers(folder)
    assert reader.profile.keywords == ("optics",)


@pytest.mark.parametrize("content", [b"name,age\nx,1\n", b"\xff\xfe\xff\xff\xff", b'{"email": \n', b""])
def test_file_without_subscribers_is_refused_with_a_message(folder: Path, content: bytes) -> None:
    path = folder / "people.csv"
    path.write_bytes(content)
    result = _invoke("import", str(path), *NOW)
    assert result.exit_code == 1
    assert result.exception is not None
    assert str(result.exception).endswith(".")


def test_file_with_an_unclosed_quote_is_refused_before_anything_is_imported(folder: Path) -> None:
    path = folder / "people.csv"
    rows = "".join(f"reader{number}@example.com,x\n" for number in range(1500))
    path.write_text(f'email,name\n{rows}ada@example.com,"Ada\nbob@example.com,Bob\n')
    result = _invoke("import", str(path), "--confirmed", *NOW)
    assert "Line 1502 " in str(result.exception)
    assert list(_load_readers(folder)) == []


CASES = Path(__file__).parents[4] / "shared" / "cases" / "mail"
EXPECTED = {  # the right values of the handed files: the status of each person, in order
    "i01-sep.csv": {"ada": "confirmed"},
    "i02-ghost.csv": {"ada": "confirmed", "bob": "unsubscribed"},
    "i03-mailchimp-unsubscribed.csv": {"ada": "unsubscribed"},
    "i04-ghost-disabled.csv": {"ada": "unsubscribed"},
    "i05-buttondown.csv": {"ada": "unsubscribed", "bob": "confirmed"},
    "i07-array.json": {"ada": "confirmed", "bob": "confirmed"},
    "i08-display-names.csv": {"john": "confirmed", "jane": "confirmed", "kim": "confirmed"},
    "i09-invisible.csv": {"ada": "confirmed", "bob": "confirmed", "cy": "confirmed"},
    "i10-header.csv": {"ada": "confirmed"},
    "i11-times.csv": {"ada": "confirmed"},
    "i12-commas.csv": {},
}


@pytest.mark.skipif(not CASES.is_dir(), reason="the handed cases are beside the repository")
@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED)
def test_handed_file_has_its_right_values(folder: Path, name: str, expected: dict[str, str]) -> None:
    _import(CASES / name, "--confirmed")
    statuses = {reader.address.partition("@")[0]: str(reader.status) for reader in _load_readers(folder)}
    assert statuses == expected
