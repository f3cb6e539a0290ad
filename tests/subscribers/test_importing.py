"""Tests of the import: every row has a result, and nobody is subscribed without consent."""

from collections.abc import Mapping

import pytest

from digest import subscribers
from digest.db import Database
from digest.models import Status
from digest.models.addresses import hash_address
from digest.subscribers import Actor
from digest.subscribers.importing import ImportResult, Row, RowResult, find_address_column, import_rows
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
        results = import_rows(tx, rows, actor=ACTOR, confirmed=True)
        assert list_results(results) == 4 * [RowResult.ADDED]
        assert [bool(result.note) for result in results] == [False, False, True, True]
        assert results[3].note == "Taken for unconfirmed, and not asked to confirm: status “pending”."
        statuses = [tx.subscribers.get_by_address(f"{name}@example.com").status for name in "abcd"]
        assert statuses == [Status.CONFIRMED, Status.PAUSED, Status.UNSUBSCRIBED, Status.UNCONFIRMED]
        assert [subscriber.address for subscriber in tx.subscribers.list_due(NOW.replace(day=25), 9)] == [
            "a@example.com"
        ]
        for name in "abcd":
            reader = tx.subscribers.get_by_address(f"{name}@example.com")
            assert tx.deliveries.list_by_subscriber(reader.id) == ()


def test_a_status_in_the_file_is_not_consent(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com", "status": "confirmed"}), actor=ACTOR)
        assert tx.subscribers.get_by_address("a@example.com").status is Status.UNCONFIRMED


def test_importing_a_file_twice_changes_nothing(any_store: Database) -> None:
    rows = make_rows({"email": "a@example.com", "keywords": "sheep"}, {"email": "b@example.com"})
    with any_store.begin() as tx:
        import_rows(tx, rows, actor=ACTOR, confirmed=True)
        before = tx.subscribers.search().get_page()
        assert list_results(import_rows(tx, rows, actor=ACTOR, confirmed=True)) == 2 * [RowResult.UNCHANGED]
        more = make_rows({"email": "A@example.com", "keywords": "wolves", "send_at": "08:00"})
        assert list_results(import_rows(tx, more, actor=ACTOR)) == [RowResult.UPDATED]
        assert tx.subscribers.get_by_address("a@example.com").profile.keywords == ("wolves",)
        assert tx.subscribers.search().get_page().total == before.total


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
        assert tx.subscribers.search().get_page().total == 1


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
        assert tx.subscribers.search().get_page().total == 0


def test_a_subscriber_whom_the_file_calls_blocklisted_is_unsubscribed(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        import_rows(tx, make_rows({"email": "a@example.com", "status": "blocklisted"}), actor=ACTOR)
        blocked = tx.subscribers.get_by_address("a@example.com")
        assert (blocked.status, blocked.next_due) == (Status.UNSUBSCRIBED, None)


@pytest.mark.parametrize("columns", [{}, {"status": "confirmed"}, {"status": "enabled"}])
def test_an_import_ends_nobodys_pause(any_store: Database, columns: Mapping[str, str]) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        subscribers.pause(tx, tx.subscribers.get_by_address("a@example.com").public_id, actor=ACTOR)
        import_rows(tx, make_rows({"email": "a@example.com", **columns}), actor=ACTOR, confirmed=True)
        assert tx.subscribers.get_by_address("a@example.com").status is Status.PAUSED


def test_row_of_a_person_who_left_is_reported_with_what_it_was_taken_for(any_store: Database) -> None:
    rows = make_rows(
        {"email": "a@example.com", "unsubscribed_at": "2024-01-01"},
        {"email": "b@example.com", "bounced": "1"},
        {"email": "c@example.com", "subscribed": "true"},
    )
    for confirmed in (True, False):
        with any_store.begin(commit=False) as tx:
            results = import_rows(tx, rows, actor=ACTOR, confirmed=confirmed)
            assert results[0].note == "Taken for unsubscribed: unsubscribed_at “2024-01-01”."
            assert (results[1].result, results[1].note) == (
                RowResult.SUPPRESSED, "Taken for suppressed: bounced “1”.",
            )  # fmt: skip
            assert results[2].note == ""
            left = tx.subscribers.get_by_address("a@example.com")
            assert (left.status, left.confirmed_at) == (Status.UNSUBSCRIBED, None)
            assert tx.deliveries.list_by_subscriber(left.id) == ()


def test_subscriber_of_ours_who_left_there_is_unsubscribed(any_store: Database) -> None:
    with any_store.begin() as tx:
        import_rows(tx, make_rows({"email": "a@example.com"}), actor=ACTOR, confirmed=True)
        rows = make_rows({"email": "a@example.com", "email_disabled": "true"})
        assert list_results(import_rows(tx, rows, actor=ACTOR, confirmed=True)) == [RowResult.UPDATED]
        assert tx.subscribers.get_by_address("a@example.com").status is Status.UNSUBSCRIBED


def test_of_two_rows_of_one_person_the_one_that_left_counts(any_store: Database) -> None:
    rows = make_rows(
        {"email": "a@example.com", "status": "subscribed"},
        {"email": "A@example.com", "status": "unsubscribed"},
    )
    with any_store.begin() as tx:
        results = list_results(import_rows(tx, rows, actor=ACTOR, confirmed=True))
        assert results == [RowResult.DUPLICATE, RowResult.ADDED]
        assert tx.subscribers.get_by_address("a@example.com").status is Status.UNSUBSCRIBED


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace <ada@example.com>", '"Lovelace, Ada" <ada@example.com>;', "<ada@example.com>",
        "mailto:ada@example.com", "\u200bada@example.com\ufeff", "\u00a0 ada@example.com\u2060\u3000",
        "Ada\u00a0<\u200bada@example.com>", '"old@example.org" <ada@example.com>',
        "\u202aada@example.com\u202c",
    ],
)  # fmt: skip
def test_address_is_found_in_a_cell(any_store: Database, text: str) -> None:
    with any_store.begin() as tx:
        (result,) = import_rows(tx, make_rows({"email": text}), actor=ACTOR)
        assert (result.address, result.result) == ("ada@example.com", RowResult.ADDED)


@pytest.mark.parametrize(
    ("columns", "address_column"),
    [
        (("subscriber_email", "name"), "subscriber_email"), (("name", "e_mail_adresse"), "e_mail_adresse"),
        (("email_status", "email_login"), "email_login"), (("mailing_address", "work_email"), "work_email"),
        (("email", "work_email"), "email"), (("address", "correo"), "correo"), (("邮箱地址",), "邮箱地址"),
        (("subscribed_to_emails", "email_disabled"), None), (("work_email", "private_email"), None),
        (("name",), None), ((), None),
    ],
)  # fmt: skip
def test_the_column_of_addresses_is_found_by_its_name(
    columns: tuple[str, ...], address_column: str | None
) -> None:
    assert find_address_column(columns) == address_column
