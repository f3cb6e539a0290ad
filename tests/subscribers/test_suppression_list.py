"""Tests of importing a list of suppressed addresses, and of finding the subscribers behind suppressions."""

import io

import pytest

from digest.db import Database
from digest.models import Status
from digest.models.addresses import hash_address
from digest.models.errors import InvalidChange
from digest.subscribers import Actor
from digest.subscribers.suppression_list import find_suppressed, import_suppressions
from tests.factories import NOW, store_subscriber

ACTOR = Actor("admin:ada", NOW, b"pepper")
FILES = {
    "one address a line": b"\xef\xbb\xbfada@example.com\r\n\r\n<bob@example.com>\nno address@\n"
    b"ADA@example.com\n",
    "bare table": b'"ada@example.com",2024-01-01,bounced\nbob@example.com;x\nno address@,\n'
    b"ADA@example.com,\n",
    "csv with a header": b"reason,Email\nhard,ada@example.com\nx,bob@example.com\nx,no address@\n"
    b",ADA@example.com\n",
    "json lines": b'{"email": "ada@example.com"}\n{"email": "bob@example.com"}\n{"email": "x"}\n'
    b'{"email": "ADA@example.com"}\n',
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_every_address_of_a_list_is_suppressed_once(any_store: Database, content: bytes) -> None:
    with any_store.begin() as tx:
        store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
    checked = import_suppressions(any_store, io.BytesIO(content), actor=ACTOR, dry_run=True)
    assert dict(checked.counts) == {"added": 2, "invalid": 1, "duplicate": 1}
    with any_store.begin(write=False) as tx:
        assert tx.suppressions.count() == 0

    report = import_suppressions(
        any_store, io.BytesIO(content), actor=ACTOR, dry_run=False, file_name="list.csv"
    )

    assert report.counts == checked.counts
    keys = {name: hash_address(b"pepper", f"{name}@example.com") for name in ("ada", "bob")}
    with any_store.begin(write=False) as tx:
        assert tx.suppressions.filter_suppressed(keys.values()) == {*keys.values()}
        assert tx.subscribers.get_by_address("ada@example.com").status is Status.UNSUBSCRIBED
        found = find_suppressed(tx, keys.values(), suppression_key=b"pepper")
        assert {key: reader.address for key, reader in found.items()} == {keys["ada"]: "ada@example.com"}
        (line,) = tx.audit.search()
        assert (line.action, line.subject) == ("import-suppressions", f"import/{report.id}")
        assert line.detail == {"file": "list.csv", "added": 2, "invalid": 1, "duplicate": 1}
        stored = tx.import_reports.get(report.id)
    assert "@" not in str(stored.noted).replace(" @ ", "")
    again = import_suppressions(any_store, io.BytesIO(content), actor=ACTOR, dry_run=False)
    assert again.counts["unchanged"] == 2


@pytest.mark.parametrize("content", [b"", b"name,number\nx,1\n", b"\x00\xff\xfe"])
def test_a_file_without_addresses_is_refused_and_leaves_no_trace(any_store: Database, content: bytes) -> None:
    with pytest.raises(InvalidChange):
        import_suppressions(any_store, io.BytesIO(content), actor=ACTOR, dry_run=False)
    with any_store.begin(write=False) as tx:
        assert tx.audit.search() == ()
