"""Embedding models, their vectors, and encoded profiles."""

from digest.db import Database
from digest.db.embeddings import StoredProfileVectors, compute_text_key
from tests.factories import NOW, store_subscriber


def test_the_old_model_is_used_until_the_new_one_is_complete(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.vectors.add_model("one-1", setting="one", fit=b"", now=NOW)
        one = tx.vectors.find_model("one-1")
        assert one is not None
        tx.vectors.add_vectors(one, {1: b"aa", -(2**63): b"bb"})
        assert tx.vectors.get_serving_model() == one  # the first one is used although it is incomplete
        tx.vectors.complete_model(one)
        tx.vectors.add_model("two-1", setting="two", fit=b"fit", now=NOW)
        serving = tx.vectors.get_serving_model()
        assert serving is not None
        assert serving.name == "one-1"
        assert tx.vectors.get_vectors(serving, [1, 7, -(2**63)]) == {1: b"aa", -(2**63): b"bb"}
        two = tx.vectors.find_model("two-1")
        assert two is not None
        tx.vectors.complete_model(two)
        assert tx.vectors.get_serving_model() == tx.vectors.find_model("two-1")
        assert tx.vectors.find_model("one-1") is None
        assert tx.vectors.get_vectors(one, [1]) == {}


def test_vectors_added_twice_are_stored_once_and_can_be_deleted(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.vectors.add_model("one-1", setting="one", fit=b"", now=NOW)
        tx.vectors.add_model("one-1", setting="one", fit=b"other", now=NOW)
        one = tx.vectors.find_model("one-1")
        assert one is not None
        assert one.fit == b""
        tx.vectors.add_vectors(one, {1: b"aa"})
        tx.vectors.add_vectors(one, {1: b"cc", 2: b"bb"})
        assert set(tx.vectors.iter_keys(one)) == {1, 2}
        assert tx.vectors.get_vectors(one, [1]) == {1: b"aa"}
        tx.vectors.delete_vectors(one, [2])
        assert set(tx.vectors.iter_keys(one)) == {1}


def test_profile_vectors_are_replaced_by_the_next_and_erased_with_the_subscriber(
    any_store: Database,
) -> None:
    with any_store.begin() as tx:
        ada = store_subscriber(tx, "ada@example.com", now=NOW)
        tx.vectors.save_profile_vectors(
            {ada.id: StoredProfileVectors("how", b"one"), 999: StoredProfileVectors("how", b"none")}
        )
        tx.vectors.save_profile_vectors({ada.id: StoredProfileVectors("how", b"two")})
        assert tx.vectors.get_profile_vectors([ada.id, 999]) == {ada.id: StoredProfileVectors("how", b"two")}
        tx.subscribers.erase(ada.id, now=NOW)
        assert tx.vectors.get_profile_vectors([ada.id]) == {}


def test_compute_text_key_is_stable() -> None:
    assert compute_text_key("Counting Sheep\nin sublinear time") == compute_text_key(
        "Counting Sheep\nin sublinear time"
    )
    assert compute_text_key("a") != compute_text_key("b")
