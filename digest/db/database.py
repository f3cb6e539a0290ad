"""The database: opening, migrating, transactions, backup, and translation of the driver's errors."""

import os
import re
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from digest.db import backup as backups
from digest.db import migrate as migrations
from digest.db.dialects import create_engine, find_database_file, is_postgres
from digest.db.file_lock import lock_open, lock_sender, lock_upgrade
from digest.db.instance import check_instance, count_sender
from digest.db.tables import TableBase
from digest.db.transaction import Transaction
from digest.models.errors import ConfigError, StoreBusy, StoreError

_DRIVER = "postgresql+psycopg"
_ROWS_AT_ONCE = 1000
_NO_DATABASE = re.compile(r"file is not a database|unable to open database file", re.IGNORECASE)
_ROLLED_BACK = ("40P01", "40001")  # PostgreSQL: deadlock, serialization failure; the text may be translated
_BUSY = re.compile(r"database is locked|database table is locked|lock timeout|deadlock", re.IGNORECASE)
_DAMAGED = (
    "The file is damaged, or is something else: keep a copy of it, then put back a backup with "
    "`digest db restore FILE`."
)
_HINTS = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (
            r"disk I/O error|disk is full|no space left",
            "Is the disk full? Make room and try again; nothing was half done.",
        ),
        (r"malformed|corrupt|not a database", _DAMAGED),
        (r"readonly|read-only", "This user may not write to the file or to its folder."),
        (
            r"password authentication|role .* does not exist",
            "Look at user and password in DIGEST_DATABASE_URL.",
        ),
        (r'database ".*" does not exist', "Create it (createdb), then run `digest db migrate`."),
        (
            r"could not (?:connect|receive|translate)|connection (?:failed|refused|timeout)|timeout expired",
            "Is the server up, and are host and port in DIGEST_DATABASE_URL right?",
        ),
    )
)


