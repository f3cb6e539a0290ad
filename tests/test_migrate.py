"""Other products' accounts, as docs/migrate.md moves them."""

import json
import pickle
import re
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from digest.db import Database
from digest.subscribers import Actor
from digest.subscribers.importing import Result, take_in
from tests.factories import NOW

BY = Actor("admin", NOW, b"pepper for tests")
GUIDE = (Path(__file__).parent.parent / "docs/migrate.md").read_text()
SCRIPT = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)[0]


def _write(path: Path, table: str, rows: Mapping[str, object], *, compressed: bool = True) -> None:
    """A table as sqlitedict writes it."""
    with sqlite3.connect(path) as file:
        file.execute(f'CREATE TABLE "{table}" (key TEXT PRIMARY KEY, value BLOB)')
        for key, value in rows.items():
            blob = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            file.execute(
                f'INSERT INTO "{table}" VALUES (?, ?)',  # noqa: S608  a name of this file's own
                (key, zlib.compress(blob) if compressed else blob),
            )


def _accounts(folder: Path) -> "subprocess.CompletedProcess[str]":
    (folder / "accounts.py").write_text(SCRIPT)
    return subprocess.run(
        [sys.executable, "-I", folder / "accounts.py", folder], capture_output=True, text=True, check=False
    )


def test_accounts_of_arxiv_sanity_lite_become_subscribers_with_a_facet_for_each_tag(
    store: Database, tmp_path: Path
) -> None:
    _write(
        tmp_path / "dict.db",
        "tags",
        {"ada": {"robots": {"2401.00001", "2401.99999"}, "maps": set()}, "bo": {}},
    )
    _write(tmp_path / "dict.db", "email", {"ada": "ada@example.org"}, compressed=False)
    _write(
        tmp_path / "papers.db", "papers", {"2401.00001": {"title": "Grasping", "summary": "Hands that hold."}}
    )
    told = _accounts(tmp_path)
    assert told.returncode == 0, told.stderr
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    with store.begin() as tx:
        outcomes = take_in(tx, list(enumerate(rows, 1)), by=BY, confirmed=True)
        ada = tx.subscribers.by_address("ada@example.org")
    assert [each.result for each in outcomes] == [Result.ADDED]
    assert ada is not None
    assert [(facet.name, [liked.title for liked in facet.liked]) for facet in ada.profile.facets] == [
        ("maps", []),
        ("robots", ["Grasping"]),
    ]


class _Surprise:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("ran",))


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "dict.db", "tags", {"eve": _Surprise()})
    told = _accounts(tmp_path)
    assert told.returncode != 0
    assert "no plain value" in told.stderr
    assert "ran" not in told.stdout


@pytest.mark.parametrize(
    ("status", "result"),
    [("enabled", Result.ADDED), ("disabled", Result.ADDED), ("blocklisted", Result.SUPPRESSED)],
)
def test_a_row_of_a_listmonk_export_is_taken_as_the_guide_says(
    store: Database, status: str, result: Result
) -> None:
    row = {
        "uuid": "1",
        "email": "cy@example.org",
        "name": "Cy",
        "attributes": '{"city": "X"}',
        "status": status,
    }
    with store.begin() as tx:
        assert [each.result for each in take_in(tx, [(1, row)], by=BY, confirmed=True)] == [result]
