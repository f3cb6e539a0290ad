"""Alembic's environment: runs on the connection it is given, in the caller's transaction."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from digest.db.migrate import is_compared
from digest.db.tables import TableBase


def render_item(type_: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Render SQLModel's types as SQLAlchemy's, so that migrations do not import SQLModel."""
    if type_ != "type" or not type(item).__module__.startswith("sqlmodel"):
        return False
    is_datetime = (
        isinstance(item, sa.types.TypeDecorator) and item.impl_instance.python_type.__name__ == "datetime"
    )
    return "sa.DateTime(timezone=True)" if is_datetime else "sa.String()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TableBase.metadata,
    render_as_batch=True,  # rebuilds the table: SQLite can ALTER little
    render_item=render_item,
    include_object=is_compared,
)
context.run_migrations()
