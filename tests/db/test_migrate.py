"""Migrations by several processes at once, and job tables: PostgreSQL has them, SQLite does not."""

import runpy
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest.db import Database, migrate
from digest.db.dialects import create_engine, is_postgres
from digest.db.migrate import HEAD, STEPS, has_job_tables
from digest.db.tables import DELIVERY_CONTENT
from digest.models import Sent
from digest.pipeline.plan import build_delivery_key
from tests.db.processes import open_at_once, start_processes
from tests.factories import NOW, make_paper

STEP_BEFORE_LAST = "03.04.00_01_pre_add_retry_failed_job_procedure.sql"
LAST_FUNCTION = "procrastinate_trigger_function_status_events_update_v1"
QUERY_LAST_STEP = "SELECT value FROM meta WHERE key = 'jobs_schema'"


def test_migrate_creates_the_job_tables_once_and_they_are_no_difference(postgres_url: str) -> None:
    for _ in range(2):
        database = Database.migrate(postgres_url)
        with database.begin(write=False) as tx:
            assert has_job_tables(tx.connection)
            assert tx.connection.scalar(sa.text(QUERY_LAST_STEP))
        assert database.list_schema_differences() == []
        database.close()


def test_the_migrations_of_a_newer_procrastinate_are_applied(postgres_url: str) -> None:
    database = Database.migrate(postgres_url)
    with database.begin() as tx:  # as before the last step, without what that step creates
        newest = tx.meta.read("jobs_schema")
        tx.connection.execute(sa.text(f"DROP FUNCTION {LAST_FUNCTION} CASCADE"))
        tx.meta.write("jobs_schema", STEP_BEFORE_LAST)
    database.close()
    migrated = Database.migrate(postgres_url)
    with migrated.begin(write=False) as tx:
        assert tx.connection.scalar(sa.text(f"SELECT to_regproc('{LAST_FUNCTION}') IS NOT NULL"))
        assert tx.meta.read("jobs_schema") == newest
    migrated.close()


def test_sqlite_has_no_job_tables(tmp_path: Path) -> None:
    database = Database.migrate(f"sqlite:///{tmp_path}/digest.sqlite3")
    with database.begin(write=False) as tx:
        assert not has_job_tables(tx.connection)
    database.close()


