"""A store is opened, migrated, locked, copied, put back, and refuses what it does not know."""

import os
import shutil
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from digest.db import Database, Transaction, migrate
from digest.db.backup import restore
from digest.db.dialects import engine_for
from digest.db.file_lock import only_sender
from digest.models import Preferences, Profile, Schedule, Status
from digest.models.errors import ConfigError, StoreBusy, StoreError, StoreTooNew
from tests.factories import NOW, paper


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def paused(store: Database) -> str:
    with store.begin(write=False) as tx:
        return tx.meta.paused


def reopened(store: Database) -> Database:
    store.close()
    return Database.open(url_of(file_of(store)))


def file_of(store: Database) -> Path:
    assert store.file is not None
    return store.file


def test_the_tables_are_what_the_records_say(any_store: Database) -> None:
    assert any_store.differences() == []
    assert any_store.version() == migrate.HEAD


def test_too_many_at_once_are_told_to_come_back(store: Database) -> None:
    store.engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with ExitStack() as many:
        readings = (many.enter_context(store.begin(write=False)) for _ in range(100))
        with pytest.raises(StoreBusy, match="at once"):
            all(readings)


def test_a_block_that_raises_leaves_nothing_behind(any_store: Database) -> None:
    with pytest.raises(ZeroDivisionError), any_store.begin() as tx:
        fails_after_adding(tx)
    with any_store.begin(keep=False) as tx:
        tx.papers.add([paper()], seen_at=NOW)
        assert tx.papers.count() == 1
    with any_store.begin(write=False) as tx:
        assert tx.papers.count() == 0


def test_a_reading_transaction_cannot_write(any_store: Database) -> None:
    with pytest.raises(StoreError), any_store.begin(write=False) as tx:
        tx.meta.write("key", "value")


def test_readers_do_not_wait_for_a_writer(store: Database) -> None:
    with store.begin() as writing:
        writing.papers.add([paper()], seen_at=NOW)
        with store.begin(write=False) as reading:
            assert reading.papers.count() == 0


