"""Tests of the use cases of a subscription, from sign-up to erasure."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscribers
from digest.db import Database, Transaction
from digest.db.audit import AuditFilter
from digest.models import DeliveryState, Mix, Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_address
from digest.models.errors import InvalidAddress, InvalidChange, InvalidToken, NotFound
from digest.subscribers import Actor
from digest.subscribers.importing import import_rows
from tests.factories import NOW

SUPPRESSION_KEY = b"pepper for tests"
ADA = "ada@example.com"
READER = Actor("reader", NOW, SUPPRESSION_KEY)


def actor_after(**delta: float) -> Actor:
    return Actor("reader", NOW + timedelta(**delta), SUPPRESSION_KEY)


def sign_up(tx: Transaction, address: str = ADA, **changes: object) -> Subscriber:
    subscribers.sign_up(tx, address, changes, actor=READER)
    return tx.subscribers.get_by_address(address)


def add_confirmed(tx: Transaction, address: str = ADA, **changes: object) -> Subscriber:
    return subscribers.confirm(tx, sign_up(tx, address, **changes).public_id, actor=READER)


def get_public_id(tx: Transaction, address: str) -> str:
    return tx.subscribers.get_by_address(address).public_id


def is_suppressed(tx: Transaction, address: str) -> bool:
    return tx.suppressions.is_suppressed(hash_address(SUPPRESSION_KEY, address))


def count_open_deliveries(tx: Transaction) -> int:
    return sum(tx.deliveries.count_open().values())


ACTIONS: dict[str, Callable[[Transaction, str, Actor], object]] = {
    "sign up": lambda tx, address, actor: subscribers.sign_up(tx, address, {}, actor=actor),
    "confirm": lambda tx, address, actor: subscribers.confirm(tx, get_public_id(tx, address), actor=actor),
    "pause": lambda tx, address, actor: subscribers.pause(tx, get_public_id(tx, address), actor=actor),
    "resume": lambda tx, address, actor: subscribers.resume(tx, get_public_id(tx, address), actor=actor),
    "leave": lambda tx, address, actor: subscribers.unsubscribe(tx, get_public_id(tx, address), actor=actor),
    "undo": lambda tx, address, actor: subscribers.undo_unsubscribe(
        tx, get_public_id(tx, address), actor=actor
    ),
    "suppress": lambda tx, address, actor: subscribers.suppress(tx, address, actor=actor),
    "unsuppress": lambda tx, address, actor: subscribers.unsuppress(tx, address, actor=actor),
    "erase": lambda tx, address, actor: subscribers.erase(tx, get_public_id(tx, address), actor=actor),
    "move": lambda tx, address, actor: subscribers.confirm_address(
        tx, get_public_id(tx, address), "cy@example.com", actor=actor
    ),
    "change": lambda tx, address, actor: subscribers.change_settings(
        tx, address, {"send_at": "08:00"}, actor=actor
    ),
    "import": lambda tx, address, actor: import_rows(
        tx, [(1, {"email": address})], actor=actor, confirmed=True
    ),
}


def list_mails(tx: Transaction, reader: Subscriber) -> list[object]:
    return [delivery.payload["mail"] for delivery in reversed(tx.deliveries.list_by_subscriber(reader.id))]


def test_a_new_subscriber_is_asked_to_confirm_and_due_only_afterwards(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = sign_up(tx, keywords="graph networks, sheep", send_at="06:30", timezone="Europe/Berlin")
        assert (reader.status, list_mails(tx, reader)) == (Status.UNCONFIRMED, ["confirm"])
        assert not tx.subscribers.list_due(NOW + timedelta(days=9), 10)
        reader = subscribers.confirm(tx, reader.public_id, actor=actor_after(hours=1))
        assert tx.subscribers.get_by_public_id(reader.public_id) == reader
        assert reader.profile.keywords == ("graph networks", "sheep")
        assert reader.schedule.send_at == time(6, 30)
        assert reader.next_due == reader.confirmed_at == NOW + timedelta(hours=1)  # at once
        assert tx.subscribers.list_due(NOW + timedelta(hours=1), 10) == (reader,)
        assert list_mails(tx, reader) == ["confirm", "welcome"]


def test_signing_up_looks_the_same_for_new_known_and_suppressed_addresses(any_store: Database) -> None:
    with any_store.begin() as tx:
        add_confirmed(tx, "known@example.com")
        subscribers.suppress(tx, "never@example.com", actor=READER)
        for address in ("new@example.com", "known@example.com", "never@example.com"):
            assert subscribers.sign_up(tx, address, {}, actor=actor_after(hours=1)) is None  # type: ignore[func-returns-value]
        with pytest.raises(NotFound):
            tx.subscribers.get_by_address("never@example.com")


def test_a_stranger_cannot_change_what_a_reader_gets(any_store: Database) -> None:
    with any_store.begin() as tx:
        before = add_confirmed(tx, keywords="sheep")
        subscribers.sign_up(tx, ADA, {"keywords": "wolves"}, actor=actor_after(hours=1))
        assert tx.subscribers.get_by_address(ADA) == before


def test_one_address_is_asked_once_in_ten_minutes_however_it_is_spelt(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = sign_up(tx)
        subscribers.sign_up(tx, "ADA@Example.COM", {}, actor=actor_after(minutes=9))
        assert list_mails(tx, reader) == ["confirm"]
        subscribers.sign_up(tx, ADA, {}, actor=actor_after(minutes=11))
        assert list_mails(tx, reader) == ["confirm", "confirm"]


def test_signing_up_again_before_confirming_replaces_the_settings_with_the_next_confirmation(
    any_store: Database,
) -> None:
    with any_store.begin() as tx:
        sign_up(tx, keywords="sheep")
        subscribers.sign_up(tx, "ADA@Example.com", {"keywords": "cows"}, actor=actor_after(minutes=9))
        assert tx.subscribers.get_by_address(ADA).profile.keywords == ("sheep",)
        subscribers.sign_up(tx, "ADA@Example.com", {"keywords": "goats"}, actor=actor_after(minutes=11))
        reader = tx.subscribers.get_by_address(ADA)
        assert (reader.address, reader.profile.keywords) == (ADA, ("goats",))


def test_signing_up_again_sends_a_subscriber_the_welcome_once_a_day(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.pause(tx, reader.public_id, actor=READER)
        paused = tx.subscribers.get_by_address(ADA)
        for hours in (1, 24, 25):
            subscribers.sign_up(tx, ADA, {"keywords": "wolves"}, actor=actor_after(hours=hours))
        assert tx.subscribers.get_by_address(ADA) == paused
        assert list_mails(tx, reader) == ["confirm", "welcome", "welcome"]


def test_who_signs_up_twice_at_the_same_moment_is_stored_and_asked_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        sign_up(tx, keywords="sheep")
        reader = sign_up(tx, keywords="cows")
        assert (reader.profile.keywords, list_mails(tx, reader)) == (("sheep",), ["confirm"])
        assert len(tx.audit.search(AuditFilter(subject=reader.public_id))) == 1


def test_confirming_twice_is_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        assert subscribers.confirm(tx, reader.public_id, actor=actor_after(days=3)) == reader
        assert list_mails(tx, reader) == ["confirm", "welcome"]


def test_a_confirmation_after_three_days_or_after_unsubscribing_is_refused(any_store: Database) -> None:
    with any_store.begin() as tx:
        late = sign_up(tx, "late@example.com")
        with pytest.raises(InvalidToken):
            subscribers.confirm(tx, late.public_id, actor=actor_after(hours=73))
        ended = add_confirmed(tx)
        subscribers.unsubscribe(tx, ended.public_id, actor=actor_after(minutes=1))
        with pytest.raises(InvalidToken):
            subscribers.confirm(tx, ended.public_id, actor=actor_after(minutes=2))


def test_who_unsubscribed_may_sign_up_again(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.unsubscribe(tx, reader.public_id, actor=actor_after(hours=1))
        subscribers.sign_up(tx, ADA, {}, actor=actor_after(days=1))
        assert tx.subscribers.get_by_public_id(reader.public_id).status is Status.UNSUBSCRIBED
        assert (
            subscribers.confirm(tx, reader.public_id, actor=actor_after(days=1, hours=1)).status
            is Status.CONFIRMED
        )


def test_unsubscribing_works_twice_and_after_erasure(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        for _ in range(2):
            ended = subscribers.unsubscribe(tx, reader.public_id, actor=READER)
            assert ended is not None
            assert (ended.status, ended.next_due) == (Status.UNSUBSCRIBED, None)
        assert list_mails(tx, reader) == ["confirm", "welcome", "goodbye"]
        subscribers.erase(tx, reader.public_id, actor=READER)
        assert subscribers.unsubscribe(tx, reader.public_id, actor=READER) is None


def test_unsubscribing_can_be_undone_for_a_week(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.unsubscribe(tx, reader.public_id, actor=READER)
        back = subscribers.undo_unsubscribe(tx, reader.public_id, actor=actor_after(days=6))
        assert (back.status, back.next_due is not None) == (Status.CONFIRMED, True)
        subscribers.unsubscribe(tx, reader.public_id, actor=actor_after(days=7))
        with pytest.raises(InvalidToken):
            subscribers.undo_unsubscribe(tx, reader.public_id, actor=actor_after(days=15))


def test_unsubscribing_before_confirming_erases_and_suppresses(any_store: Database) -> None:
    with any_store.begin() as tx:
        victim = sign_up(tx, "victim@example.com")
        assert subscribers.unsubscribe(tx, victim.public_id, actor=READER) is None
        subscribers.sign_up(tx, "Victim@example.com", {}, actor=actor_after(days=1))
        with pytest.raises(NotFound):
            tx.subscribers.get_by_address("victim@example.com")


def test_changes_are_applied_together_or_not_at_all(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        for changes in ({"mix": "mine", "timezone": "Mars/Olympus"}, {"picked": "99"}, {"colour": "blue"}):
            with pytest.raises(InvalidChange):
                subscribers.change_settings(tx, ADA, changes, actor=READER)
        assert tx.subscribers.get_by_public_id(reader.public_id) == reader
        revised = subscribers.change_settings(
            tx, ADA, {"mix": "mine", "muted": ["wolves"], "picked": "9"}, actor=READER
        )
        assert (revised.preferences.mix, revised.preferences.picked) == (Mix.MINE, 9)


def test_the_audit_log_names_what_changed_and_no_address(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.change_settings(
            tx, reader.public_id, {"keywords": "secret interest"}, actor=Actor("admin", NOW)
        )
        lines = tx.audit.search(AuditFilter(subject=reader.public_id))
        assert [(line.actor, line.action) for line in lines] == [
            ("admin", "change"), ("reader", "confirm"), ("reader", "sign-up"),
        ]  # fmt: skip
        assert lines[0].detail == {"changed": ["keywords"]}
        assert not any(ADA in repr(line) or "secret" in repr(line) for line in lines)


def test_a_new_send_time_moves_the_next_slot_but_not_one_that_has_passed(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        waiting = subscribers.change_settings(tx, ADA, {"keywords": "sheep"}, actor=READER)
        assert waiting.next_due == NOW  # the first edition, which nothing moves
        tx.subscribers.set_next_due({reader.id: NOW + timedelta(hours=22)})
        moved = subscribers.change_settings(tx, ADA, {"send_at": "08:15"}, actor=READER)
        assert moved.next_due == NOW.replace(day=24, hour=8, minute=15)
        overdue = subscribers.change_settings(tx, ADA, {"send_at": "09:00"}, actor=actor_after(days=1))
        assert overdue.next_due == moved.next_due
        assert tx.subscribers.get_by_public_id(reader.public_id) == overdue


def test_a_pause_ends_by_its_day_or_by_resuming(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        until = subscribers.pause(tx, reader.public_id, until=date(2026, 12, 24), actor=READER)
        assert until.next_due == NOW.replace(month=12, day=24, hour=7, minute=0)
        paused = subscribers.pause(tx, reader.public_id, actor=READER)
        assert (paused.status, paused.next_due) == (Status.PAUSED, None)
        awake = subscribers.resume(tx, reader.public_id, actor=READER)
        assert (awake.status, awake.next_due) == (Status.CONFIRMED, NOW.replace(day=24, hour=7, minute=0))
        unasked = sign_up(tx, "bo@example.com")
        with pytest.raises(InvalidChange):
            subscribers.resume(tx, unasked.public_id, actor=READER)


def test_a_new_address_is_used_once_it_confirms(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.change_address(tx, reader.public_id, "ada@new.example.com", actor=actor_after(hours=1))
        asked = tx.deliveries.list_by_subscriber(reader.id)[0]
        assert (asked.payload["mail"], asked.address) == ("address_change", "ada@new.example.com")
        assert tx.subscribers.get_by_public_id(reader.public_id).address == ADA
        moved = subscribers.confirm_address(
            tx, reader.public_id, "ada@new.example.com", actor=actor_after(hours=2)
        )
        assert moved.address == "ada@new.example.com"
        assert (
            subscribers.confirm_address(tx, reader.public_id, moved.address, actor=actor_after(hours=3))
            == moved
        )


def test_taken_and_suppressed_new_addresses_cannot_be_told_apart(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader, other = add_confirmed(tx), add_confirmed(tx, "bo@example.com")
        subscribers.suppress(tx, "never@example.com", actor=READER)
        for address in (other.address, "never@example.com"):
            subscribers.change_address(tx, reader.public_id, address, actor=actor_after(hours=1))
            with pytest.raises(InvalidToken):
                subscribers.confirm_address(tx, reader.public_id, address, actor=actor_after(hours=1))
        assert list_mails(tx, reader) == ["confirm", "welcome"]


def test_suppressing_ends_a_subscription_until_it_is_lifted(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        assert subscribers.suppress(tx, "ADA@example.com", reason=SuppressionReason.COMPLAINT, actor=READER)
        assert not subscribers.suppress(tx, ADA, actor=READER)
        assert tx.subscribers.get_by_public_id(reader.public_id).status is Status.UNSUBSCRIBED
        assert subscribers.unsuppress(tx, ADA, actor=READER)
        subscribers.sign_up(tx, ADA, {}, actor=actor_after(hours=1))
        assert (
            subscribers.confirm(tx, reader.public_id, actor=actor_after(hours=2)).status is Status.CONFIRMED
        )


@pytest.mark.parametrize("status", [Status.CONFIRMED, Status.PAUSED])
def test_subscription_that_an_administrator_ended_goes_on_when_that_is_lifted(
    any_store: Database, status: Status
) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        if status is Status.PAUSED:
            subscribers.pause(tx, reader.public_id, actor=READER)
        subscribers.suppress(tx, ADA, actor=actor_after(hours=1))
        assert subscribers.unsuppress(tx, "ADA@example.com", actor=actor_after(hours=2))
        assert tx.subscribers.get_by_address(ADA).status is status


def test_reader_who_unsubscribes_while_suppressed_stays_unsubscribed(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = add_confirmed(tx)
        subscribers.suppress(tx, ADA, actor=actor_after(hours=1))
        subscribers.unsubscribe(tx, reader.public_id, actor=actor_after(hours=2))
        assert subscribers.unsuppress(tx, ADA, actor=actor_after(hours=3))
        assert tx.subscribers.get_by_address(ADA).status is Status.UNSUBSCRIBED


def test_erasing_leaves_no_trace_of_the_address(store: Database) -> None:
    with store.begin() as tx:
        reader = add_confirmed(tx, "remarkable.person@example.com", keywords="unmistakable phrase")
        asked = tx.deliveries.list_by_subscriber(reader.id)
        subscribers.erase(tx, reader.public_id, actor=READER)
        left = [tx.deliveries.find_by_public_id(delivery.public_id) for delivery in asked]
        assert {(d.state, d.address, d.subscriber_id) for d in left if d} == {
            (DeliveryState.CANCELLED, "", None)
        }
    assert store.file is not None
    store.close()
    raw = b"".join(path.read_bytes() for path in store.file.parent.iterdir())
    assert b"remarkable" not in raw
    assert b"unmistakable" not in raw


def test_the_unconfirmed_are_erased_after_a_week(any_store: Database) -> None:
    with any_store.begin() as tx:
        add_confirmed(tx, "bo@example.com")
        sign_up(tx)
        assert subscribers.erase_unconfirmed(tx, actor=actor_after(days=6)) == 0
        assert subscribers.erase_unconfirmed(tx, actor=actor_after(days=8)) == 1
        assert tx.subscribers.search().get_page().total == 1


def test_an_invalid_address_is_refused_with_a_sentence(any_store: Database) -> None:
    with any_store.begin() as tx, pytest.raises(InvalidAddress, match="not an email address"):
        subscribers.sign_up(tx, "ada(at)example.com", {}, actor=READER)


ADDRESSES = ("ada@example.com", "bo@example.com")
STEPS = st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from(ADDRESSES)), max_size=12)


@given(STEPS)
def test_only_the_confirmed_are_due_and_the_suppressed_get_nothing_whatever_happens(
    store: Database, steps: list[tuple[str, str]]
) -> None:
    with store.begin(commit=False) as tx:
        for hour, (action, address) in enumerate(steps):
            actor, before = actor_after(hours=hour), count_open_deliveries(tx)
            suppressed = is_suppressed(tx, address)
            with suppress(NotFound, InvalidToken, InvalidChange):
                ACTIONS[action](tx, address, actor)
            readers = tx.subscribers.search().get_page().subscribers
            due = tx.subscribers.list_due(NOW + timedelta(days=60), 9)
            assert {reader.id for reader in due} == {r.id for r in readers if r.status is Status.CONFIRMED}
            assert all(reader.confirmed_at for reader in due)
            assert not any(is_suppressed(tx, reader.address) for reader in due)
            open_now = count_open_deliveries(tx)
            has_cancelled = action in {"erase", "leave"} and open_now < before  # these cancel what waits
            assert not suppressed or open_now == before or has_cancelled


@pytest.mark.parametrize("days", [-400, -1, 0])
def test_pause_that_has_ended_already_is_refused(any_store: Database, days: int) -> None:
    day = NOW.date() + timedelta(days=days)
    with any_store.begin() as tx:
        reader = subscribers.add_subscriber(tx, "ada@example.com", {}, has_consented=True, actor=READER)
        with pytest.raises(InvalidChange, match="after 2026-11-23"):
            subscribers.pause(tx, reader.public_id, until=day, actor=READER)
        with pytest.raises(InvalidChange, match="after 2026-11-23"):
            subscribers.change_settings(tx, reader.public_id, {"paused_until": f"{day}"}, actor=READER)
        with pytest.raises(InvalidChange, match="after 2026-11-23"):
            subscribers.add_subscriber(
                tx, "bob@example.com", {"paused_until": day}, has_consented=True, actor=READER
            )


def test_other_settings_can_be_changed_after_a_pause_ended(any_store: Database) -> None:
    later = actor_after(days=60)
    with any_store.begin() as tx:
        reader = subscribers.add_subscriber(tx, "ada@example.com", {}, has_consented=True, actor=READER)
        subscribers.pause(tx, reader.public_id, until=NOW.date() + timedelta(days=7), actor=READER)
        changes = {"paused_until": f"{NOW.date() + timedelta(days=7)}", "keywords": "sheep"}
        changed = subscribers.change_settings(tx, reader.public_id, changes, actor=later)
        assert changed.profile.keywords == ("sheep",)
