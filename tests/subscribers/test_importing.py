"""Many subscribers at once: every row has its outcome, and nobody is signed up against their will."""

from collections.abc import Mapping

from digest import subscribers
from digest.db import Database
from digest.models import Status
from digest.models.addresses import address_key
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Result, Row, take_in
from tests.factories import NOW

BY = Actor("admin", NOW, b"pepper for tests")


def rows(*fields: Mapping[str, object]) -> list[Row]:
    return list(enumerate(fields, 2))  # the first line of a file is its header


def results(outcomes: tuple[ImportResult, ...]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


def test_imported_people_are_asked_first(any_store: Database) -> None:
    with any_store.begin() as tx:
        outcomes = take_in(tx, rows({"email": "Ada@Example.com", "keywords": "sheep, goats"}), by=BY)
        assert outcomes == (ImportResult(2, "Ada@example.com", Result.ADDED),)
        reader = tx.subscribers.by_address("ada@example.com")
        assert (reader.status, reader.profile.keywords) == (Status.UNCONFIRMED, ("sheep", "goats"))
        assert [mail.payload["mail"] for mail in tx.deliveries.history(reader.id)] == ["confirm"]
        assert subscribers.confirm(tx, reader.pid, by=BY).status is Status.CONFIRMED


def test_asserted_consent_confirms_at_once_except_who_has_another_status(any_store: Database) -> None:
    people = rows(
        {"email": "a@example.com"},
        {"email": "b@example.com", "status": "paused"},
        {"email": "c@example.com", "status": "unsubscribed"},
        {"email": "d@example.com", "status": "pending"},
    )
    with any_store.begin() as tx:
        assert results(take_in(tx, people, by=BY, confirmed=True)) == 4 * [Result.ADDED]
        statuses = [tx.subscribers.by_address(f"{name}@example.com").status for name in "abcd"]
        assert statuses == [Status.CONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED, Status.UNCONFIRMED]
        assert [one.address for one in tx.subscribers.due(NOW.replace(day=25), 9)] == ["a@example.com"]
        assert tx.deliveries.history(tx.subscribers.by_address("a@example.com").id) == ()


def test_a_status_in_the_file_is_no_consent(any_store: Database) -> None:
    with any_store.begin() as tx:
        take_in(tx, rows({"email": "a@example.com", "status": "confirmed"}), by=BY)
        assert tx.subscribers.by_address("a@example.com").status is Status.UNCONFIRMED


def test_a_file_taken_in_twice_changes_nothing(any_store: Database) -> None:
    people = rows({"email": "a@example.com", "keywords": "sheep"}, {"email": "b@example.com"})
    with any_store.begin() as tx:
        take_in(tx, people, by=BY, confirmed=True)
        before = tx.subscribers.page()
        assert results(take_in(tx, people, by=BY, confirmed=True)) == 2 * [Result.UNCHANGED]
        more = rows({"email": "A@example.com", "keywords": "wolves", "send_at": "08:00"})
        assert results(take_in(tx, more, by=BY)) == [Result.UPDATED]
        assert tx.subscribers.by_address("a@example.com").profile.keywords == ("wolves",)
        assert tx.subscribers.page().total == before.total


def test_the_suppressed_and_those_who_left_stay_away(any_store: Database) -> None:
    with any_store.begin() as tx:
        subscribers.suppress(tx, "never@example.com", by=BY)
        take_in(tx, rows({"email": "left@example.com"}), by=BY, confirmed=True)
        subscribers.unsubscribe(tx, tx.subscribers.by_address("left@example.com").pid, by=BY)
        people = rows(
            {"email": "never@example.com"},
            {"email": "left@example.com", "status": "confirmed"},
            {"email": "blocked@example.com", "status": "blocklisted"},
        )
        outcomes = take_in(tx, people, by=BY, confirmed=True)
        assert results(outcomes) == [Result.SUPPRESSED, Result.LEFT, Result.SUPPRESSED]
        assert tx.suppressions.holds(address_key(BY.suppression_key, "blocked@example.com"))
        assert tx.subscribers.page().total == 1


def test_what_makes_no_sense_is_told_by_its_row(any_store: Database) -> None:
    people = rows(
        {"email": "ada"},
        {"email": "a@example.com", "timezone": "Mars/Olympus"},
        {"email": "a@example.com", "status": "asleep"},
        {"Email Address": "a@example.com", "Frequency": "weekly", "shoe size": "42"},
        {"email": "A@EXAMPLE.com"},
        {},
    )
    with any_store.begin() as tx:
        outcomes = take_in(tx, people, by=BY)
        assert results(outcomes) == [
            Result.INVALID, Result.INVALID, Result.INVALID, Result.ADDED, Result.DUPLICATE, Result.INVALID,
        ]  # fmt: skip
        assert [outcome.number for outcome in outcomes] == [2, 3, 4, 5, 6, 7]
        assert "Mars/Olympus" in outcomes[1].note
        assert "row 5" in outcomes[4].note


def test_a_dry_run_tells_the_same_and_keeps_nothing(any_store: Database) -> None:
    people = rows({"email": "a@example.com"}, {"email": "b@example.com"})
    with any_store.begin(keep=False) as tx:
        tried = take_in(tx, people[:1], by=BY) + take_in(tx, people, by=BY)
    assert results(tried) == [Result.ADDED, Result.UNCHANGED, Result.ADDED]
    with any_store.begin(write=False) as tx:
        assert tx.subscribers.page().total == 0


def test_a_reader_whom_the_file_calls_blocked_reads_no_more(any_store: Database) -> None:
    with any_store.begin() as tx:
        take_in(tx, rows({"email": "a@example.com"}), by=BY, confirmed=True)
        take_in(tx, rows({"email": "a@example.com", "status": "blocklisted"}), by=BY)
        blocked = tx.subscribers.by_address("a@example.com")
        assert (blocked.status, blocked.next_due) == (Status.UNSUBSCRIBED, None)


def test_an_assertion_of_consent_ends_nobodys_pause(any_store: Database) -> None:
    with any_store.begin() as tx:
        take_in(tx, rows({"email": "a@example.com"}), by=BY, confirmed=True)
        subscribers.pause(tx, tx.subscribers.by_address("a@example.com").pid, by=BY)
        take_in(tx, rows({"email": "a@example.com"}), by=BY, confirmed=True)
        assert tx.subscribers.by_address("a@example.com").status is Status.PAUSED