def test_threads_write_one_after_the_other(any_store: Database) -> None:
    def count() -> None:
        for _ in range(20):
            with any_store.begin() as tx:
                tx.connection.execute(
                    sa.text("SELECT pg_advisory_xact_lock(1)")
                ) if any_store.file is None else None
                tx.meta.write("count", str(int(tx.meta.read("count") or 0) + 1))

    threads = [Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_store.begin(write=False) as tx:
        assert tx.meta.read("count") == "80"


def test_two_readings_at_once_make_one_work_of_each_paper(any_store: Database) -> None:
    batch = [paper() for _ in range(20)]

    def add() -> None:
        with any_store.begin() as tx:
            tx.papers.add(batch, seen_at=NOW)

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_store.begin(write=False) as tx:
        assert tx.papers.count() == len(batch)


def test_sqlite_keeps_its_ground_rules(store: Database) -> None:
    with store.begin(write=False) as tx:
        asked = {name: tx.connection.execute(sa.text(f"PRAGMA {name}")).scalar() for name in (
            "journal_mode", "foreign_keys", "synchronous", "busy_timeout", "secure_delete",
        )}  # fmt: skip
    assert asked == {
        "journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 10000, "secure_delete": 1,
    }  # fmt: skip


def test_the_audit_log_cannot_be_rewritten(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.audit.write("admin", "pause", "p1", {"why": "asked"}, at=NOW)
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(StoreError, match="only ever added"), any_store.begin() as tx:
            tx.connection.execute(sa.text(statement))
    with any_store.begin(write=False) as tx:
        assert [(line.actor, line.action, line.detail) for line in tx.audit.latest()] == [
            ("admin", "pause", {"why": "asked"})
        ]


def test_an_unreachable_or_unknown_database_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DIGEST_DATABASE_URL"):
        Database.open(url_of(tmp_path / "missing" / "digest.sqlite3"))
    with pytest.raises(StoreError):
        Database.open(f"postgresql:///digest?host={tmp_path}")
    for url in ("nonsense", "mysql://example.com/digest"):
        with pytest.raises(ConfigError):
            Database.open(url)
    (tmp_path / "text").write_text("This is no database. " * 100)
    with pytest.raises(ConfigError, match="not a database"):
        Database.open(url_of(tmp_path / "text"))


def test_one_process_sends_at_a_time(store: Database) -> None:
    with store.sender():
        with pytest.raises(StoreBusy), store.sender():
            raise AssertionError
        with pytest.raises(StoreBusy), only_sender(store.file):
            raise AssertionError
    with store.sender():
        assert paused(store) == ""


def fails_after_adding(tx: Transaction) -> None:
    tx.papers.add([paper()], seen_at=NOW)
    raise ZeroDivisionError


# ---- migrations


def test_migrating_twice_is_once(tmp_path: Path, postgres_url: str) -> None:
    for url in (url_of(tmp_path / "digest.sqlite3"), postgres_url):
        for _ in range(2):
            with closing(Database.migrate(url)) as store:
                assert store.differences() == []


def test_a_server_is_only_migrated_when_someone_says_so(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="digest db migrate"):
        Database.open(postgres_url)
    Database.migrate(postgres_url).close()
    with closing(Database.open(postgres_url)) as store:
        assert store.version() == migrate.HEAD


def _sign_up(tx: Transaction, address: str) -> None:
    tx.subscribers.add(
        address,
        profile=Profile(keywords=("wombats",)),
        schedule=Schedule(),
        preferences=Preferences(),
        status=Status.CONFIRMED,
        now=NOW,
    )


@pytest.mark.parametrize("step", migrate.STEPS)
def test_every_released_schema_is_upgraded_with_its_rows(
    tmp_path: Path, postgres_url: str, step: str
) -> None:
    for url in (
        url_of(tmp_path / "digest.sqlite3"),
        postgres_url.replace("postgresql:", "postgresql+psycopg:"),
    ):
        engine = engine_for(url)
        with engine.begin() as connection:
            migrate.migrate(connection, to=step)
            connection.execute(sa.text("INSERT INTO meta (key, value) VALUES ('mark', 'kept')"))
            _insert_as_then(connection, "Wombats at Night")
            _sign_up(Transaction(connection), "ada@example.com")
        engine.dispose()
        with closing(Database.migrate(url)) as store:
            assert store.differences() == []
            with store.begin(write=False) as tx:
                assert tx.meta.read("mark") == "kept"
                assert tx.subscribers.by_address("ada@example.com").profile.keywords == ("wombats",)
                (kept,) = tx.papers.search("wombat")
                assert (kept.title, kept.retold) == ("Wombats at Night", "")


def test_a_database_of_a_newer_program_is_refused(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_tomorrow'"))
    with pytest.raises(StoreTooNew, match="9999_tomorrow"):
        Database.open(any_store.engine.url.render_as_string(hide_password=False))


def test_an_older_database_is_backed_up_before_it_is_upgraded(tmp_path: Path) -> None:
    url = url_of(tmp_path / "digest.sqlite3")
    engine = engine_for(url)
    with engine.begin() as connection:
        migrate.migrate(connection, to="0001_first_house")
        connection.execute(sa.text("INSERT INTO meta (key, value) VALUES ('mark', 'kept')"))
    engine.dispose()
    with pytest.raises(StoreError, match="stands at 0001_first_house"):
        Database.open(url, migrate=False)
    Database.open(url).close()
    with closing(sqlite3.connect(tmp_path / "digest.sqlite3.0001_first_house.backup")) as backup:
        assert backup.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001_first_house",)
        assert backup.execute("SELECT value FROM meta WHERE key = 'mark'").fetchone() == ("kept",)


def _insert_as_then(connection: sa.Connection, title: str) -> None:
    """A paper in the columns of that step: today's statements know columns that it has not."""
    then = sa.Table("paper", sa.MetaData(), autoload_with=connection)
    row: dict[str, object] = {column.name: "" for column in then.columns}
    row |= {"number": 1, "id": "arxiv:2611.00001", "title": title, "version": 1, "announcement": "new"}
    row |= {name: [] for name in ("authors", "categories", "aliases", "keywords")}
    row |= {"published": None, "listed": None, "withdrawn": False, "first_seen": NOW}
    connection.execute(then.insert().values(row))


def test_papers_of_before_the_full_text_index_are_found_by_it(tmp_path: Path, postgres_url: str) -> None:
    for url in (
        url_of(tmp_path / "digest.sqlite3"),
        postgres_url.replace("postgresql:", "postgresql+psycopg:"),
    ):
        engine = engine_for(url)
        with engine.begin() as connection:
            migrate.migrate(connection, to="0001_first_house")
            _insert_as_then(connection, "Wombats at Night")
        engine.dispose()
        with closing(Database.migrate(url)) as store, store.begin(write=False) as tx:
            assert [one.title for one in tx.papers.search("wombat")] == ["Wombats at Night"]


# ---- copies


def test_a_backup_is_taken_while_the_store_is_written(store: Database, tmp_path: Path) -> None:
    with store.begin() as tx:
        tx.papers.add([paper()], seen_at=NOW)
    with store.begin() as tx:
        tx.papers.add([paper()], seen_at=NOW)
        store.backup(tmp_path / "copy.sqlite3")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM paper").fetchone() == (1,)
    with pytest.raises(StoreError):
        store.backup(tmp_path / "missing" / "copy.sqlite3")


def test_a_restored_store_starts_paused_until_someone_says_go(store: Database, tmp_path: Path) -> None:
    store.backup(tmp_path / "copy.sqlite3")
    with store.begin() as tx:
        tx.papers.add([paper()], seen_at=NOW)
    store.close()
    restore(tmp_path / "copy.sqlite3", file_of(store))
    with closing(Database.open(url_of(file_of(store)))) as restored:
        assert "restored from a backup" in paused(restored)
        with restored.begin() as tx:
            assert tx.papers.count() == 0
            tx.meta.resume()
    with closing(Database.open(url_of(file_of(store)))) as again:
        assert paused(again) == ""
    with closing(sqlite3.connect(file_of(store).with_name("digest.sqlite3.replaced"))) as replaced:
        assert replaced.execute("SELECT count(*) FROM paper").fetchone() == (1,)


def test_a_copy_on_another_machine_starts_paused(store: Database, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "elsewhere").mkdir()
    there = tmp_path / "elsewhere" / "digest.sqlite3"
    there.write_bytes(file_of(store).read_bytes())
    with closing(Database.open(url_of(there))) as copy:
        assert paused(copy)
    assert not paused(reopened(store))


def test_a_house_that_moves_with_all_its_folder_goes_on_and_without_its_note_starts_paused(
    store: Database, tmp_path: Path
) -> None:
    with store.sender():
        pass
    store.close()
    moved, tried = tmp_path / "moved", tmp_path / "tried"
    for folder in (moved, tried):
        folder.mkdir()
        for part in tmp_path.glob("digest.sqlite3*"):
            shutil.copyfile(part, folder / part.name)
    (tried / "digest.sqlite3.instance").unlink()
    for folder, is_paused in ((moved, False), (tried, True)):
        with closing(Database.open(url_of(folder / "digest.sqlite3"))) as there:
            assert bool(paused(there)) is is_paused


def test_an_older_file_put_back_by_hand_starts_paused(store: Database) -> None:
    with store.sender():
        pass
    store.close()
    older = file_of(store).read_bytes()
    with store.sender():
        pass
    assert not paused(reopened(store))
    file_of(store).write_bytes(older)
    for leftover in ("-wal", "-shm"):
        file_of(store).with_name(f"digest.sqlite3{leftover}").unlink(missing_ok=True)
    assert paused(reopened(store))


def test_a_server_database_copied_to_another_one_starts_paused(postgres_url: str) -> None:
    with closing(Database.migrate(postgres_url)) as original, original.begin() as tx:
        assert not tx.meta.paused
        tx.meta.write("instance", "another-cluster/16384")
    with closing(Database.open(postgres_url)) as copy:
        assert paused(copy)


def test_a_torn_backup_is_not_put_in_place(store: Database, tmp_path: Path) -> None:
    store.backup(tmp_path / "copy.sqlite3")
    torn = bytearray((tmp_path / "copy.sqlite3").read_bytes())
    torn[4096:] = b"\xff" * (len(torn) - 4096)
    (tmp_path / "copy.sqlite3").write_bytes(torn)
    store.close()
    with pytest.raises(StoreError, match="not a sound"):
        restore(tmp_path / "copy.sqlite3", file_of(store))
    assert not paused(reopened(store))


def test_postgres_ends_what_a_frozen_machine_left_open(postgres_url: str) -> None:
    store = Database.migrate(postgres_url)
    with store.begin(write=False) as tx:
        timeout = tx.connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout"))
    store.close()
    assert timeout == "20s"


def test_nobody_else_reads_the_books_or_a_copy_of_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        store = Database.open(url_of(tmp_path / "digest.sqlite3"))
        store.backup(tmp_path / "copy.sqlite3")
        readable = {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077}
        store.close()
    finally:
        os.umask(before)
    assert readable <= {"digest.sqlite3.instance"}  # a number that says nothing


def test_a_file_that_the_operator_opened_to_others_stays_open(tmp_path: Path) -> None:
    file = tmp_path / "digest.sqlite3"
    file.touch(mode=0o640)
    file.chmod(0o640)
    Database.open(url_of(file)).close()
    assert file.stat().st_mode & 0o777 == 0o640
