"""Job tables: a migrated PostgreSQL database has them, an SQLite database does not."""

from pathlib import Path

import sqlalchemy as sa

from digest.db import Database
from digest.db.migrate import has_job_tables

STEP_BEFORE_LAST = "03.04.00_01_pre_add_retry_failed_job_procedure.sql"
LAST_FUNCTION = "procrastinate_trigger_function_status_events_update_v1"
QUERY_LAST_STEP = "SELECT value FROM meta WHERE key = 'jobs_schema'"


def test_migrate_creates_the_job_tables_once_and_they_are_no_difference(postgres_url: str) -> None:
    for _ in range(2):
        database = Database.migrate(postgres_url)
        with database.begin(write=False) as tx:
            assert has_job_tables(tx.connection)
            assert tx.connection.scalar(sa.text(QUERY_LAST_STEP))
        assert database.list_schema_differences() == []
        database.close()


def test_the_migrations_of_a_newer_procrastinate_are_applied(postgres_url: str) -> None:
    database = Database.migrate(postgres_url)
    with database.begin() as tx:  # as before the last step, without what that step creates
        newest = tx.meta.read("jobs_schema")
        tx.connection.execute(sa.text(f"DROP FUNCTION {LAST_FUNCTION} CASCADE"))
        tx.meta.write("jobs_schema", STEP_BEFORE_LAST)
    database.close()
    migrated = Database.migrate(postgres_url)
    with migrated.begin(write=False) as tx:
        assert tx.connection.scalar(sa.text(f"SELECT to_regproc('{LAST_FUNCTION}') IS NOT NULL"))
        assert tx.meta.read("jobs_schema") == newest
    migrated.close()


def test_sqlite_has_no_job_tables(tmp_path: Path) -> None:
    database = Database.migrate(f"sqlite:///{tmp_path}/digest.sqlite3")
    with database.begin(write=False) as tx:
        assert not has_job_tables(tx.connection)
    database.close()
