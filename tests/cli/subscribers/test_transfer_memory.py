"""Tests that an import keeps at most two batches of rows in memory, however long the file is."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from weakref import WeakSet

import pytest

from digest.app.services import Services, open_services
from digest.cli.output import ProgressBar
from digest.cli.subscribers.transfer import (
    BATCH_ROWS,
    _import,
    _read_batches,
)
from digest.subscribers import Actor
from digest.subscribers.importing import Row, RowResult
from digest.tools.demo.scenario import make_isolated_settings
from tests.factories import NOW

BATCHES = 4


class WatchedRow(dict[str, object]):
    """A row that can be referenced weakly."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # identity, so that equal rows count separately


class CountingRows:
    """Iterates over `BATCHES` batches of rows and records how many were alive at once."""

    def __init__(self) -> None:
        self.alive: WeakSet[WatchedRow] = WeakSet()
        self.max_alive = 0

    def __iter__(self) -> Iterator[Row]:
        for number in range(BATCHES * BATCH_ROWS):
            fields = WatchedRow(email=f"reader{number}@example.com")
            self.alive.add(fields)
            self.max_alive = max(self.max_alive, len(self.alive))
            yield number, fields


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Return services with an empty database."""
    settings = make_isolated_settings(
        tmp_path / "digest.sqlite3", sources_url="http://127.0.0.1:9", smtp_url=""
    )
    with closing(open_services(settings)) as services:
        yield services


@pytest.mark.parametrize("dry_run", [False, True])
def test_rows_are_freed_batch_by_batch(services: Services, *, dry_run: bool) -> None:
    rows, actor = CountingRows(), Actor("test", NOW, services.suppression_key)
    batches = _read_batches(iter(rows), io.BytesIO(), 0, ProgressBar(None))
    counts = _import(
        services,
        batches,
        actor=actor,
        confirmed=True,
        dry_run=dry_run,
        on_results=lambda _: None,
        file_name="readers.csv",
    )
    assert counts[RowResult.ADDED] == BATCHES * BATCH_ROWS
    assert rows.max_alive <= 2 * BATCH_ROWS + 1
