"""Tests of the import: every row has a result, and nobody is subscribed without consent."""

from collections.abc import Mapping

from digest import subscribers
from digest.db import Database
from digest.models import Status
from digest.models.addresses import hash_address
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Row, RowResult, import_rows
from tests.factories import NOW

ACTOR = Actor("admin", NOW, b"pepper for tests")


def make_rows(*fields: Mapping[str, object]) -> list[Row]:
    return list(enumerate(fields, 2))  # the first line of a file is its header


def list_results(results: tuple[ImportResult, ...]) -> list[RowResult]:
    return [item.result for item in results]


def test_imported_people_are_asked_to_confirm(any_store: Database) -> None:
    with any_store.begin() as tx:
        results = import_rows(
            tx, make_rows({"email": "Ada@Example.com", "keywords": "sheep, goats"}), actor=ACTOR
        )
        assert results == (ImportResult(2, "Ada@example.com", RowResult.ADDED),)
        reader = tx.subscribers.get_by_address("ada@example.com")
        assert (reader.status, reader.profile.keywords) == (Status.UNCONFIRMED, ("sheep", "goats"))
        assert [mail.payload["mail"] for mail in tx.deliveries.list_by_subscriber(reader.id)] == ["confirm"]
        assert subscribers.confirm(tx, reader.public_id, actor=ACTOR).status is Status.CONFIRMED


def test_asserted_consent_confirms_at_once_except_who_has_another_status(any_store: Database) -> None:
    rows = make_rows(
        {"email": "a@example.com"},
        {"email": "b@example.com", "status": "paused"},
        {"email": "c@example.com", "status": "unsubscribed"},
        {"email": "d@example.com", "status": "pending"},
    )
    with any_store.begin() as tx:
        assert list_results(import_rows(tx, rows, actor=ACTOR, confirmed=True)) == 4 * [RowResult.ADDED]
        statuses = [tx.subscribers.get_by_address(f"{name}@example.com").status for name in "abcd"]
        assert statuses == [Status.CONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED, Status.UNCONFIRMED]
        assert [subscriber.address for subscriber in tx.subscribers.list_due(NOW.replace(day=25), 9)] == [
            "a@example.com"
        ]
        assert tx.deliveries.list_by_subscriber(tx.subscribers.get_by_address("a@example.com").id) == ()


def test_a_status_in_the_file_is_not_consent(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com", "status": "confirmed"}), actor=ACTOR)
        assert tx.subscribers.get_by_address("a@example.com").status is Status.UNCONFIRMED


def test_importing_a_file_twice_changes_nothing(any_store: Database) -> None:
    rows = make_rows({"email": "a@example.com", "keywords": "sheep"}, {"email": "b@example.com"})
    with any_store.begin() as tx:
        import_rows(tx, rows, actor=ACTOR, confirmed=True)
        before = tx.subscribers.get_page()
        assert list_results(import_rows(tx, rows, actor=ACTOR, confirmed=True)) == 2 * [RowResult.UNCHANGED]
        more = make_rows({"email": "A@example.com", "keywords": "wolves", "send_at": "08:00"})
        assert list_results(import_rows(tx, more, actor=ACTOR)) == [RowResult.UPDATED]
        assert tx.subscribers.get_by_address("a@example.com").profile.keywords == ("wolves",)
        assert tx.subscribers.get_page().total == before.total


def test_suppressed_and_unsubscribed_addresses_stay_so(any_store: Database) -> None:
    with any_store.begin() as tx:
        subscribers.suppress(tx, "never@example.com", actor=ACTOR)
        import_rows(tx, make_rows({"email": "left@example.com"}), actor=ACTOR, confirmed=True)
        subscribers.unsubscribe(tx, tx.subscribers.get_by_address("left@example.com").public_id, actor=ACTOR)
        rows = make_rows(
            {"email": "never@example.com"},
            {"email": "left@example.com", "status": "confirmed"},
            {"email": "blocked@example.com", "status": "blocklisted"},
        )
        results = import_rows(tx, rows, actor=ACTOR, confirmed=True)
        assert list_results(results) == [RowResult.SUPPRESSED, RowResult.LEFT, RowResult.SUPPRESSED]
        assert tx.suppressions.is_suppressed(hash_address(ACTOR.suppression_key, "blocked@example.com"))
        assert tx.subscribers.get_page().total == 1


def test_invalid_rows_are_reported_by_number(any_store: Database) -> None:
    rows = make_rows(
        {"email": "ada"},
        {"email": "a@example.com", "timezone": "Mars/Olympus"},
        {"email": "a@example.com", "status": "asleep"},
        {"Email Address": "a@example.com", "Frequency": "weekly", "shoe size": "42"},
        {"email": "A@EXAMPLE.com"},
        {},
    )
    with any_store.begin() as tx:
        results = import_rows(tx, rows, actor=ACTOR)
        assert list_results(results) == [
            RowResult.INVALID, RowResult.INVALID, RowResult.INVALID,
            RowResult.ADDED, RowResult.DUPLICATE, RowResult.INVALID,
        ]  # fmt: skip
        assert [item.number for item in results] == [2, 3, 4, 5, 6, 7]
        assert "Mars/Olympus" in results[1].note
        assert "row 5" in results[4].note


def test_a_dry_run_reports_the_same_and_changes_nothing(any_store: Database) -> None:
    rows = make_rows({"email": "a@example.com"}, {"email": "b@example.com"})
    with any_store.begin(commit=False) as tx:
        results = import_rows(tx, rows[:1], actor=ACTOR) + import_rows(tx, rows, actor=ACTOR)
    assert list_results(results) == [RowResult.ADDED, RowResult.UNCHANGED, RowResult.ADDED]
    with any_store.begin(write=False) as tx:
        assert tx.subscribers.get_page().total == 0


def test_a_subscriber_whom_the_file_calls_blocklisted_is_unsubscribed(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        import_rows(tx, make_rows({"email": "a@example.com", "status": "blocklisted"}), actor=ACTOR)
        blocked = tx.subscribers.get_by_address("a@example.com")
        assert (blocked.status, blocked.next_due) == (Status.UNSUBSCRIBED, None)


def test_an_assertion_of_consent_ends_nobodys_pause(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        subscribers.pause(tx, tx.subscribers.get_by_address("a@example.com").public_id, actor=ACTOR)
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        assert tx.subscribers.get_by_address("a@example.com").status is Status.PAUSED
