"""What editions say of heat is told once, and forgotten when no mail tells of it any more."""

from datetime import timedelta

from digest.db import Database
from tests.factories import NOW

A_DAY = timedelta(days=1)


def test_a_heat_is_kept_once_however_many_editions_tell_of_it(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.heats.keep({"hot": '{"value":2}', "cold": "{}"}, now=NOW)
        tx.heats.keep({"hot": '{"value":2}'}, now=NOW + A_DAY)
        tx.heats.keep({}, now=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.heats.of(["hot", "cold", "never seen"]) == {"hot": '{"value":2}', "cold": "{}"}


def test_what_was_told_again_is_needed_longer(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.heats.keep({"hot": "{}", "cold": "{}"}, now=NOW)
        tx.heats.keep({"hot": "{}"}, now=NOW + A_DAY)
        tx.heats.keep({"hot": "{}"}, now=NOW)  # an earlier planner that was slow
        assert tx.heats.forget(NOW + A_DAY) == 1
        assert [*tx.heats.of(["hot", "cold"])] == ["hot"]
