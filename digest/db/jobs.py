"""Where do the jobs of many machines wait? In procrastinate's own tables, which we lay and renew."""

from pathlib import Path

import sqlalchemy as sa

from digest.db.meta import Meta

TABLES = "procrastinate_"  # what all of its tables begin with: not alembic's to compare
_LAID = "jobs_schema"  # the last of its own steps that this database has taken


def is_laid(connection: sa.Connection) -> bool:
    """Whether jobs can wait in this database."""
    return sa.inspect(connection).has_table(f"{TABLES}jobs")


def lay(connection: sa.Connection) -> None:
    """Bring the tables of jobs to the step of the procrastinate installed here; PostgreSQL only.

    Where it is not installed nothing happens: only workers need it.
    """
    try:
        from procrastinate.schema import SchemaManager  # noqa: PLC0415  of the extra `postgres`
    except ModuleNotFoundError:
        return
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    meta, newest = Meta(connection), steps[-1].name
    laid = meta.read(_LAID) or newest  # laid by hand: then at the newest, as its manual says
    if not is_laid(connection):
        _run(connection, SchemaManager.get_schema())
    else:
        for step in steps:
            if step.name > laid:
                _run(connection, step.read_text(encoding="utf-8"))
    meta.write(_LAID, newest)


def _run(connection: sa.Connection, script: str) -> None:
    """A whole script, in the caller's transaction; the percent signs in it are its own."""
    connection.execution_options(no_parameters=True).exec_driver_sql(script)
