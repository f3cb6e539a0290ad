"""Import of files: memory does not grow with the file, and a file that cannot be read changes nothing."""

import io
import tracemalloc

import pytest

from digest.db import Database
from digest.models.errors import InvalidChange
from digest.subscribers import Actor
from digest.subscribers.table_files import MAX_CHARS_AT_ONCE
from digest.subscribers.transfer import ImportReport, import_file
from tests.factories import NOW

ACTOR = Actor("test", NOW, b"pepper")


def _import(store: Database, content: bytes, *, dry_run: bool = False) -> ImportReport:
    return import_file(store, io.BytesIO(content), actor=ACTOR, confirmed=True, dry_run=dry_run, defaults={})


def _measure_peak(store: Database, content: bytes) -> int:
    tracemalloc.start()
    _import(store, content, dry_run=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    "row", [b"nobody\n", b"nobody," + b"x" * 100_000 + b"\n"], ids=["many rows", "long rows"]
)
def test_memory_does_not_grow_with_the_file(store: Database, row: bytes) -> None:
    count = max(10, 28_000 // len(row))  # 4 MB of long rows
    _measure_peak(store, b"email,text\n" + row)  # what is loaded once
    small, large = (_measure_peak(store, b"email,text\n" + row * count * times) for times in (1, 4))
    assert large < 1.3 * small + 200_000


def test_a_file_that_breaks_off_late_changes_nothing(store: Database) -> None:
    rows = b"".join(b"reader%d@example.com\n" % number for number in range(1500))
    with pytest.raises(InvalidChange, match="UTF-8"):
        _import(store, b"email\n" + rows + b"\xff\n")
    with store.begin(write=False) as tx:
        assert tx.subscribers.search().get_page().total == 0


def test_rows_of_several_batches_are_all_imported(store: Database) -> None:
    rows = b"".join(b"reader%d@example.com\n" % number for number in range(1001))
    long_rows = b"".join(b"long%d@example.com,%s\n" % (number, b"x " * 50_000) for number in range(4))
    report = _import(store, b"email,notes\n" + rows.replace(b"\n", b",\n") + long_rows)
    assert report.counts == {"added": 1005}
    with store.begin(write=False) as tx:
        assert tx.subscribers.search().get_page().total == 1005


@pytest.mark.parametrize(
    "content",
    [b'[{"email": "ada@example.com"}, %s', b'{"email": "ada@example.com", "x": "%s"}', b"email,%s\n"],
)
def test_a_line_or_document_that_is_too_long_is_refused(store: Database, content: bytes) -> None:
    with pytest.raises(InvalidChange, match="one JSON object per line"):
        _import(store, content % (b"x" * (MAX_CHARS_AT_ONCE + 1)))
