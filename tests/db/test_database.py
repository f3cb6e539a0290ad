"""The database: opening, transactions, migrations, the sender's lock, backup, restore and copies."""

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
from digest.db.dialects import create_engine
from digest.db.file_lock import lock_sender
from digest.db.subscribers.rows import to_row
from digest.db.tables import SUBSCRIBER
from digest.models import Profile
from digest.models.errors import ConfigError, StoreBusy, StoreError, StoreTooNew
from tests.factories import NOW, make_paper, make_subscriber


def get_url(file: Path) -> str:
    return f"sqlite:///{file}"


def get_paused(database: Database) -> str:
    with database.begin(write=False) as tx:
        return tx.meta.pause_reason


def is_paused_when_reopened(database: Database) -> bool:
    database.close()
    with closing(Database.open(get_url(get_file(database)))) as reopened:
        return bool(get_paused(reopened))


def get_file(database: Database) -> Path:
    assert database.file is not None
    return database.file


def test_the_migrated_tables_match_the_records(any_store: Database) -> None:
    assert any_store.list_schema_differences() == []
    assert any_store.get_version() == migrate.HEAD


def test_an_exhausted_connection_pool_raises_store_busy(store: Database) -> None:
    store.engine.pool._timeout = 0.01  # type: ignore[attr-defined]
    with ExitStack() as stack:
        transactions = (stack.enter_context(store.begin(write=False)) for _ in range(100))
        with pytest.raises(StoreBusy, match="too busy"):
            all(transactions)


def test_a_block_that_raises_is_rolled_back(any_store: Database) -> None:
    with pytest.raises(ZeroDivisionError), any_store.begin() as tx:
        add_and_fail(tx)
    with any_store.begin(commit=False) as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
        assert tx.papers.count() == 1
    with any_store.begin(write=False) as tx:
        assert tx.papers.count() == 0


def test_a_read_only_transaction_cannot_write(any_store: Database) -> None:
    with pytest.raises(StoreError), any_store.begin(write=False) as tx:
        tx.meta.write("key", "value")


def test_readers_do_not_wait_for_a_writer(store: Database) -> None:
    with store.begin() as writer:
        writer.papers.add([make_paper()], seen_at=NOW)
        with store.begin(write=False) as reader:
            assert reader.papers.count() == 0


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


def test_concurrent_batches_of_the_same_papers_add_each_once(any_store: Database) -> None:
    batch = [make_paper() for _ in range(20)]

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


def test_sqlite_has_the_required_pragmas(store: Database) -> None:
    with store.begin(write=False) as tx:
        pragmas = {name: tx.connection.execute(sa.text(f"PRAGMA {name}")).scalar() for name in (
            "journal_mode", "foreign_keys", "synchronous", "busy_timeout", "secure_delete",
        )}  # fmt: skip
    assert pragmas == {
        "journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 10000, "secure_delete": 1,
    }  # fmt: skip


