"""Does this database have the tables we know? Migrations forwards, and a clear no to a newer one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from digest.db.dialects import is_postgres
from digest.db.meta import Meta
from digest.models.errors import StoreTooNew

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


if TYPE_CHECKING:
    from alembic.config import Config
FOLDER = Path(__file__).parent / "migrations"
STEPS = tuple(sorted(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py")))
HEAD = STEPS[-1]
# Full text lives beside the tables, in each database's own way (see search.py): not alembic's to compare.
SEARCH_TABLES = ("paper_text",)
OTHERS = (*SEARCH_TABLES, TABLES)
_LOCK = 0x64696765_7374  # any number of ours: "digest"


def version(connection: sa.Connection) -> str:
    """The step this database stands at, empty for an empty one; StoreTooNew for an unknown step."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""
    if found and found not in STEPS:
        raise StoreTooNew(
            f"This database stands at {found}, which a newer version wrote; this one knows up to {HEAD}. "
            "Upgrade the program or restore a backup."
        )
    return str(found)


def migrate(connection: sa.Connection, *, to: str = HEAD) -> None:
    """Bring the tables up to a step, in the caller's transaction: all of it or nothing."""
    from alembic import command  # noqa: PLC0415  costs 0.1 s, and is needed once per upgrade

    _alone(connection)
    if version(connection) != to:
        command.upgrade(_config(connection), to)


def lay_jobs(connection: sa.Connection) -> None:
    """Lay or renew the tables where workers find their jobs; nothing on SQLite, which has no workers."""
    if is_postgres(connection):
        _alone(connection)
        lay(connection)


def _alone(connection: sa.Connection) -> None:
    """Until the end of this transaction no other machine migrates."""
    if is_postgres(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def differences(connection: sa.Connection) -> list[Any]:
    """What the database has and records.py has not, or the other way round; empty when they agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  only `db check` needs it
    from alembic.migration import MigrationContext  # noqa: PLC0415  only `db check` needs it

    from digest.db.tables import TableBase  # noqa: PLC0415  with the two above

    context = MigrationContext.configure(connection, opts={"include_object": is_ours})
    return list(compare_metadata(context, TableBase.metadata))


def is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:  # noqa: FBT001  alembic's call
    """Whether alembic should compare this: everything but the full-text index and the jobs."""
    return not (kind == "table" and (name or "").startswith(OTHERS))


def _config(connection: sa.Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  see migrate()

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config