class Database:
    """A database of subscribers, papers and deliveries.

    Safe to share between threads: each transaction has its own connection. While one is open, `restore`
    refuses to replace its file.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.file: Path | None = find_database_file(engine.url)
        if self.file is not None:
            _check_location(self.file)
            self._unlock = weakref.finalize(self, os.close, lock_open(self.file))
            with suppress(OSError):  # SQLite itself will report what is wrong
                backups.create_private_file(self.file)
            self._identity = _identify(self.file)

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> "Database":
        """Open a database; an SQLite file is backed up and migrated first if it is older.

        A PostgreSQL database is only migrated by `Database.migrate`, as other machines may be using it.
        Raises StoreTooNew for the database of a newer program. A restored or copied database is paused.
        """
        database = cls(_create_engine(url))
        database._prepare(may_migrate=migrate and not is_postgres(database.engine))
        return database

    @classmethod
    def migrate(cls, url: str) -> "Database":
        """Open a database after migrating it and its job tables, on PostgreSQL too (`digest db migrate`)."""
        database = cls(_create_engine(url))
        database._prepare(may_migrate=True)
        try:
            with _translate_errors(), database.engine.begin() as connection:
                migrations.migrate_jobs(connection)
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def begin(self, *, write: bool = True, commit: bool = True) -> Iterator[Transaction]:
        """Open a transaction; it is committed at the end of the block, or rolled back if the block raises.

        With `write=False` it is read-only, sees one snapshot, and on SQLite never waits for a writer.
        With `commit=False` it is rolled back: a dry run.

        Raises:
            StoreError: the file was replaced since it was opened, so what was written is not in the database.
        """
        with self._connect(reads_only=not write) as connection:
            yield Transaction(connection)
            if not commit:
                connection.rollback()
        self._check_not_replaced()

    @contextmanager
    def lock_sender(self) -> Iterator[None]:
        """Hold the right to send from this database. On SQLite only one process can; StoreBusy for others.

        On PostgreSQL any number may: the workers' leases protect each delivery.
        """
        with lock_sender(self.file):
            count_sender(self.begin, self.file)
            yield

    def get_version(self) -> str:
        """Return the migration step of the database."""
        with self._connect(reads_only=True) as connection:
            return migrations.read_version(connection)

    def list_schema_differences(self) -> list[str]:
        """Return how the tables differ from what this program expects; empty when they agree."""
        with self._connect() as connection:
            return [str(difference) for difference in migrations.list_differences(connection)]

    def list_damage(self) -> list[str]:
        """Return what is damaged in an SQLite file, and which tables have rows that cannot be read."""
        if self.file is not None:
            with closing(backups.connect(self.file)) as connection:
                if damage := backups.list_damage(connection):
                    return damage
        with self._connect(reads_only=True) as connection:
            problems = (_find_unreadable_row(connection, table) for table in TableBase.metadata.sorted_tables)
            return [problem for problem in problems if problem]

    @staticmethod
    def find_file(url: str) -> Path | None:
        """Return the file of an SQLite database without opening it, which may be impossible."""
        return find_database_file(_create_engine(url).url)

    def backup(self, path: Path, *, replaces: bool = False) -> None:
        """Copy a running SQLite database into a new file, which is paused when it is opened.

        An existing file is only overwritten with *replaces*, and never the database itself.
        """
        if self.file is None:
            raise StoreError("Only an SQLite file is backed up by this command; use pg_dump for PostgreSQL.")
        if path.exists() and path.samefile(self.file):
            raise StoreError(f"{path.name} is the database itself; choose another name for its backup.")
        if path.exists() and not replaces:
            raise StoreError(f"{path.name} already exists; choose another name, or replace it: --force.")
        backups.copy(self.file, path)

    def backup_into(self, folder: Path, *, keep: int, now: datetime) -> Path:
        """Add a backup to a folder, named for *now*; verify it, and keep the newest *keep*. Return it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stem = self.file.stem if self.file else ""
        path = folder / f"{stem}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.sqlite3"
        self.backup(path)
        Database.verify_backup(path)
        backups.rotate(folder, stem, keep=keep)
        return path

    @classmethod
    def verify_backup(cls, path: Path) -> int:
        """Restore a backup into a temporary file, open it as the program would, and count its subscribers.

        Raises:
            StoreError: the backup is damaged, of something else, or of a newer program.
        """
        with TemporaryDirectory(prefix=".verify-", dir=path.parent) as folder:
            restored = Path(folder) / "restored.sqlite3"
            backups.copy(path, restored)
            with closing(cls.open(f"sqlite:///{restored}")) as store:
                problems = [*store.list_damage(), *store.list_schema_differences()]
                if problems:
                    raise StoreError(f"{path.name} cannot be restored: {'; '.join(problems)}")
                with store.begin(write=False) as tx:
                    return sum(tx.subscribers.count_by_status().values())

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if self.file is not None:
            self._unlock()

    def _prepare(self, *, may_migrate: bool) -> None:
        try:
            with lock_upgrade(self.file):
                self._upgrade(may_migrate=may_migrate)
                check_instance(self.begin, self.file)
        except BaseException:
            self.close()
            raise

    def _upgrade(self, *, may_migrate: bool) -> None:
        if self.get_version() == migrations.HEAD:
            return
        with self._begin_migration() as connection:
            version = migrations.read_version(connection)
            if version == migrations.HEAD:  # another process was first
                return
            if not may_migrate and not version:
                raise StoreError("The database is empty. To create its tables: digest db migrate")
            if not may_migrate:
                raise StoreError(
                    f"The database is at version {version}, this program needs {migrations.HEAD}: "
                    "make a backup, then run `digest db migrate`."
                )
            if self.file is not None and version:
                backup = self.file.with_name(f"{self.file.name}.{version}.backup")
                backups.copy(self.file, backups.find_free_name(backup), new_instance=False)
            migrations.migrate(connection)

    @contextmanager
    def _begin_migration(self) -> Iterator[sa.Connection]:
        """Begin the transaction of the process that may migrate; others wait here until it is done."""
        engine = self.engine
        if self.file is not None:
            # SQLite rebuilds a table by dropping it, which must not cascade: no foreign keys here.
            engine = create_engine(str(engine.url), foreign_keys=False)
        try:
            with _translate_errors(), engine.begin() as connection:
                migrations.lock(connection)
                yield connection
        finally:
            if engine is not self.engine:
                engine.dispose()

    def _check_not_replaced(self) -> None:
        """Raise StoreError if the path names another file than the one that was opened."""
        if self.file is not None and _identify(self.file) != self._identity:
            raise StoreError(
                f"{self.file.name} was replaced or removed while this process had it open; nothing is saved. "
                "Stop every digest process, put the right file in place with `digest db restore FILE`, then "
                "start again."
            )

    @contextmanager
    def _connect(self, *, reads_only: bool = False) -> Iterator[sa.Connection]:
        with _translate_errors(), self.engine.connect() as bare:
            connection = bare.execution_options(reads_only=reads_only)
            if reads_only and is_postgres(connection):
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection


