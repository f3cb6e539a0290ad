"""Readers are found by any spelling of their address, and by when they are due."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.models import (
    Facet,
    Frequency,
    LikedPaper,
    Mix,
    Preferences,
    Profile,
    Schedule,
    Status,
    Subscriber,
)
from digest.models.addresses import Address, address_key, parse_address
from digest.models.errors import InvalidAddress, NotFound
from tests.factories import NOW

FULL_PROFILE = Profile(
    keywords=("sheep",), muted=("wolves",), authors=("Zoë",), affiliations=("Meadow",), categories=("cs.LG",),
    text="☃", liked=(LikedPaper("A", "b", "arxiv:1"),), disliked=(LikedPaper("C"),), learnt=(("wool", 0.5),),
    facets=(Facet("side", ("goats",), "t", (LikedPaper("D"),)),),
)  # fmt: skip
FULL_SCHEDULE = Schedule(
    timezone="Europe/Berlin", send_at=time(6, 30), frequency=Frequency.WEEKLY, weekday=2,
    paused_until=date(2026, 12, 24),
)  # fmt: skip
FULL_PREFERENCES = Preferences(
    mix=Mix.MINE, trending=1, picked=2, also_new=3, language="de", empty_day_note=True, clicks_may_teach=True
)


def test_all_of_a_reader_comes_back(any_store: Database) -> None:
    with any_store.begin() as tx:
        added = tx.subscribers.add(
            "Zoe@Bücher.example",
            profile=FULL_PROFILE,
            schedule=FULL_SCHEDULE,
            preferences=FULL_PREFERENCES,
            status=Status.CONFIRMED,
            now=NOW,
            next_due=NOW,
        )
        assert (added.profile, added.schedule, added.preferences) == (
            FULL_PROFILE, FULL_SCHEDULE, FULL_PREFERENCES,
        )  # fmt: skip
        assert (added.address, added.confirmed_at, added.next_due) == ("Zoe@bücher.example", NOW, NOW)
        changed = replace(added, status=Status.PAUSED, asked_at=NOW, profile_revision=7, profile=Profile())
        tx.subscribers.save(changed)
        assert tx.subscribers.by_id(added.id) == replace(changed, next_due=None)


def test_one_mailbox_is_one_reader(any_store: Database) -> None:
    with any_store.begin() as tx:
        first = tx.subscribers.add("Ada@EXAMPLE.com", now=NOW)
        assert tx.subscribers.add("ada@example.COM", profile=FULL_PROFILE, now=NOW) == first
        assert tx.subscribers.by_addresses(["ADA@example.com", "bo@example.com"]) == {
            "ada@example.com": first
        }
        with pytest.raises(NotFound):
            tx.subscribers.by_address("bo@example.com")


def test_only_the_confirmed_are_ever_due(any_store: Database) -> None:
    with any_store.begin() as tx:
        readers = {
            status: tx.subscribers.add(f"{status}@example.com", status=status, now=NOW, next_due=NOW)
            for status in Status
        }
        tx.subscribers.set_next_dues({reader.id: NOW - timedelta(hours=1) for reader in readers.values()})
        assert [reader.status for reader in tx.subscribers.due(NOW, 10)] == [Status.CONFIRMED]
        assert tx.subscribers.oldest_due() == NOW - timedelta(hours=1)
        tx.subscribers.save(replace(readers[Status.CONFIRMED], status=Status.PAUSED))
        assert tx.subscribers.due(NOW, 10) == ()
        assert tx.subscribers.counts() == {
            Status.CONFIRMED: 0, Status.PAUSED: 2, Status.UNCONFIRMED: 1, Status.UNSUBSCRIBED: 1,
        }  # fmt: skip


def test_the_longest_waiting_come_first(any_store: Database) -> None:
    with any_store.begin() as tx:
        for hours in (1, 3, 2):
            moment = NOW - timedelta(hours=hours)
            tx.subscribers.add(f"r{hours}@example.com", status=Status.CONFIRMED, now=NOW, next_due=moment)
        assert [reader.address for reader in tx.subscribers.due(NOW, 2)] == [
            "r3@example.com",
            "r2@example.com",
        ]


def test_a_cursor_only_moves_forwards(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = tx.subscribers.add("ada@example.com", now=NOW)
        assert tx.subscribers.by_id(reader.id).cursor is None
        for moment in (NOW, NOW - timedelta(days=1)):
            tx.subscribers.set_cursors({reader.id: moment})
        assert tx.subscribers.by_id(reader.id).cursor == NOW
        tx.subscribers.save(reader)
        assert tx.subscribers.by_id(reader.id).cursor == NOW


def test_pages_filter_sort_and_count(any_store: Database) -> None:
    with any_store.begin() as tx:
        for name in ("bo", "ada", "cy_d", "cyxd"):
            tx.subscribers.add(f"{name}@example.com", now=NOW)
        page = tx.subscribers.page(sort="address", limit=2, offset=1)
        assert ([r.address for r in page.subscribers], page.total) == (
            ["bo@example.com", "cy_d@example.com"],
            4,
        )
        assert [r.address for r in tx.subscribers.page(search="Y_D").subscribers] == ["cy_d@example.com"]
        assert tx.subscribers.page(search="%\x00").total == 0
        assert tx.subscribers.page(status=Status.CONFIRMED).total == 0
        down = tx.subscribers.page(sort="address", descending=True, limit=1).subscribers
        assert down[0].address == "cyxd@example.com"
        assert tx.subscribers.page(sort="profile; DROP TABLE subscriber").total == 4


def test_a_walk_meets_everybody_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        newcomers = [
            Subscriber(id=0, pid=f"p{n}", address=f"r{n}@example.com", created_at=NOW) for n in range(25)
        ]
        assert tx.subscribers.add_many([*newcomers, newcomers[0]]) == 25
        met: list[str] = []
        last = 0
        while some := tx.subscribers.after(last, limit=10):
            met += [reader.pid for reader in some]
            last = some[-1].id
        assert met == [newcomer.pid for newcomer in newcomers]


def test_an_erased_reader_is_gone_for_good_and_so_is_the_id(any_store: Database) -> None:
    with any_store.begin() as tx:
        gone = tx.subscribers.add("ada@example.com", now=NOW)
        tx.subscribers.erase(gone.id, now=NOW)
        with pytest.raises(NotFound):
            tx.subscribers.by_pid(gone.pid)
        with pytest.raises(NotFound):
            tx.subscribers.save(gone)
        assert tx.subscribers.add("ada@example.com", now=NOW).id != gone.id


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Ada@Example.COM ", Address("Ada@example.com", "Ada@example.com", "ada@example.com")),
        ("a@bücher.example", Address("a@bücher.example", *2 * ["a@xn--bcher-kva.example"])),
        (
            "A@XN--BCHER-KVA.example",
            Address("A@bücher.example", "A@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ),
        ("JOSÉ@example.com", Address("JOSÉ@example.com", "JOSÉ@example.com", "josé@example.com")),
        ("STRASSE@example.com", Address("STRASSE@example.com", "STRASSE@example.com", "strasse@example.com")),
    ],
)  # fmt: skip
def test_an_address_has_three_spellings(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert address.wire.isascii() == ("É" not in text)
    assert "@" not in address.domain


@pytest.mark.parametrize(
    "text",
    [
        "", "ada", "ada@", "a@localhost", "a@[127.0.0.1]", "a b@example.com", "a@example..com",
        "a@example.com\r\nBcc: b@example.com", f"{'x' * 65}@example.com", "a\x00@example.com",
    ],
)  # fmt: skip
def test_what_cannot_be_written_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_address(text)


@given(st.emails())
def test_reading_an_address_again_changes_nothing(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddress:
        return
    for spelling in (address.shown, address.wire, address.mailbox, text.upper() if text.isascii() else text):
        assert parse_address(spelling).mailbox == address.mailbox
    assert address_key(b"k", address.shown) == address_key(b"k", address.mailbox)
    assert address_key(b"k", address.shown) != address_key(b"l", address.shown)


def test_who_is_due_is_cut_into_shards_that_leave_nobody_out(any_store: Database) -> None:
    with any_store.begin() as tx:
        for number in range(10):
            moment = NOW if number % 3 else NOW + timedelta(hours=1)
            tx.subscribers.add(f"r{number}@example.com", status=Status.CONFIRMED, now=NOW, next_due=moment)
        shards = tx.subscribers.due_shards(NOW, 4)
        parts = [tx.subscribers.due(NOW, 10, within=shard) for shard in shards]
        everybody = tx.subscribers.due(NOW, 10)
    assert [len(part) for part in parts] == [4, 2]
    assert [reader for part in parts for reader in part] == list(everybody)


def test_only_who_is_still_due_moves_on(any_store: Database) -> None:
    later, next_week = NOW + timedelta(hours=5), NOW + timedelta(days=7)
    with any_store.begin() as tx:
        still = tx.subscribers.add("ada@example.com", status=Status.CONFIRMED, now=NOW, next_due=NOW)
        other = tx.subscribers.add("bo@example.com", status=Status.CONFIRMED, now=NOW, next_due=later)
        tx.subscribers.move_on({still.id: next_week, other.id: next_week}, now=NOW)
        moments = {reader.address: reader.next_due for reader in tx.subscribers.due(next_week, 10)}
    assert moments == {"ada@example.com": next_week, "bo@example.com": later}


def test_what_no_database_can_hold_is_left_out_of_a_profile(any_store: Database) -> None:
    """One such sign-up must not fail those that share its transaction."""
    odd = Profile(facets=(Facet("\x00a\ud800", ("b\\u0000", "\\\x00")),))
    with any_store.begin() as tx:
        tx.subscribers.add("ada@example.com", now=NOW, profile=odd)
    with any_store.begin(write=False) as tx:
        kept = tx.subscribers.by_address("ada@example.com").profile
    assert kept.facets == (Facet("a", ("b\\u0000", "\\")),)
