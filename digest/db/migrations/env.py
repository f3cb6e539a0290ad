"""How does alembic run here? On the connection it is handed, in the caller's transaction."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from digest.db.migrate import is_ours
from digest.db.tables import TableBase


def plain(type_: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Write SQLModel's own types as SQLAlchemy's, so that history does not import SQLModel."""
    if type_ != "type" or not type(item).__module__.startswith("sqlmodel"):
        return False
    is_moment = (
        isinstance(item, sa.types.TypeDecorator) and item.impl_instance.python_type.__name__ == "datetime"
    )
    return "sa.DateTime(timezone=True)" if is_moment else "sa.String()"


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TableBase.metadata,
    render_as_batch=True,  # SQLite cannot ALTER much: batch mode rebuilds the table
    render_item=plain,
    include_object=is_ours,
)
context.run_migrations()
