"""Is there a place for jobs in a migrated database, and only where there may be workers?"""

from pathlib import Path

import sqlalchemy as sa

from digest.db import Database
from digest.db.migrate import is_laid

BEFORE_LAST = "03.04.00_01_pre_add_retry_failed_job_procedure.sql"
MADE_LAST = "procrastinate_trigger_function_status_events_update_v1"
LAST_STEP = "SELECT value FROM meta WHERE key = 'jobs_schema'"


def test_migrating_lays_the_tables_of_jobs_once_and_they_are_no_difference(postgres_url: str) -> None:
    for _ in range(2):
        store = Database.migrate(postgres_url)
        with store.begin(write=False) as tx:
            assert is_laid(tx.connection)
            assert tx.connection.scalar(sa.text(LAST_STEP))
        assert store.differences() == []
        store.close()


def test_the_steps_of_a_newer_procrastinate_are_taken(postgres_url: str) -> None:
    store = Database.migrate(postgres_url)
    with store.begin() as tx:  # as it was before the last step: without what that step makes
        newest = tx.meta.read("jobs_schema")
        tx.connection.execute(sa.text(f"DROP FUNCTION {MADE_LAST} CASCADE"))
        tx.meta.write("jobs_schema", BEFORE_LAST)
    store.close()
    again = Database.migrate(postgres_url)
    with again.begin(write=False) as tx:
        assert tx.connection.scalar(sa.text(f"SELECT to_regproc('{MADE_LAST}') IS NOT NULL"))
        assert tx.meta.read("jobs_schema") == newest
    again.close()


def test_sqlite_has_no_jobs(tmp_path: Path) -> None:
    store = Database.migrate(f"sqlite:///{tmp_path}/digest.sqlite3")
    with store.begin(write=False) as tx:
        assert not is_laid(tx.connection)
    store.close()
