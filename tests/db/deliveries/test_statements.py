"""Query plans of the sender: its statements use an index, according to SQLite's EXPLAIN QUERY PLAN."""

from collections.abc import Sequence

import pytest

from digest.db import Database
from digest.db.deliveries.send_queue import _DUE
from digest.db.deliveries.statements import DeliveryStatements, compile_statements
from digest.db.prepared import PreparedStatement

NAMES = tuple(DeliveryStatements.__dataclass_fields__)


def explain(database: Database, text: str, values: Sequence[object]) -> list[str]:
    with database.begin(write=False) as tx:
        return [row[3] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", tuple(values))]


@pytest.mark.parametrize("name", NAMES)
def test_statements_find_rows_by_id(store: Database, name: str) -> None:
    statement: PreparedStatement = getattr(compile_statements(store.engine.dialect), name)
    steps = explain(
        store, statement.text, [statement.defaults.get(parameter) for parameter in statement.parameters]
    )
    assert "SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)" in steps


def test_due_deliveries_are_read_in_the_order_of_the_index(store: Database) -> None:
    text = str(_DUE.compile(store.engine))
    steps = explain(store, text, ["digest", "2026-11-23", 64, 0])
    assert steps[0] == "SCAN delivery USING INDEX ix_delivery_queue"
    assert not any("B-TREE" in step for step in steps)  # nothing is sorted


def test_statements_are_compiled_once_per_dialect(store: Database) -> None:
    assert compile_statements(store.engine.dialect) is compile_statements(store.engine.dialect)
