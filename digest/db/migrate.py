"""Schema migrations: our tables with alembic, the job tables with procrastinate's own scripts."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from digest.db.dialects import is_postgres
from digest.db.meta import Meta
from digest.models.errors import StoreTooNew

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
STEPS = tuple(sorted(path.stem for path in (FOLDER / "versions").glob("[0-9]*.py")))
HEAD = STEPS[-1]
JOB_TABLES = "procrastinate_"  # prefix of all job tables
# Not compared by alembic: the full-text tables, which differ by database (full_text.py), and the job tables.
IGNORED_TABLES = ("paper_text", JOB_TABLES)
_JOB_STEP = "jobs_schema"  # meta key: the last procrastinate migration applied here
_LOCK = 0x64696765_7374  # PostgreSQL advisory lock, "digest"


# ---- our tables


def read_version(connection: sa.Connection) -> str:
    """Return the migration step of a database, empty for a new one.

    Raises StoreTooNew for a step this program does not know.
    """
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    step = connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""
    check_step(step)
    return str(step)


def check_step(step: str) -> None:
    """Raise StoreTooNew for a migration step that this program does not know."""
    if step and step not in STEPS:
        raise StoreTooNew(
            f"This database is at version {step}, written by a newer program; this one knows up to {HEAD}. "
            "Upgrade the program or restore a backup."
        )


def lock(connection: sa.Connection) -> None:
    """Keep other processes from migrating until the end of this transaction, after waiting for one that does.

    On SQLite the transaction itself does so: it holds the write lock from its start.
    """
    if is_postgres(connection):
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def migrate(connection: sa.Connection, *, to: str = HEAD) -> None:
    """Migrate the tables to a step, in the caller's transaction."""
    from alembic import command  # noqa: PLC0415  costs 0.1 s and is needed once per upgrade

    lock(connection)
    if read_version(connection) != to:
        command.upgrade(_create_config(connection), to)


def list_differences(connection: sa.Connection) -> list[Any]:
    """Return the differences between the database and tables.py; empty when they agree."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415  only `db check` needs it
    from alembic.migration import MigrationContext  # noqa: PLC0415  only `db check` needs it

    from digest.db.tables import TableBase  # noqa: PLC0415  with the two above

    context = MigrationContext.configure(connection, opts={"include_object": is_compared})
    return list(compare_metadata(context, TableBase.metadata))


def is_compared(_object: Any, name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:  # noqa: FBT001  alembic's call
    """Return whether alembic should compare this object (alembic's `include_object`)."""
    return not (kind == "table" and (name or "").startswith(IGNORED_TABLES))


def _create_config(connection: sa.Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  see migrate()

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


# ---- job tables


def has_job_tables(connection: sa.Connection) -> bool:
    """Return whether this database can hold jobs."""
    return sa.inspect(connection).has_table(f"{JOB_TABLES}jobs")


def migrate_jobs(connection: sa.Connection) -> None:
    """Create the job tables or migrate them to the installed procrastinate; PostgreSQL only.

    Does nothing if procrastinate is not installed: only workers need it.
    """
    if not is_postgres(connection):
        return
    lock(connection)
    try:
        from procrastinate.schema import SchemaManager  # noqa: PLC0415  of the extra `postgres`
    except ModuleNotFoundError:
        return
    steps = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    meta, newest = Meta(connection), steps[-1].name
    # Tables without a recorded step were created by hand: at the newest step, says procrastinate's manual.
    applied = meta.read(_JOB_STEP) or newest
    if not has_job_tables(connection):
        _run_script(connection, SchemaManager.get_schema())
    else:
        for step in steps:
            if step.name > applied:
                _run_script(connection, step.read_text(encoding="utf-8"))
    meta.write(_JOB_STEP, newest)


def _run_script(connection: sa.Connection, script: str) -> None:
    """Run a whole SQL script in the caller's transaction; percent signs in it are not parameters."""
    connection.execution_options(no_parameters=True).exec_driver_sql(script)