def _create_engine(url: str) -> sa.Engine:
    """Create an engine for an operator's URL; plain postgresql:// means the psycopg driver."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError(
            "DIGEST_DATABASE_URL cannot be used; write sqlite:///digest.sqlite3, or for PostgreSQL "
            "postgresql+psycopg://user:password@host/database."
        ) from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername=_DRIVER)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", _DRIVER):
        raise ConfigError(f"{parsed.drivername} is not supported; use sqlite:/// or {_DRIVER}://.")
    try:
        return create_engine(parsed.render_as_string(hide_password=False))
    except ModuleNotFoundError as error:
        raise ConfigError(
            "PostgreSQL needs its driver: pip install 'trending-papers-digest[postgres]'."
        ) from error


def _check_location(file: Path) -> None:
    """Raise ConfigError if no database file can be created there."""
    folder = file.resolve().parent
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder} for the database: create it, or set DIGEST_DATABASE_URL to another."
        )
    if file.is_dir():
        raise ConfigError(f"{file} is a folder, not a database: set DIGEST_DATABASE_URL to a file.")


def _find_unreadable_row(connection: sa.Connection, table: sa.Table) -> str:
    """Return what is wrong with the first row that cannot be read, or an empty string."""
    try:
        for _ in connection.execute(sa.select(table), execution_options={"yield_per": _ROWS_AT_ONCE}):
            pass
    except (sa.exc.DBAPIError, ValueError, TypeError) as error:  # of the driver, and of decoding
        return f"a row of {table.name} cannot be read ({type(error).__name__})"
    return ""


def _identify(file: Path) -> tuple[int, int] | None:
    """Return what tells this file from another one of the same name; None if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Turn the driver's errors into ours."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise StoreBusy("The database is too busy; try again in a moment.") from error
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip() or type(error.orig).__name__
        if _BUSY.search(reason) or getattr(error.orig, "sqlstate", None) in _ROLLED_BACK:
            raise StoreBusy(f"The database is in use: {reason}. Try again in a moment.") from error
        if _NO_DATABASE.search(reason):
            raise ConfigError(f"DIGEST_DATABASE_URL cannot be opened: {_add_hint(reason)}") from error
        raise StoreError(f"The database refused: {_add_hint(reason)}") from error
    except sa.exc.StatementError as error:  # not its text, which contains every value
        raise StoreError(f"The database cannot hold such a value: {error.orig}.") from error


def _add_hint(reason: str) -> str:
    """Return the driver's message on one line, followed by what to do about it if that is known."""
    line = " ".join(reason.split()).rstrip(".")
    hint = next((hint for pattern, hint in _HINTS if pattern.search(line)), "")
    return f"{line}. {hint}".rstrip()
