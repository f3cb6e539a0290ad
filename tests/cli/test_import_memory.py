"""An import holds a batch or two in its hands, never the file: a million people take no more memory."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from weakref import WeakSet

import pytest

from digest.app.services import Services, open_services
from digest.cli.output import Bar
from digest.cli.subscribers.import_ import BATCH, _batches, _dry_run, _Report, _run
from digest.subscribers import Actor
from digest.subscribers.importing import Result, Row
from digest.tools.demo.scenario import sealed
from tests.factories import NOW

BATCHES = 4
Take = Callable[..., Counter[Result]]


class Fields(dict[str, object]):
    """A row's fields, which can be watched."""

    __hash__ = object.__hash__  # type: ignore[assignment]  # each row is itself, whatever it holds


class File:
    """So many rows, and how many of them were alive at most."""

    def __init__(self) -> None:
        self.alive: WeakSet[Fields] = WeakSet()
        self.most = 0

    def __iter__(self) -> Iterator[Row]:
        for number in range(BATCHES * BATCH):
            fields = Fields(email=f"reader{number}@example.com")
            self.alive.add(fields)
            self.most = max(self.most, len(self.alive))
            yield number, fields


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """A house with an empty database."""
    settings = sealed(tmp_path / "digest.sqlite3", upstream="http://127.0.0.1:9", mailbox="")
    with closing(open_services(settings)) as opened:
        yield opened


@pytest.mark.parametrize("run", [_run, _dry_run])
def test_rows_are_let_go_as_soon_as_they_are_taken_in(services: Services, run: Take) -> None:
    file, by = File(), Actor("test", NOW, services.suppression_key)
    batches = _batches(iter(file), io.BytesIO(), 0, Bar(None))
    counts = run(services, batches, by=by, confirmed=True, note=_Report(None))
    assert counts[Result.ADDED] == BATCHES * BATCH
    assert file.most <= 2 * BATCH + 1
