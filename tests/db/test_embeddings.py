"""The old vectors serve until the new are complete, and an outline knows which revision it is of."""

from digest.db import Database
from digest.db.embeddings import KeptOutline, text_key
from tests.factories import NOW


def test_the_old_model_serves_until_the_new_one_is_complete(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.vectors.begin("one-1", setting="one", fit=b"", now=NOW)
        one = tx.vectors.model("one-1")
        assert one is not None
        tx.vectors.keep(one, {1: b"aa", -(2**63): b"bb"})
        assert tx.vectors.serving() == one  # the first one serves as far as it has come
        tx.vectors.complete(one)
        tx.vectors.begin("two-1", setting="two", fit=b"fit", now=NOW)
        serving = tx.vectors.serving()
        assert serving is not None
        assert serving.name == "one-1"
        assert tx.vectors.of(serving, [1, 7, -(2**63)]) == {1: b"aa", -(2**63): b"bb"}
        two = tx.vectors.model("two-1")
        assert two is not None
        tx.vectors.complete(two)
        assert tx.vectors.serving() == tx.vectors.model("two-1")
        assert tx.vectors.model("one-1") is None
        assert tx.vectors.of(one, [1]) == {}


def test_vectors_kept_twice_are_kept_once_and_can_be_dropped(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.vectors.begin("one-1", setting="one", fit=b"", now=NOW)
        tx.vectors.begin("one-1", setting="one", fit=b"other", now=NOW)
        one = tx.vectors.model("one-1")
        assert one is not None
        assert one.fit == b""
        tx.vectors.keep(one, {1: b"aa"})
        tx.vectors.keep(one, {1: b"cc", 2: b"bb"})
        assert set(tx.vectors.known(one)) == {1, 2}
        assert tx.vectors.of(one, [1]) == {1: b"aa"}
        tx.vectors.forget(one, [2])
        assert set(tx.vectors.known(one)) == {1}


def test_an_outline_is_replaced_by_its_next_revision_and_goes_with_its_reader(any_store: Database) -> None:
    with any_store.begin() as tx:
        ada = tx.subscribers.add("ada@example.com", now=NOW)
        tx.vectors.keep_outlines({ada.id: KeptOutline(1, "how", b"one"), 999: KeptOutline(1, "how", b"none")})
        tx.vectors.keep_outlines({ada.id: KeptOutline(2, "how", b"two")})
        assert tx.vectors.outlines([ada.id, 999]) == {ada.id: KeptOutline(2, "how", b"two")}
        tx.subscribers.erase(ada.id, now=NOW)
        assert tx.vectors.outlines([ada.id]) == {}


def test_a_text_is_known_by_the_same_number_for_ever() -> None:
    assert text_key("Counting Sheep\nin sublinear time") == text_key("Counting Sheep\nin sublinear time")
    assert text_key("a") != text_key("b")