def _create_old_database(url: str, step: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        migrate.migrate(connection, to=step)
    engine.dispose()


@pytest.mark.parametrize("step", ["", STEPS[0], STEPS[-2]])
def test_one_of_many_processes_migrates_and_the_others_go_on(tmp_path: Path, step: str) -> None:
    url = f"sqlite:///{tmp_path}/digest.sqlite3"
    if step:
        _create_old_database(url, step)
    assert open_at_once(5, url) == [f"opened {HEAD}"] * 5
    backups = [path.name for path in tmp_path.glob("*.backup")]
    assert backups == ([f"digest.sqlite3.{step}.backup"] if step else [])
    with closing(Database.open(url)) as database, database.begin(write=False) as tx:
        assert not tx.meta.pause_reason  # all of them gave the new database the same name


def test_processes_that_migrate_a_server_database_at_once_go_on(postgres_url: str) -> None:
    _create_old_database(postgres_url.replace("postgresql:", "postgresql+psycopg:"), STEPS[0])
    assert open_at_once(4, postgres_url, method="migrate") == [f"opened {HEAD}"] * 4


def test_a_process_that_may_not_migrate_waits_for_one_that_does(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    _create_old_database(url, STEPS[-2])
    engine = create_engine(url)
    with start_processes(1, postgres_url) as (process,):
        with engine.begin() as connection, closing(Database(create_engine(url))) as other:
            migrate.migrate(connection)
            process.go_on()
            while not _count_waiting(other):  # until the process waits for our lock
                pass
        assert process.read_line() == f"opened {HEAD}"
    engine.dispose()


def _count_waiting(database: Database) -> int:
    with database.begin(write=False) as tx:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return int(tx.connection.scalar(sa.text(query)) or 0)


def test_a_process_killed_while_it_migrates_leaves_the_old_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/digest.sqlite3"
    _create_old_database(url, STEPS[0])
    with start_processes(3, url) as processes:
        for process in processes:
            process.go_on()
        processes[0].kill()
        assert [process.read_line() for process in processes[1:]] == [f"opened {HEAD}"] * 2
    with closing(Database.open(url)) as database:
        assert database.list_damage() == database.list_schema_differences() == []


def test_backups_before_two_upgrades_from_the_same_step_are_both_kept(tmp_path: Path) -> None:
    file = tmp_path / "digest.sqlite3"
    for mark in ("first", "second"):
        for path in (file, *tmp_path.glob("digest.sqlite3-*")):
            path.unlink(missing_ok=True)
        _create_old_database(f"sqlite:///{file}", STEPS[0])
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("INSERT INTO meta (key, value) VALUES ('mark', ?)", (mark,))
            connection.commit()
        Database.open(f"sqlite:///{file}").close()
    marks = set()
    for backup in tmp_path.glob("*.backup"):
        with closing(sqlite3.connect(backup)) as connection:
            marks.add(connection.execute("SELECT value FROM meta WHERE key = 'mark'").fetchone()[0])
    assert marks == {"first", "second"}


# ---- the very first versions, whose first step was another one than today's

EDITION = """CREATE TABLE edition (
    id {integer} NOT NULL CONSTRAINT pk_edition PRIMARY KEY, pid VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    slot VARCHAR NOT NULL, status VARCHAR NOT NULL, not_after {moment} NOT NULL, made_at {moment} NOT NULL,
    CONSTRAINT uq_edition_pid UNIQUE (pid), CONSTRAINT uq_edition_slot UNIQUE (slot))"""
REFERENCE = "REFERENCES edition (id) ON DELETE SET NULL"
FIRST_COLUMNS = [["delivery.body_out", "subscriber.status_since"], ["delivery.body_out"], []]


def _lay_early_shape(connection: sa.Connection, *, missing: list[str], has_full_text: bool) -> None:
    """Turn the first step of today into that of an early version."""
    types = ("bigint", "timestamptz") if is_postgres(connection) else ("INTEGER", "DATETIME")
    _execute(connection, EDITION.format(integer=types[0], moment=types[1]))
    if is_postgres(connection):
        _execute(connection, "ALTER TABLE delivery ADD COLUMN edition_id bigint")
        key = f"CONSTRAINT fk_delivery_edition_id_edition FOREIGN KEY (edition_id) {REFERENCE}"
        _execute(connection, f"ALTER TABLE delivery ADD {key}")
    else:
        _rebuild_delivery(connection)
    _execute(connection, "CREATE INDEX ix_delivery_edition_id_state ON delivery (edition_id, state)")
    for name in missing:
        table, column = name.split(".")
        _execute(connection, f"ALTER TABLE {table} DROP COLUMN {column}")
    if has_full_text:
        step = runpy.run_path(str(migrate.FOLDER / "versions" / f"{STEPS[1]}.py"))
        for statement in step["POSTGRES" if is_postgres(connection) else "SQLITE"]:
            _execute(connection, statement)


def _rebuild_delivery(connection: sa.Connection) -> None:
    query = "SELECT sql FROM sqlite_master WHERE tbl_name = 'delivery' AND sql IS NOT NULL ORDER BY type DESC"
    table, *indexes = connection.scalars(sa.text(query)).all()
    key = f"CONSTRAINT fk_delivery_edition_id_edition FOREIGN KEY(edition_id) {REFERENCE}, "
    table = table.replace("subscriber_id INTEGER,", "subscriber_id INTEGER, edition_id INTEGER,")
    table = table.replace("CONSTRAINT fk_delivery_sub", f"{key}CONSTRAINT fk_delivery_sub")
    for statement in ("DROP TABLE delivery", table, *indexes):
        _execute(connection, statement)


def _execute(connection: sa.Connection, statement: str) -> None:
    connection.execution_options(no_parameters=True).exec_driver_sql(statement)


def _insert_row(connection: sa.Connection, name: str, **values: object) -> None:
    """Insert a row with the columns that the table has at that step."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    defaults = {
        str: "",
        int: 1,
        bool: False,
        float: 0.0,
        datetime: datetime(2026, 11, 23, tzinfo=UTC),
        object: [],
    }
    row = {
        column.name: defaults.get(column.type.python_type) for column in table.columns if not column.nullable
    }
    connection.execute(table.insert().values(row | values))


@pytest.mark.parametrize("server", ["sqlite", "postgres"])
@pytest.mark.parametrize("missing", FIRST_COLUMNS)
@pytest.mark.parametrize("step", STEPS[:2])
def test_every_early_shape_of_the_first_step_is_upgraded_with_its_rows(
    tmp_path: Path, request: pytest.FixtureRequest, server: str, missing: list[str], step: str
) -> None:
    url = f"sqlite:///{tmp_path}/digest.sqlite3"
    if server == "postgres":
        url = request.getfixturevalue("postgres_url").replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, foreign_keys=False)
    with engine.begin() as connection:
        migrate.migrate(connection, to=step)
        _lay_early_shape(connection, missing=missing, has_full_text=step == STEPS[0])
        _insert_row(connection, "edition", slot="daily/2026-11-23")
        _insert_row(connection, "paper", title="Wombats at Night", announcement="new")
        _insert_row(connection, "subscriber", address="ada@example.com", mailbox="ada@example.com")
        _insert_row(connection, "delivery", subscriber_id=1, edition_id=1, key="digest/1/2026-11-23")
    engine.dispose()
    with closing(Database.migrate(url)) as database:
        assert database.list_schema_differences() == database.list_damage() == []
        with database.begin() as tx:
            assert [paper.title for paper in tx.papers.search("wombat")] == ["Wombats at Night"]
            count = "SELECT count(*) FROM delivery JOIN subscriber ON subscriber.id = subscriber_id"
            assert tx.connection.scalar(sa.text(count)) == 1
            _execute(tx.connection, "DELETE FROM delivery")
            _insert_row(tx.connection, "delivery", id=None) if server == "sqlite" else None
            ids = tx.connection.scalars(sa.text("SELECT id FROM delivery")).all()
            assert ids == ([2] if server == "sqlite" else [])  # ids of deliveries are never used again


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database, for the tables of an older version."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/old.sqlite3"
    url: str = request.getfixturevalue("postgres_url")
    return url.replace("postgresql:", "postgresql+psycopg:")


def test_papers_of_an_older_version_get_the_keys_of_today(old_url: str, tmp_path: Path) -> None:
    paper = replace(
        make_paper(title="Étude of a Slow Kettle and Its Long Boiling Curve", authors=("Zoë Müller Jr.",)),
        id="doi:10.21203/rs.3.rs-1234567/v2",
    )
    with closing(Database.migrate(f"sqlite:///{tmp_path}/new.sqlite3")) as database, database.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
        stored = {row.key for row in tx.connection.execute(sa.text("SELECT key FROM alias"))}
    engine = create_engine(old_url)
    with engine.begin() as connection:
        migrate.migrate(connection, to="0008_early_shapes")
        fields = {name: getattr(paper, name) for name in ("id", "title", "published", "aliases")}
        _insert_row(connection, "paper", **fields, authors=[*paper.authors], announcement="new")
        _insert_row(connection, "alias", key=paper.id)
    engine.dispose()

    with closing(Database.migrate(old_url)) as database, database.begin(write=False) as tx:
        keys = {row.key for row in tx.connection.execute(sa.text("SELECT key FROM alias"))}

    assert stored <= keys <= stored | {paper.id}
    assert len(stored) > 1


def test_papers_sent_by_an_older_version_are_packed_into_their_deliveries(old_url: str) -> None:
    engine = create_engine(old_url)
    today = date(2026, 11, 23)
    sent: dict[
        tuple[int, int], list[tuple[str, bool, float, float | None]]
    ] = {  # by subscriber and day; "old:2" was renamed since, "gone:9" is not stored
        (1, 0): [("arxiv:1", False, 0.5, 3.0), ("old:2", False, 1.5, None), ("gone:9", False, 0.0, None)],
        (1, 1): [("arxiv:1", True, 2.5, 40.0)],
        (2, 1): [("arxiv:1", False, 2.5, 40.0)],
        (2, 2): [],
    }
    with engine.begin() as connection:
        migrate.migrate(connection, to="0015_hub_repositories")
        for number, paper_id in ((1, "arxiv:1"), (2, "arxiv:2")):
            _insert_row(connection, "paper", number=number, id=paper_id, announcement="new")
            _insert_row(connection, "alias", number=number, key=paper_id)
        _insert_row(connection, "alias", number=2, key="old:2")
        for reader in (1, 2):
            _insert_row(connection, "subscriber", id=reader, pid=str(reader), mailbox=f"{reader}@example.com")
        for id_, ((reader, days), papers) in enumerate(sent.items(), 1):
            day = today + timedelta(days=days)
            unique = dict.fromkeys(("pid", "key", "message_id"), str(id_))
            payload = {"papers": [paper_id for paper_id, *_ in papers]} if papers else {}
            fields = {
                "subscriber_id": reader,
                "day": day,
                "slot": NOW + timedelta(days=days),
                "payload": payload,
            }
            _insert_row(connection, "delivery", id=id_, state="accepted", uncertain=0, **unique, **fields)
            for paper_id, resent, expected, votes in papers:
                values = {"resent": resent, "expected": expected, "votes": votes, "delivery_id": id_}
                _insert_row(
                    connection, "sent_paper", subscriber_id=reader, day=day, paper_id=paper_id, **values
                )
    engine.dispose()

    with closing(Database.migrate(old_url)) as database, database.begin(write=False) as tx:
        again = Sent(day=today + timedelta(days=1), expected=2.5, votes=40.0, resent=True)
        assert tx.sent_papers.get_by_subscriber([1, 2]) == {
            1: {"arxiv:1": again, "arxiv:2": Sent(day=today, expected=1.5)},
            2: {"arxiv:1": replace(again, resent=False)},
        }
        assert tx.sent_papers.find_deliveries([1, 2]) == {1: [1, 2, 3], 2: [1]}
        content = tx.connection.execute(sa.select(DELIVERY_CONTENT).order_by(DELIVERY_CONTENT.c.delivery_id))
        assert [(row.delivery_id, len(row.payload["papers"])) for row in content] == [(1, 3), (2, 1), (3, 1)]
        assert database.list_schema_differences() == []


def test_digests_of_an_older_version_have_the_keys_of_today(old_url: str) -> None:
    day = date(2026, 11, 23)
    moved = {
        f"digest/7/{day}": build_delivery_key(7, day),
        f"digest/1234/{day}": build_delivery_key(1234, day),
        f"digest/7/{day}/abc-1": f"{build_delivery_key(7, day)}/abc-1",  # the copy for a channel
        "confirm/7/2": "confirm/7/2",
        f"notice/7/{day}": f"notice/7/{day}",
        "digest/sample": "digest/sample",
    }
    engine = create_engine(old_url)
    with engine.begin() as connection:
        migrate.migrate(connection, to="0018_unused_columns")
        for number, key in enumerate(moved, 1):
            names = dict.fromkeys(("pid", "message_id"), str(number))
            _insert_row(
                connection,
                "delivery",
                id=number,
                subscriber_id=None,
                key=key,
                kind="digest",
                state="queued",
                **names,
            )
            _insert_row(connection, "delivery_content", delivery_id=number, payload={"of": key})
    engine.dispose()

    with closing(Database.migrate(old_url)) as database, database.begin(write=False) as tx:
        found = {old: tx.deliveries.find_by_key(new) for old, new in moved.items()}
        assert {old: delivery and delivery.payload for old, delivery in found.items()} == {
            key: {"of": key} for key in moved
        }
        assert database.list_schema_differences() == database.list_damage() == []
