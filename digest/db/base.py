"""What the repositories share: their connection, counting, and the conversion of rows to dataclasses."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from digest.db.dialects import in_values, insert

T = TypeVar("T")


class Repository:
    """Access to the rows of one noun, on the connection of a transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def _in(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
        """Return `column IN values` for any number of values."""
        return in_values(self._connection, column, values)

    def _count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return int(self._connection.scalar(query) or 0)

    def _count_by(self, column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> dict[Any, int]:
        """Return the number of rows that match, by the value of a column."""
        query = sa.select(column, sa.func.count()).where(*conditions).group_by(column)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _insert_new(self, table: sa.Table, rows: list[dict[str, Any]]) -> int:
        """Insert rows, but for those that exist by any unique key; return how many were inserted."""
        new = insert(self._connection, table).on_conflict_do_nothing()
        return self._connection.execute(new, rows).rowcount if rows else 0

    def _upsert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows of the same columns; a row with the same primary key gets their values."""
        if rows:
            insert_of: Any = type(insert(self._connection, table))  # SQLite's or PostgreSQL's
            self._connection.execute(_build_upsert(insert_of, table, tuple(rows[0])), rows)

    def _update(self, table: sa.Table, *conditions: sa.ColumnElement[bool], **values: Any) -> int:
        """Set values in the rows that match; return how many did."""
        return self._connection.execute(sa.update(table).where(*conditions).values(values)).rowcount

    def _delete(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        """Delete the rows that match; return how many did."""
        return self._connection.execute(sa.delete(table).where(*conditions)).rowcount


@lru_cache(maxsize=256)  # building it takes as long as writing a few rows
def _build_upsert(insert_of: Callable[[sa.Table], Any], table: sa.Table, columns: tuple[str, ...]) -> Any:
    new, keys = insert_of(table), table.primary_key.columns.keys()
    changes = {name: new.excluded[name] for name in columns if name not in keys}
    return new.on_conflict_do_update(index_elements=keys, set_=changes)


def from_row(kind: type[T], row: Any, prefix: str = "", /, **changes: Any) -> T:
    """Return a dataclass of the columns that are called like its fields, after *prefix*.

    *changes* are the fields that no column holds as they are.
    """
    names = (item.name for item in fields(cast("Any", kind)) if item.name not in changes)
    return kind(**{name: getattr(row, prefix + name) for name in names}, **changes)