def test_the_audit_log_is_append_only(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.audit.write("admin", "pause", "p1", {"why": "asked"}, at=NOW)
    for statement in ("UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"):
        with pytest.raises(StoreError, match="only ever added"), any_store.begin() as tx:
            tx.connection.execute(sa.text(statement))
    with any_store.begin(write=False) as tx:
        assert [(line.actor, line.action, line.detail) for line in tx.audit.search()] == [
            ("admin", "pause", {"why": "asked"})
        ]


def test_an_unreachable_or_unknown_database_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DIGEST_DATABASE_URL"):
        Database.open(get_url(tmp_path / "missing" / "digest.sqlite3"))
    with pytest.raises(StoreError):
        Database.open(f"postgresql:///digest?host={tmp_path}")
    for url in ("nonsense", "mysql://example.com/digest"):
        with pytest.raises(ConfigError):
            Database.open(url)
    (tmp_path / "text").write_text("This is no database. " * 100)
    with pytest.raises(ConfigError, match="not a database"):
        Database.open(get_url(tmp_path / "text"))


def test_one_process_sends_at_a_time(store: Database) -> None:
    with store.lock_sender():
        with pytest.raises(StoreBusy), store.lock_sender():
            raise AssertionError
        with pytest.raises(StoreBusy), lock_sender(store.file):
            raise AssertionError
    with store.lock_sender():
        assert get_paused(store) == ""


def add_and_fail(tx: Transaction) -> None:
    tx.papers.add([make_paper()], seen_at=NOW)
    raise ZeroDivisionError


# ---- migrations


def test_migrating_twice_is_the_same_as_once(tmp_path: Path, postgres_url: str) -> None:
    for url in (get_url(tmp_path / "digest.sqlite3"), postgres_url):
        for _ in range(2):
            with closing(Database.migrate(url)) as database:
                assert database.list_schema_differences() == []


def test_a_postgres_database_is_only_migrated_on_request(postgres_url: str) -> None:
    with pytest.raises(StoreError, match="digest db migrate"):
        Database.open(postgres_url)
    Database.migrate(postgres_url).close()
    with closing(Database.open(postgres_url)) as database:
        assert database.get_version() == migrate.HEAD


def _insert_old_subscriber(connection: sa.Connection, address: str, *, number: int) -> None:
    """Insert a subscriber with the columns of that step, which lack some that today's statements use."""
    columns = {column["name"] for column in sa.inspect(connection).get_columns("subscriber")}
    reader = make_subscriber(address, id=number, profile=Profile(keywords=("wombats",)))
    row = {
        name: value for name, value in {**to_row(reader), "profile_revision": 1}.items() if name in columns
    }
    types = {name: SUBSCRIBER.c[name].type for name in row if name in SUBSCRIBER.c}
    table = sa.table("subscriber", *(sa.column(name, types.get(name)) for name in row))
    connection.execute(table.insert().values(row))


@pytest.mark.parametrize("server", ["sqlite", "postgres"])
def test_rows_of_every_released_schema_are_kept_by_all_later_steps(
    tmp_path: Path, request: pytest.FixtureRequest, server: str
) -> None:
    url = get_url(tmp_path / "digest.sqlite3")
    if server == "postgres":
        url = request.getfixturevalue("postgres_url").replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, foreign_keys=False)
    for number, step in enumerate(migrate.STEPS, 1):
        with engine.begin() as connection:
            migrate.migrate(connection, to=step)
            connection.execute(
                sa.text("INSERT INTO meta (key, value) VALUES (:step, 'kept')"), {"step": step}
            )
            _insert_old_paper(connection, f"Wombats at {step}", number=number)
            _insert_old_subscriber(connection, f"{step}@example.com", number=number)
    engine.dispose()
    with closing(Database.migrate(url)) as database:
        assert database.list_schema_differences() == []
        with database.begin(write=False) as tx:
            for step in migrate.STEPS:
                assert tx.meta.read(step) == "kept"
                assert tx.subscribers.get_by_address(f"{step}@example.com").profile.keywords == ("wombats",)
            stored = tx.papers.search("wombat", limit=100)
            assert {paper.title for paper in stored} == {f"Wombats at {step}" for step in migrate.STEPS}
            assert {paper.retold for paper in stored} == {""}


