"""Does the sender find its mail by an index, however much there is? Read off SQLite's own plan."""

from collections.abc import Sequence

import pytest

from digest.db import Database
from digest.db.deliveries.queue import _DUE
from digest.db.deliveries.statements import DeliveryStatements, moves
from digest.db.prepared import PreparedStatement

MOVES = tuple(DeliveryStatements.__dataclass_fields__)


def plan_of(store: Database, text: str, given: Sequence[object]) -> list[str]:
    with store.begin(write=False) as tx:
        return [row[3] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(given))]


@pytest.mark.parametrize("name", MOVES)
def test_a_move_goes_by_the_ids_it_is_given(store: Database, name: str) -> None:
    order: PreparedStatement = getattr(moves(store.engine.dialect), name)
    steps = plan_of(store, order.text, [order.usual.get(place) for place in order.places])
    assert "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)" in steps


def test_the_queue_is_read_in_the_order_of_its_index(store: Database) -> None:
    text = str(_DUE.compile(store.engine))
    steps = plan_of(store, text, ["2026-11-23", 64, 0])
    assert steps[0] == "SCAN delivery USING INDEX ix_delivery_queue"
    assert not any("B-TREE" in step for step in steps)  # nothing is sorted


def test_orders_are_spelt_out_once_for_a_database(store: Database) -> None:
    assert moves(store.engine.dialect) is moves(store.engine.dialect)
