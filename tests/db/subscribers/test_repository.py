"""Subscribers: lookup by address, paging, due times, cursors, erasure and address parsing."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database
from digest.db.subscribers.search import SubscriberCriteria
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
from digest.models.addresses import Address, hash_address, parse_address
from digest.models.errors import InvalidAddress, NotFound
from tests.factories import NOW, store_subscriber

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


def test_a_subscriber_is_stored_with_all_fields(any_store: Database) -> None:
    with any_store.begin() as tx:
        added = store_subscriber(
            tx,
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
        changed = replace(added, status=Status.PAUSED, asked_at=NOW, profile=Profile())
        tx.subscribers.save(changed)
        assert tx.subscribers.get_by_id(added.id) == replace(changed, next_due=None)


def test_add_returns_the_existing_subscriber_of_a_mailbox(any_store: Database) -> None:
    with any_store.begin() as tx:
        first = store_subscriber(tx, "Ada@EXAMPLE.com", now=NOW)
        assert store_subscriber(tx, "ada@example.COM", profile=FULL_PROFILE, now=NOW) == first
        assert tx.subscribers.get_by_addresses(["ADA@example.com", "bo@example.com"]) == {
            "ada@example.com": first
        }
        with pytest.raises(NotFound):
            tx.subscribers.get_by_address("bo@example.com")


def test_only_confirmed_subscribers_are_due(any_store: Database) -> None:
    with any_store.begin() as tx:
        readers = {
            status: store_subscriber(tx, f"{status}@example.com", status=status, now=NOW, next_due=NOW)
            for status in Status
        }
        tx.subscribers.set_next_due({reader.id: NOW - timedelta(hours=1) for reader in readers.values()})
        assert [reader.status for reader in tx.subscribers.list_due(NOW, 10)] == [Status.CONFIRMED]
        assert tx.subscribers.get_earliest_due() == NOW - timedelta(hours=1)
        tx.subscribers.save(replace(readers[Status.CONFIRMED], status=Status.PAUSED))
        assert tx.subscribers.list_due(NOW, 10) == ()
        assert tx.subscribers.count_by_status() == {
            Status.CONFIRMED: 0, Status.PAUSED: 2, Status.UNCONFIRMED: 1, Status.UNSUBSCRIBED: 1,
        }  # fmt: skip


def test_list_due_returns_the_longest_waiting_first(any_store: Database) -> None:
    with any_store.begin() as tx:
        for hours in (1, 3, 2):
            moment = NOW - timedelta(hours=hours)
            store_subscriber(tx, f"r{hours}@example.com", status=Status.CONFIRMED, now=NOW, next_due=moment)
        assert [reader.address for reader in tx.subscribers.list_due(NOW, 2)] == [
            "r3@example.com",
            "r2@example.com",
        ]


def test_a_cursor_only_moves_forwards(any_store: Database) -> None:
    with any_store.begin() as tx:
        reader = store_subscriber(tx, "ada@example.com", now=NOW)
        assert tx.subscribers.get_by_id(reader.id).cursor is None
        for moment in (NOW, NOW - timedelta(days=1)):
            tx.subscribers.set_cursors({reader.id: moment})
        assert tx.subscribers.get_by_id(reader.id).cursor == NOW
        tx.subscribers.save(reader)
        assert tx.subscribers.get_by_id(reader.id).cursor == NOW


def test_pages_filter_sort_and_count(any_store: Database) -> None:
    with any_store.begin() as tx:
        for name in ("bo", "ada", "cy_d", "cyxd"):
            store_subscriber(tx, f"{name}@example.com", now=NOW)
        page = tx.subscribers.search().get_page(sort="address", limit=2, offset=1)
        assert ([r.address for r in page.subscribers], page.total) == (
            ["bo@example.com", "cy_d@example.com"],
            4,
        )
        found = tx.subscribers.search(SubscriberCriteria(address="Y_D")).get_page().subscribers
        assert [reader.address for reader in found] == ["cy_d@example.com"]
        assert tx.subscribers.search(SubscriberCriteria(address="%\x00")).get_page().total == 0
        assert tx.subscribers.search(SubscriberCriteria(status=Status.CONFIRMED)).get_page().total == 0
        down = tx.subscribers.search().get_page(sort="address", descending=True, limit=1).subscribers
        assert down[0].address == "cyxd@example.com"
        assert tx.subscribers.search().get_page(sort="profile; DROP TABLE subscriber").total == 4


def test_list_after_returns_everybody_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        newcomers = [
            Subscriber(id=0, public_id=f"p{n}", address=f"r{n}@example.com", created_at=NOW)
            for n in range(25)
        ]
        assert tx.subscribers.add_many([*newcomers, newcomers[0]]) == 25
        public_ids: list[str] = []
        last = 0
        while page := tx.subscribers.list_after(last, limit=10):
            public_ids += [reader.public_id for reader in page]
            last = page[-1].id
        assert public_ids == [newcomer.public_id for newcomer in newcomers]


def test_an_erased_subscriber_is_gone_and_the_id_is_not_reused(any_store: Database) -> None:
    with any_store.begin() as tx:
        erased = store_subscriber(tx, "ada@example.com", now=NOW)
        tx.subscribers.erase(erased.id, now=NOW)
        with pytest.raises(NotFound):
            tx.subscribers.get_by_public_id(erased.public_id)
        with pytest.raises(NotFound):
            tx.subscribers.save(erased)
        assert store_subscriber(tx, "ada@example.com", now=NOW).id != erased.id


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
def test_parse_address_is_idempotent(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddress:
        return
    for spelling in (
        address.display,
        address.wire,
        address.mailbox,
        text.upper() if text.isascii() else text,
    ):
        assert parse_address(spelling).mailbox == address.mailbox
    assert hash_address(b"k", address.display) == hash_address(b"k", address.mailbox)
    assert hash_address(b"k", address.display) != hash_address(b"l", address.display)


def test_due_shards_contain_every_due_subscriber_once(any_store: Database) -> None:
    with any_store.begin() as tx:
        for number in range(10):
            moment = NOW if number % 3 else NOW + timedelta(hours=1)
            store_subscriber(tx, f"r{number}@example.com", status=Status.CONFIRMED, now=NOW, next_due=moment)
        shards = tx.subscribers.list_due_shards(NOW, 4)
        parts = [tx.subscribers.list_due(NOW, 10, shard=shard) for shard in shards]
        everybody = tx.subscribers.list_due(NOW, 10)
    assert [len(part) for part in parts] == [4, 2]
    assert [reader for part in parts for reader in part] == list(everybody)


def test_advance_next_due_skips_who_is_no_longer_due(any_store: Database) -> None:
    later, next_week = NOW + timedelta(hours=5), NOW + timedelta(days=7)
    with any_store.begin() as tx:
        still = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW, next_due=NOW)
        other = store_subscriber(tx, "bo@example.com", status=Status.CONFIRMED, now=NOW, next_due=later)
        tx.subscribers.advance_next_due({still.id: next_week, other.id: next_week}, now=NOW)
        moments = {reader.address: reader.next_due for reader in tx.subscribers.list_due(next_week, 10)}
    assert moments == {"ada@example.com": next_week, "bo@example.com": later}


def test_unstorable_characters_are_removed_from_a_profile(any_store: Database) -> None:
    """Otherwise one such sign-up would fail all that share its transaction."""
    odd = Profile(facets=(Facet("\x00a\ud800", ("b\\u0000", "\\\x00")),))
    with any_store.begin() as tx:
        store_subscriber(tx, "ada@example.com", now=NOW, profile=odd)
    with any_store.begin(write=False) as tx:
        stored = tx.subscribers.get_by_address("ada@example.com").profile
    assert stored.facets == (Facet("a", ("b\\u0000", "\\")),)