def test_a_database_of_a_newer_program_is_refused(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_tomorrow'"))
    with pytest.raises(StoreTooNew, match="9999_tomorrow"):
        Database.open(any_store.engine.url.render_as_string(hide_password=False))


def test_an_older_database_is_backed_up_before_it_is_upgraded(tmp_path: Path) -> None:
    url = get_url(tmp_path / "digest.sqlite3")
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.migrate(connection, to="0001_first_house")
        connection.execute(sa.text("INSERT INTO meta (key, value) VALUES ('mark', 'kept')"))
    engine.dispose()
    with pytest.raises(StoreError, match="is at version 0001_first_house"):
        Database.open(url, migrate=False)
    Database.open(url).close()
    with closing(sqlite3.connect(tmp_path / "digest.sqlite3.0001_first_house.backup")) as backup:
        assert backup.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001_first_house",)
        assert backup.execute("SELECT value FROM meta WHERE key = 'mark'").fetchone() == ("kept",)


def _insert_old_paper(connection: sa.Connection, title: str, *, number: int = 1) -> None:
    """Insert a paper with the columns of that step, which lack some that today's statements use."""
    table = sa.Table("paper", sa.MetaData(), autoload_with=connection)
    row: dict[str, object] = {column.name: "" for column in table.columns}
    row |= {"number": number, "id": f"arxiv:2611.{number:05d}", "title": title, "version": 1}
    row |= {name: [] for name in ("authors", "categories", "aliases", "keywords")}
    row |= {"announcement": "new", "published": None, "listed": None, "withdrawn": False, "first_seen": NOW}
    connection.execute(table.insert().values(row))


def test_papers_added_before_the_full_text_index_are_found_by_it(tmp_path: Path, postgres_url: str) -> None:
    for url in (
        get_url(tmp_path / "digest.sqlite3"),
        postgres_url.replace("postgresql:", "postgresql+psycopg:"),
    ):
        engine = create_engine(url)
        with engine.begin() as connection:
            migrate.migrate(connection, to="0001_first_house")
            _insert_old_paper(connection, "Wombats at Night")
        engine.dispose()
        with closing(Database.migrate(url)) as database, database.begin(write=False) as tx:
            assert [found.title for found in tx.papers.search("wombat")] == ["Wombats at Night"]


# ---- backups and copies


def test_a_backup_can_be_made_during_a_write(store: Database, tmp_path: Path) -> None:
    with store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
    with store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
        store.backup(tmp_path / "copy.sqlite3")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT count(*) FROM paper").fetchone() == (1,)
    with pytest.raises(StoreError):
        store.backup(tmp_path / "missing" / "copy.sqlite3")


def test_a_restored_store_starts_paused_until_someone_says_go(store: Database, tmp_path: Path) -> None:
    store.backup(tmp_path / "copy.sqlite3")
    with store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
    store.close()
    restore(tmp_path / "copy.sqlite3", get_file(store))
    with closing(Database.open(get_url(get_file(store)))) as restored:
        assert "restored from a backup" in get_paused(restored)
        with restored.begin() as tx:
            assert tx.papers.count() == 0
            tx.meta.resume()
    with closing(Database.open(get_url(get_file(store)))) as again:
        assert get_paused(again) == ""
    with closing(sqlite3.connect(get_file(store).with_name("digest.sqlite3.replaced"))) as replaced:
        assert replaced.execute("SELECT count(*) FROM paper").fetchone() == (1,)


def test_a_copy_on_another_machine_starts_paused(store: Database, tmp_path: Path) -> None:
    store.close()
    (tmp_path / "elsewhere").mkdir()
    copied_file = tmp_path / "elsewhere" / "digest.sqlite3"
    copied_file.write_bytes(get_file(store).read_bytes())
    with closing(Database.open(get_url(copied_file))) as copy:
        assert get_paused(copy)
    assert not is_paused_when_reopened(store)


def test_a_copied_folder_goes_on_sending_and_without_its_instance_file_starts_paused(
    store: Database, tmp_path: Path
) -> None:
    with store.lock_sender():
        pass
    store.close()
    complete, incomplete = tmp_path / "complete", tmp_path / "incomplete"
    for folder in (complete, incomplete):
        folder.mkdir()
        for file in tmp_path.glob("digest.sqlite3*"):
            shutil.copyfile(file, folder / file.name)
    (incomplete / "digest.sqlite3.instance").unlink()
    for folder, is_paused in ((complete, False), (incomplete, True)):
        with closing(Database.open(get_url(folder / "digest.sqlite3"))) as copy:
            assert bool(get_paused(copy)) is is_paused


def test_an_older_file_put_back_by_hand_starts_paused(store: Database) -> None:
    with store.lock_sender():
        pass
    store.close()
    old_bytes = get_file(store).read_bytes()
    with store.lock_sender():
        pass
    assert not is_paused_when_reopened(store)
    get_file(store).write_bytes(old_bytes)
    for suffix in ("-wal", "-shm"):
        get_file(store).with_name(f"digest.sqlite3{suffix}").unlink(missing_ok=True)
    assert is_paused_when_reopened(store)


def test_a_server_database_copied_to_another_one_starts_paused(postgres_url: str) -> None:
    with closing(Database.migrate(postgres_url)) as original, original.begin() as tx:
        assert not tx.meta.pause_reason
        tx.meta.write("instance", "another-cluster/16384")
    with closing(Database.open(postgres_url)) as copy:
        assert get_paused(copy)


def test_a_damaged_backup_is_not_restored(store: Database, tmp_path: Path) -> None:
    store.backup(tmp_path / "copy.sqlite3")
    damaged = bytearray((tmp_path / "copy.sqlite3").read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    (tmp_path / "copy.sqlite3").write_bytes(damaged)
    store.close()
    with pytest.raises(StoreError, match="not a sound"):
        restore(tmp_path / "copy.sqlite3", get_file(store))
    assert not is_paused_when_reopened(store)


def test_postgres_ends_transactions_that_a_frozen_machine_left_open(postgres_url: str) -> None:
    database = Database.migrate(postgres_url)
    with database.begin(write=False) as tx:
        timeout = tx.connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout"))
    database.close()
    assert timeout == "20s"


def test_the_database_and_its_backup_are_readable_only_by_their_owner(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        database = Database.open(get_url(tmp_path / "digest.sqlite3"))
        database.backup(tmp_path / "copy.sqlite3")
        readable = {path.name for path in tmp_path.iterdir() if path.stat().st_mode & 0o077}
        database.close()
    finally:
        os.umask(before)
    assert readable == set()


def test_a_file_the_operator_made_readable_stays_readable(tmp_path: Path) -> None:
    file = tmp_path / "digest.sqlite3"
    file.touch(mode=0o640)
    file.chmod(0o640)
    Database.open(get_url(file)).close()
    assert file.stat().st_mode & 0o777 == 0o640
