"""Tests of the migrations from other products in docs/migrate.md."""

import json
import pickle
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from digest.db import Database
from digest.subscribers import Actor
from digest.subscribers.importing import RowResult, import_rows
from tests.factories import NOW

ACTOR = Actor("admin", NOW, b"pepper for tests")
GUIDE = (Path(__file__).parent.parent / "docs/migrate.md").read_text()
SCRIPT = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]


def _write_table(path: Path, table: str, rows: Mapping[str, object], *, compressed: bool = True) -> None:
    """Write a table as sqlitedict does."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f'CREATE TABLE "{table}" (key TEXT PRIMARY KEY, value BLOB)')
        for key, value in rows.items():
            blob = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            file.execute(
                f'INSERT INTO "{table}" VALUES (?, ?)',  # noqa: S608  the table name is a constant of the test
                (key, zlib.compress(blob) if compressed else blob),
            )


def _run_script(folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "accounts.py").write_text(SCRIPT)
    return subprocess.run(
        [sys.executable, "-I", folder / "accounts.py", folder], capture_output=True, text=True, check=False
    )


def test_accounts_of_arxiv_sanity_lite_become_subscribers_with_a_facet_for_each_tag(
    store: Database, tmp_path: Path
) -> None:
    _write_table(
        tmp_path / "dict.db",
        "tags",
        {"ada": {"robots": {"2401.00001", "2401.99999"}, "maps": set()}, "bo": {}},
    )
    _write_table(tmp_path / "dict.db", "email", {"ada": "ada@example.org"}, compressed=False)
    _write_table(
        tmp_path / "papers.db", "papers", {"2401.00001": {"title": "Grasping", "summary": "Hands that hold."}}
    )
    process = _run_script(tmp_path)
    assert process.returncode == 0, process.stderr
    rows = [json.loads(line) for line in process.stdout.splitlines()]
    with store.begin() as tx:
        outcomes = import_rows(tx, list(enumerate(rows, 1)), actor=ACTOR, confirmed=True)
        ada = tx.subscribers.get_by_address("ada@example.org")
    assert [row_result.result for row_result in outcomes] == [RowResult.ADDED]
    assert ada is not None
    assert [(facet.name, [liked.title for liked in facet.liked]) for facet in ada.profile.facets] == [
        ("maps", []),
        ("robots", ["Grasping"]),
    ]


class _Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("ran",))


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    _write_table(tmp_path / "dict.db", "tags", {"eve": _Malicious()})
    process = _run_script(tmp_path)
    assert process.returncode != 0
    assert "no plain value" in process.stderr
    assert "ran" not in process.stdout


@pytest.mark.parametrize(
    ("status", "result"),
    [("enabled", RowResult.ADDED), ("disabled", RowResult.ADDED), ("blocklisted", RowResult.SUPPRESSED)],
)
def test_a_row_of_a_listmonk_export_is_imported_as_the_guide_says(
    store: Database, status: str, result: RowResult
) -> None:
    row = {
        "uuid": "1",
        "email": "cy@example.org",
        "name": "Cy",
        "attributes": '{"city": "X"}',
        "status": status,
    }
    with store.begin() as tx:
        assert [
            row_result.result for row_result in import_rows(tx, [(1, row)], actor=ACTOR, confirmed=True)
        ] == [result]
