"""Tests of the search for subscribers: every condition alone and together, pages, and batches."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.db import Database
from digest.db.subscribers.search import SubscriberCriteria
from digest.models import (
    BounceKind,
    BounceReport,
    DeliveryKind,
    Facet,
    Frequency,
    Preferences,
    Profile,
    Schedule,
    Status,
)
from tests.factories import NOW, store_subscriber

NAMES = ("ada", "bob", "cem", "dee")
FOUND = {
    "nothing asked": (SubscriberCriteria(), "ada bob cem dee"),
    "part of the address": (SubscriberCriteria(address=" DA@ex "), "ada"),
    "a sign of SQL": (SubscriberCriteria(address="%"), ""),
    "keyword": (SubscriberCriteria(keyword="Pots"), "ada bob"),
    "keyword of a facet": (SubscriberCriteria(keyword="mug"), "bob"),
    "status": (SubscriberCriteria(status=Status.PAUSED), "bob"),
    "frequency": (SubscriberCriteria(frequency=Frequency.WEEKLY), "bob cem"),
    "language": (SubscriberCriteria(language="de"), "cem"),
    "tag": (SubscriberCriteria(tag="beta"), "ada cem"),
    "bounce": (SubscriberCriteria(bounce=BounceKind.SOFT, bounced_since=NOW), "ada"),
    "another bounce": (SubscriberCriteria(bounce=BounceKind.COMPLAINT), ""),
    "any bounce": (SubscriberCriteria(bounced_since=NOW), "ada"),
    "no bounce since": (SubscriberCriteria(bounced_since=NOW + timedelta(days=1)), ""),
    "never planned": (SubscriberCriteria(never_planned=True), "cem dee"),
    "planned since": (SubscriberCriteria(planned_since=NOW), "bob"),
    "planned before": (SubscriberCriteria(planned_before=NOW), "ada"),
    "together": (SubscriberCriteria(frequency=Frequency.WEEKLY, tag="beta", never_planned=True), "cem"),
}


@pytest.fixture
def filled_store(any_store: Database) -> Database:
    """Four subscribers."""
    profiles = (
        Profile(keywords=("tea pots",)),
        Profile(keywords=("flower pots",), facets=(Facet("Mugs", ("cups",)),)),
    )
    with any_store.begin() as tx:
        ada, bob, cem, _ = (
            store_subscriber(tx, f"{name}@example.com", status=Status.CONFIRMED, profile=profile, now=NOW)
            for name, profile in zip(NAMES, (*profiles, Profile(), Profile()), strict=True)
        )
        weekly = Schedule(frequency=Frequency.WEEKLY)
        tx.subscribers.save(replace(bob, status=Status.PAUSED, schedule=weekly))
        tx.subscribers.save(replace(cem, schedule=weekly, preferences=Preferences(language="de")))
        assert tx.tags.add([ada.id, cem.id], "beta") == {ada.id, cem.id}
        assert tx.tags.add([ada.id], "beta") == frozenset()
        tx.subscribers.set_cursors({ada.id: NOW - timedelta(days=9), bob.id: NOW})
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, ada, "a", {"mail": "welcome"}, now=NOW)
        mail = tx.deliveries.list_by_subscriber(ada.id)[0].public_id
        tx.deliveries.record_bounce(
            BounceReport(mail, BounceKind.SOFT, "4.2.2", "x"), now=NOW, suppression_key=b"k"
        )
    return any_store


def test_each_condition_finds_whom_it_should(filled_store: Database) -> None:
    for case, (criteria, expected) in FOUND.items():
        with filled_store.begin(write=False) as tx:
            found = tx.subscribers.search(criteria)
            page = found.get_page(sort="address")
            batch = found.list_after()
            assert " ".join(item.address.split("@")[0] for item in page.subscribers) == expected, case
            assert page.total == found.count() == len(batch) == len(expected.split()), case
            for sort in ("created_at", "confirmed_at", "next_due", "status"):
                ordered = found.get_page(sort=sort, descending=True).subscribers
                assert {item.id for item in ordered} == {item.id for item in batch}, case


def test_pages_and_batches_cover_everybody_once(filled_store: Database) -> None:
    with filled_store.begin(write=False) as tx:
        found = tx.subscribers.search(SubscriberCriteria(status=Status.CONFIRMED))
        pages = [found.get_page(limit=2, offset=offset).subscribers for offset in (0, 2)]
        first = found.list_after(limit=2)
        batches = [first, found.list_after(first[-1].id, limit=2)]
    for parts in (pages, batches):
        assert [item.address[:3] for part in parts for item in part] == ["ada", "cem", "dee"]


def test_a_changed_profile_is_found_by_its_new_keywords(filled_store: Database) -> None:
    with filled_store.begin() as tx:
        dee = tx.subscribers.get_by_address("dee@example.com")
        tx.subscribers.save(replace(dee, profile=Profile(keywords=("ÄRZTE",))))
        assert tx.subscribers.search(SubscriberCriteria(keyword="ärzte")).count() == 1
        tx.subscribers.erase(dee.id, now=NOW)
        assert tx.subscribers.search(SubscriberCriteria(keyword="ärzte")).count() == 0
