"""What the repositories share: their connection, counting, and the conversion of rows to dataclasses."""

from dataclasses import fields
from typing import Any, TypeVar, cast

import sqlalchemy as sa

T = TypeVar("T")


class Repository:
    """Access to the rows of one noun, on the connection of a transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def _count(self, table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return int(self._connection.scalar(query) or 0)


def from_row(kind: type[T], row: Any, prefix: str = "", /, **changes: Any) -> T:
    """Return a dataclass of the columns that are called like its fields, after *prefix*.

    *changes* are the fields that no column holds as they are.
    """
    names = (item.name for item in fields(cast("Any", kind)) if item.name not in changes)
    return kind(**{name: getattr(row, prefix + name) for name in names}, **changes)
