"""Signing up, confirming, changing and leaving, as a reader and a stranger see it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest import subscribers
from digest.db import Database, Transaction
from digest.models import DeliveryState, Mix, Status, Subscriber, SuppressionReason
from digest.models.addresses import address_key
from digest.models.errors import InvalidAddress, InvalidChange, InvalidToken, NotFound
from digest.subscribers import Actor
from digest.subscribers.importing import take_in
from tests.factories import NOW

PEPPER = b"pepper for tests"
ADA = "ada@example.com"
READER = Actor("reader", NOW, PEPPER)


def later(**delta: float) -> Actor:
    return Actor("reader", NOW + timedelta(**delta), PEPPER)


def signed_up(tx: Transaction, address: str = ADA, **wishes: object) -> Subscriber:
    subscribers.sign_up(tx, address, wishes, by=READER)
    return tx.subscribers.by_address(address)


def confirmed(tx: Transaction, address: str = ADA, **wishes: object) -> Subscriber:
    return subscribers.confirm(tx, signed_up(tx, address, **wishes).pid, by=READER)


def pid_of(tx: Transaction, address: str) -> str:
    return tx.subscribers.by_address(address).pid


def is_suppressed(tx: Transaction, address: str) -> bool:
    return tx.suppressions.holds(address_key(PEPPER, address))


def planned(tx: Transaction) -> int:
    return sum(tx.deliveries.waiting().values())


ACTIONS: dict[str, Callable[[Transaction, str, Actor], object]] = {
    "sign up": lambda tx, address, by: subscribers.sign_up(tx, address, {}, by=by),
    "confirm": lambda tx, address, by: subscribers.confirm(tx, pid_of(tx, address), by=by),
    "pause": lambda tx, address, by: subscribers.pause(tx, pid_of(tx, address), by=by),
    "resume": lambda tx, address, by: subscribers.resume(tx, pid_of(tx, address), by=by),
    "leave": lambda tx, address, by: subscribers.unsubscribe(tx, pid_of(tx, address), by=by),
    "undo": lambda tx, address, by: subscribers.undo_unsubscribe(tx, pid_of(tx, address), by=by),
    "suppress": lambda tx, address, by: subscribers.suppress(tx, address, by=by),
    "unsuppress": lambda tx, address, by: subscribers.unsuppress(tx, address, by=by),
    "erase": lambda tx, address, by: subscribers.erase(tx, pid_of(tx, address), by=by),
    "move": lambda tx, address, by: subscribers.confirm_address(
        tx, pid_of(tx, address), "cy@example.com", by=by
    ),
    "change": lambda tx, address, by: subscribers.change(tx, address, {"send_at": "08:00"}, by=by),
    "import": lambda tx, address, by: take_in(tx, [(1, {"email": address})], by=by, confirmed=True),
}


def mails(tx: Transaction, reader: Subscriber) -> list[object]:
    return [delivery.payload["mail"] for delivery in reversed(tx.deliveries.history(reader.id))]


def test_who_signs_up_is_asked_and_is_due_only_after_the_answer(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = signed_up(tx, keywords="graph networks, sheep", send_at="06:30", timezone="Europe/Berlin")
        assert (reader.status, mails(tx, reader)) == (Status.UNCONFIRMED, ["confirm"])
        assert not tx.subscribers.due(NOW + timedelta(days=9), 10)
        reader = subscribers.confirm(tx, reader.pid, by=later(hours=1))
        assert tx.subscribers.by_pid(reader.pid) == reader
        assert reader.profile.keywords == ("graph networks", "sheep")
        assert reader.schedule.send_at == time(6, 30)
        assert reader.next_due == NOW.replace(day=24, hour=5, minute=30)
        assert tx.subscribers.due(NOW + timedelta(days=1), 10) == (reader,)
        assert mails(tx, reader) == ["confirm", "welcome"]


def test_signing_up_ends_alike_for_new_known_and_suppressed_addresses(any_store: Database) -> None:
    with any_store.begin() as tx:
        confirmed(tx, "known@example.com")
        subscribers.suppress(tx, "never@example.com", by=READER)
        for address in ("new@example.com", "known@example.com", "never@example.com"):
            assert subscribers.sign_up(tx, address, {}, by=later(hours=1)) is None  # type: ignore[func-returns-value]
        with pytest.raises(NotFound):
            tx.subscribers.by_address("never@example.com")


def test_a_stranger_cannot_change_what_a_reader_gets(any_store: Database) -> None:
    with any_store.begin() as tx:
        before = confirmed(tx, keywords="sheep")
        subscribers.sign_up(tx, ADA, {"keywords": "wolves"}, by=later(hours=1))
        assert tx.subscribers.by_address(ADA) == before


def test_one_address_is_asked_once_in_ten_minutes_however_it_is_spelt(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = signed_up(tx)
        subscribers.sign_up(tx, "ADA@Example.COM", {}, by=later(minutes=9))
        assert mails(tx, reader) == ["confirm"]
        subscribers.sign_up(tx, ADA, {}, by=later(minutes=11))
        assert mails(tx, reader) == ["confirm", "confirm"]


def test_confirming_twice_is_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        assert subscribers.confirm(tx, reader.pid, by=later(days=3)) == reader
        assert mails(tx, reader) == ["confirm", "welcome"]


def test_an_answer_after_three_days_or_after_leaving_does_not_count(any_store: Database) -> None:
    with any_store.begin() as tx:
        late = signed_up(tx, "late@example.com")
        with pytest.raises(InvalidToken):
            subscribers.confirm(tx, late.pid, by=later(hours=73))
        gone = confirmed(tx)
        subscribers.unsubscribe(tx, gone.pid, by=later(minutes=1))
        with pytest.raises(InvalidToken):
            subscribers.confirm(tx, gone.pid, by=later(minutes=2))


def test_who_left_may_sign_up_again(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        subscribers.unsubscribe(tx, reader.pid, by=later(hours=1))
        subscribers.sign_up(tx, ADA, {}, by=later(days=1))
        assert tx.subscribers.by_pid(reader.pid).status is Status.UNSUBSCRIBED
        assert subscribers.confirm(tx, reader.pid, by=later(days=1, hours=1)).status is Status.CONFIRMED


def test_leaving_works_twice_and_after_erasure(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        for _ in range(2):
            gone = subscribers.unsubscribe(tx, reader.pid, by=READER)
            assert gone is not None
            assert (gone.status, gone.next_due) == (Status.UNSUBSCRIBED, None)
        assert mails(tx, reader) == ["confirm", "welcome", "goodbye"]
        subscribers.erase(tx, reader.pid, by=READER)
        assert subscribers.unsubscribe(tx, reader.pid, by=READER) is None


def test_leaving_can_be_undone_for_a_week(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        subscribers.unsubscribe(tx, reader.pid, by=READER)
        back = subscribers.undo_unsubscribe(tx, reader.pid, by=later(days=6))
        assert (back.status, back.next_due is not None) == (Status.CONFIRMED, True)
        subscribers.unsubscribe(tx, reader.pid, by=later(days=7))
        with pytest.raises(InvalidToken):
            subscribers.undo_unsubscribe(tx, reader.pid, by=later(days=15))


def test_who_was_signed_up_by_a_stranger_is_forgotten_and_never_asked_again(any_store: Database) -> None:
    with any_store.begin() as tx:
        victim = signed_up(tx, "victim@example.com")
        assert subscribers.unsubscribe(tx, victim.pid, by=READER) is None
        subscribers.sign_up(tx, "Victim@example.com", {}, by=later(days=1))
        with pytest.raises(NotFound):
            tx.subscribers.by_address("victim@example.com")


def test_changes_are_granted_together_or_not_at_all(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        for wishes in ({"mix": "mine", "timezone": "Mars/Olympus"}, {"picked": "99"}, {"colour": "blue"}):
            with pytest.raises(InvalidChange):
                subscribers.change(tx, ADA, wishes, by=READER)
        assert tx.subscribers.by_pid(reader.pid) == reader
        revised = subscribers.change(tx, ADA, {"mix": "mine", "muted": ["wolves"], "picked": "9"}, by=READER)
        assert (revised.preferences.mix, revised.preferences.picked) == (Mix.MINE, 9)
        assert revised.profile_revision == reader.profile_revision + 1


def test_the_audit_log_names_what_changed_and_no_address(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        subscribers.change(tx, reader.pid, {"keywords": "secret interest"}, by=Actor("admin", NOW))
        lines = tx.audit.latest(subject=reader.pid)
        assert [(line.actor, line.action) for line in lines] == [
            ("admin", "change"), ("reader", "confirm"), ("reader", "sign-up"),
        ]  # fmt: skip
        assert lines[0].detail == {"changed": ["keywords"]}
        assert not any(ADA in repr(line) or "secret" in repr(line) for line in lines)


def test_a_new_hour_moves_the_next_slot_but_not_one_that_has_passed(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        moved = subscribers.change(tx, ADA, {"send_at": "08:15"}, by=READER)
        assert moved.next_due == NOW.replace(day=24, hour=8, minute=15)
        overdue = subscribers.change(tx, ADA, {"send_at": "09:00"}, by=later(days=1))
        assert overdue.next_due == moved.next_due
        assert tx.subscribers.by_pid(reader.pid) == overdue


def test_a_pause_ends_by_its_day_or_by_resuming(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        until = subscribers.pause(tx, reader.pid, until=date(2026, 12, 24), by=READER)
        assert until.next_due == NOW.replace(month=12, day=24, hour=7, minute=0)
        paused = subscribers.pause(tx, reader.pid, by=READER)
        assert (paused.status, paused.next_due) == (Status.PAUSED, None)
        awake = subscribers.resume(tx, reader.pid, by=READER)
        assert (awake.status, awake.next_due) == (Status.CONFIRMED, reader.next_due)
        unasked = signed_up(tx, "bo@example.com")
        with pytest.raises(InvalidChange):
            subscribers.resume(tx, unasked.pid, by=READER)


def test_a_new_address_counts_when_it_says_yes(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        subscribers.change_address(tx, reader.pid, "ada@new.example.com", by=later(hours=1))
        asked = tx.deliveries.history(reader.id)[0]
        assert (asked.payload["mail"], asked.address) == ("address_change", "ada@new.example.com")
        assert tx.subscribers.by_pid(reader.pid).address == ADA
        moved = subscribers.confirm_address(tx, reader.pid, "ada@new.example.com", by=later(hours=2))
        assert moved.address == "ada@new.example.com"
        assert subscribers.confirm_address(tx, reader.pid, moved.address, by=later(hours=3)) == moved


def test_a_taken_or_suppressed_new_address_is_not_told_apart(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader, other = confirmed(tx), confirmed(tx, "bo@example.com")
        subscribers.suppress(tx, "never@example.com", by=READER)
        for address in (other.address, "never@example.com"):
            subscribers.change_address(tx, reader.pid, address, by=later(hours=1))
            with pytest.raises(InvalidToken):
                subscribers.confirm_address(tx, reader.pid, address, by=later(hours=1))
        assert mails(tx, reader) == ["confirm", "welcome"]


def test_suppressing_ends_a_subscription_until_it_is_lifted(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = confirmed(tx)
        assert subscribers.suppress(tx, "ADA@example.com", reason=SuppressionReason.COMPLAINT, by=READER)
        assert not subscribers.suppress(tx, ADA, by=READER)
        assert tx.subscribers.by_pid(reader.pid).status is Status.UNSUBSCRIBED
        assert subscribers.unsuppress(tx, ADA, by=READER)
        subscribers.sign_up(tx, ADA, {}, by=later(hours=1))
        assert subscribers.confirm(tx, reader.pid, by=later(hours=2)).status is Status.CONFIRMED


def test_erasing_leaves_no_trace_of_the_address(store: Database) -> None:
    with store.begin() as tx:
        reader = confirmed(tx, "remarkable.person@example.com", keywords="unmistakable phrase")
        asked = tx.deliveries.history(reader.id)
        subscribers.erase(tx, reader.pid, by=READER)
        left = [tx.deliveries.find(delivery.pid) for delivery in asked]
        assert {(d.state, d.address, d.subscriber_id) for d in left if d} == {
            (DeliveryState.CANCELLED, "", None)
        }
    assert store.file is not None
    store.close()
    raw = b"".join(path.read_bytes() for path in store.file.parent.iterdir())
    assert b"remarkable" not in raw
    assert b"unmistakable" not in raw


def test_nobody_who_never_answered_is_kept_for_longer_than_a_week(any_store: Database) -> None:
    with any_store.begin() as tx:
        confirmed(tx, "bo@example.com")
        signed_up(tx)
        assert subscribers.forget_unanswered(tx, by=later(days=6)) == 0
        assert subscribers.forget_unanswered(tx, by=later(days=8)) == 1
        assert tx.subscribers.page().total == 1


def test_what_is_no_address_is_refused_in_words(any_store: Database) -> None:
    with any_store.begin() as tx, pytest.raises(InvalidAddress, match="not an email address"):
        subscribers.sign_up(tx, "ada(at)example.com", {}, by=READER)


ADDRESSES = ("ada@example.com", "bo@example.com")
STEPS = st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from(ADDRESSES)), max_size=12)


@given(STEPS)
def test_whatever_happens_only_who_said_yes_is_due_and_the_suppressed_are_left_alone(
    store: Database, steps: list[tuple[str, str]]
) -> None:
    with store.begin(keep=False) as tx:
        for hour, (action, address) in enumerate(steps):
            by, before = later(hours=hour), planned(tx)
            suppressed = is_suppressed(tx, address)
            with suppress(NotFound, InvalidToken, InvalidChange):
                ACTIONS[action](tx, address, by)
            readers = tx.subscribers.page().subscribers
            due = tx.subscribers.due(NOW + timedelta(days=60), 9)
            assert {reader.id for reader in due} == {r.id for r in readers if r.status is Status.CONFIRMED}
            assert all(reader.confirmed_at for reader in due)
            assert not any(is_suppressed(tx, reader.address) for reader in due)
            assert not suppressed or planned(tx) == before
