"""Is an address that must not be written to known for ever, and only by its hash?"""

from digest.db import Database
from digest.models import Suppression, SuppressionReason
from digest.models.addresses import address_key, key_of
from tests.factories import NOW

KEY = key_of("ada@example.com", suppression_key=b"a pinch")


def test_all_spellings_of_an_address_have_one_key_and_other_peppers_another() -> None:
    assert address_key(b"a pinch", "ADA@Example.COM") == KEY
    assert key_of("ada@example.com", suppression_key=b"another") != KEY
    assert "ada" not in KEY


def test_the_first_reason_stays(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.suppressions.add(KEY, SuppressionReason.REQUEST, now=NOW, source="reader")
        assert not tx.suppressions.add(KEY, SuppressionReason.HARD, now=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.suppressions.holds(KEY)
        assert tx.suppressions.find(KEY) == Suppression(KEY, SuppressionReason.REQUEST, NOW)
        assert tx.suppressions.count() == {SuppressionReason.REQUEST: 1}
        assert tx.suppressions.among([KEY, "else"]) == {KEY}
        assert tx.suppressions.among([]) == frozenset()


def test_an_order_can_be_lifted_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.suppressions.add(KEY, SuppressionReason.ADMIN, now=NOW)
        assert tx.suppressions.remove(KEY)
        assert not tx.suppressions.remove(KEY)
        assert not tx.suppressions.holds(KEY)
        assert tx.suppressions.find(KEY) is None
