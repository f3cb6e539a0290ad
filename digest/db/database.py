"""Where are the books kept? A Store opens them; every reading and writing is one transaction."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from digest.db import backup as backups
from digest.db import migrate as schema
from digest.db.dialects import engine_for, file_of, is_postgres
from digest.db.error_hints import must_be_a_place, with_remedy
from digest.db.file_lock import only_sender
from digest.db.instance import check_instance, count_sender
from digest.db.transaction import Transaction
from digest.models.errors import ConfigError, StoreBusy, StoreError

_DRIVER = "postgresql+psycopg"
_NO_DATABASE = re.compile(r"file is not a database|unable to open database file", re.IGNORECASE)
_BUSY = re.compile(r"database is locked|database table is locked|lock timeout|deadlock", re.IGNORECASE)


class Database:
    """The database of one house. Safe to share between threads; each transaction has its own connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.file: Path | None = file_of(engine.url)
        if self.file is not None:
            must_be_a_place(self.file)
            with suppress(OSError):  # SQLite will say what is wrong, when it is asked
                backups.ours_alone(self.file)

    @classmethod
    def open(cls, url: str, *, migrate: bool = True) -> "Database":
        """Open the database and, if it is SQLite, bring its tables up to date after a backup.

        A PostgreSQL database is only ever migrated by `Store.migrate`: other machines may be using it.
        Raises StoreTooNew for the database of a newer program. A restored database is left paused.
        """
        store = cls(_engine(url))
        return store._readied(may_migrate=migrate and not is_postgres(store.engine))

    @classmethod
    def migrate(cls, url: str) -> "Database":
        """Open the database after bringing its tables up to date, on PostgreSQL too: `digest db migrate`."""
        store = cls(_engine(url))
        store._readied(may_migrate=True)
        with _translated(), store.engine.begin() as connection:
            schema.lay_jobs(connection)
        return store

    @contextmanager
    def begin(self, *, write: bool = True, keep: bool = True) -> Iterator[Transaction]:
        """One transaction: all of it is kept, or, if the block raises, none of it.

        With `write=False` it only reads, sees one moment, and on SQLite never waits for a writer.
        With `keep=False` everything is tried out in earnest and then taken back: a dry run.
        """
        with self._connected(reads_only=not write) as connection:
            yield Transaction(connection)
            if not keep:
                connection.rollback()

    @contextmanager
    def sender(self) -> Iterator[None]:
        """The right to send mail from here. On SQLite only one process has it: StoreBusy for the rest.

        On PostgreSQL the leases of the workers do that for each mail, and any number may send.
        """
        with only_sender(self.file):
            count_sender(self.begin, self.file)
            yield

    def version(self) -> str:
        """The migration step the database stands at."""
        with self._connected(reads_only=True) as connection:
            return schema.version(connection)

    def differences(self) -> list[str]:
        """What the tables have that this program does not know, or lack that it needs; empty when sound."""
        with self._connected() as connection:
            return [str(difference) for difference in schema.differences(connection)]

    @staticmethod
    def file_at(url: str) -> Path | None:
        """The file of an SQLite database, without opening it: it may be too damaged for that."""
        return file_of(_engine(url).url)

    def backup(self, path: Path, *, replaces: bool = False) -> None:
        """Copy a running SQLite database into a new file; whoever opens the copy finds it paused.

        A file that is there is kept, unless the backup `replaces` it; the database itself it never does.
        """
        if self.file is None:
            raise StoreError("Only an SQLite file is backed up by this command; use pg_dump for PostgreSQL.")
        if path.exists() and path.samefile(self.file):
            raise StoreError(f"{path.name} is the database itself; choose another name for its backup.")
        if path.exists() and not replaces:
            raise StoreError(f"There is a {path.name} already; choose another name, or replace it: --force.")
        backups.copy(self.file, path)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    def _readied(self, *, may_migrate: bool) -> "Database":
        try:
            self._bring_up(allowed=may_migrate)
            check_instance(self.begin, self.file)
        except BaseException:
            self.close()
            raise
        return self

    def _bring_up(self, *, allowed: bool) -> None:
        stands_at = self.version()
        if stands_at == schema.HEAD:
            return
        if not allowed:
            raise StoreError(
                f"The database stands at {stands_at or 'nothing'}, this program needs {schema.HEAD}: "
                "make a backup, then run `digest db migrate`."
            )
        if self.file is not None and stands_at:
            backups.copy(self.file, backups.beside(self.file, stands_at), as_other=False)
        # Rebuilding a table must not cascade, so this connection leaves foreign keys alone.
        engine = self.engine if self.file is None else engine_for(str(self.engine.url), foreign_keys=False)
        with _translated(), engine.begin() as connection:
            schema.migrate(connection)
        if engine is not self.engine:
            engine.dispose()

    @contextmanager
    def _connected(self, *, reads_only: bool = False) -> Iterator[sa.Connection]:
        with _translated(), self.engine.connect() as bare:
            connection = bare.execution_options(reads_only=reads_only)
            if reads_only and is_postgres(connection):
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection


def _engine(url: str) -> sa.Engine:
    """An engine for an operator's URL; plain postgresql:// means our driver."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigError("DIGEST_DATABASE_URL is not a URL; write sqlite:///digest.sqlite3.") from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername=_DRIVER)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", _DRIVER):
        raise ConfigError(f"{parsed.drivername} is not supported; use sqlite:/// or {_DRIVER}://.")
    try:
        return engine_for(parsed.render_as_string(hide_password=False))
    except ModuleNotFoundError as error:
        raise ConfigError("PostgreSQL needs its driver: pip install 'digest[postgres]'.") from error


@contextmanager
def _translated() -> Iterator[None]:
    """At this border the driver's errors become ours."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise StoreBusy("Too many ask the database at once; try again in a moment.") from error
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip() or type(error.orig).__name__
        if _BUSY.search(reason):
            raise StoreBusy(f"The database is in use: {reason}. Try again in a moment.") from error
        if _NO_DATABASE.search(reason):
            raise ConfigError(
                f"DIGEST_DATABASE_URL names no database that we can open: {with_remedy(reason)}"
            ) from error
        raise StoreError(f"The database refused: {with_remedy(reason)}") from error
    except sa.exc.StatementError as error:  # without its text, which holds every value
        raise StoreError(f"The database cannot hold such a value: {error.orig}.") from error
