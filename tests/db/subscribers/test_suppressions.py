"""Suppressions: keyed hashes of addresses, reasons, and removal."""

from digest.db import Database
from digest.models import Suppression, SuppressionReason
from digest.models.addresses import hash_address, hash_mailbox
from tests.factories import NOW

KEY = hash_mailbox("ada@example.com", suppression_key=b"key")


def test_all_spellings_of_an_address_have_the_same_key() -> None:
    assert hash_address(b"key", "ADA@Example.COM") == KEY
    assert hash_mailbox("ada@example.com", suppression_key=b"another") != KEY
    assert "ada" not in KEY


def test_the_first_reason_stays(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.suppressions.add(KEY, SuppressionReason.REQUEST, now=NOW, source="reader")
        assert not tx.suppressions.add(KEY, SuppressionReason.HARD, now=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.suppressions.is_suppressed(KEY)
        assert tx.suppressions.find(KEY) == Suppression(KEY, SuppressionReason.REQUEST, NOW, source="reader")
        assert tx.suppressions.count_by_reason() == {SuppressionReason.REQUEST: 1}
        assert tx.suppressions.filter_suppressed([KEY, "else"]) == {KEY}
        assert tx.suppressions.filter_suppressed([]) == frozenset()


def test_a_suppression_can_be_removed_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.suppressions.add(KEY, SuppressionReason.ADMIN, now=NOW)
        assert tx.suppressions.remove(KEY)
        assert not tx.suppressions.remove(KEY)
        assert not tx.suppressions.is_suppressed(KEY)
        assert tx.suppressions.find(KEY) is None
