"""Heat values of editions: stored once, deleted when no edition needs them any more."""

from datetime import timedelta

from digest.db import Database
from tests.factories import NOW

DAY = timedelta(days=1)


def test_a_heat_is_stored_once_for_all_editions(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.heats.save({"hot": '{"value":2}', "cold": "{}"}, now=NOW)
        tx.heats.save({"hot": '{"value":2}'}, now=NOW + DAY)
        tx.heats.save({}, now=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.heats.get(["hot", "cold", "never seen"]) == {"hot": '{"value":2}', "cold": "{}"}


def test_a_heat_that_is_saved_again_is_kept_longer(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.heats.save({"hot": "{}", "cold": "{}"}, now=NOW)
        tx.heats.save({"hot": "{}"}, now=NOW + DAY)
        tx.heats.save({"hot": "{}"}, now=NOW)  # a slow planner that started earlier
        assert tx.heats.delete_before(NOW + DAY) == 1
        assert [*tx.heats.get(["hot", "cold"])] == ["hot"]
