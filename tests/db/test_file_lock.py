"""The locks of an SQLite file: no process writes into a file that was replaced."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from digest.db import Database
from digest.db.backup import restore
from digest.db.file_lock import lock_for_replacement, lock_sender
from digest.models.errors import ConfigError, StoreBusy, StoreError
from tests.db.processes import start_processes
from tests.factories import NOW, make_paper


def _get_file(database: Database) -> Path:
    assert database.file is not None
    return database.file


def test_restore_is_refused_while_any_process_has_the_database_open(store: Database, tmp_path: Path) -> None:
    file, backup = _get_file(store), tmp_path / "copy.sqlite3"
    store.backup(backup)
    with store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=NOW)
    store.close()
    with start_processes(2, f"sqlite:///{file}") as processes:
        for process in processes:
            process.go_on()
            assert process.read_line().startswith("opened")
        for process in processes:
            with pytest.raises(StoreBusy, match="stop `digest serve`"):
                restore(backup, file)
            process.kill()
        with closing(Database.open(f"sqlite:///{file}")) as reopened, reopened.begin(write=False) as tx:
            assert tx.papers.count() == 1  # nothing was changed
        restore(backup, file)
    with closing(Database.open(f"sqlite:///{file}")) as restored, restored.begin(write=False) as tx:
        assert tx.papers.count() == 0


def test_a_process_that_opens_during_a_restore_waits_for_it(store: Database) -> None:
    store.close()
    with start_processes(1, f"sqlite:///{store.file}") as (process,):
        with lock_for_replacement(_get_file(store)):
            process.go_on()
            replacement = _get_file(store).with_name("new.sqlite3")
            shutil.copyfile(_get_file(store), replacement)
            replacement.replace(_get_file(store))
        assert process.read_line().startswith("opened")


@pytest.mark.parametrize("is_removed", [True, False])
def test_nothing_is_accepted_into_a_file_that_was_replaced_by_hand(
    store: Database, *, is_removed: bool
) -> None:
    other = _get_file(store).with_name("other.sqlite3")
    store.backup(other)
    with pytest.raises(StoreError, match="nothing is saved"), store.begin():
        _get_file(store).unlink() if is_removed else other.replace(_get_file(store))
    for write in (True, False):
        with pytest.raises(StoreError, match="digest db restore"), store.begin(write=write):
            pass


def test_a_lock_that_cannot_be_opened_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "digest.sqlite3.open.lock").mkdir()
    with pytest.raises(ConfigError, match="DIGEST_DATABASE_URL"):
        Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")


def test_the_sender_lock_and_the_open_lock_are_independent(store: Database) -> None:
    with lock_sender(store.file), closing(Database.open(f"sqlite:///{store.file}")) as second:
        assert second.get_version() == store.get_version()
