"""A profile is turned into numbers once, and again only when it says something else."""

from dataclasses import replace

from digest.db import Database
from digest.models import Frequency, LikedPaper, Profile, Status
from digest.pipeline.plan import plan
from digest.pipeline.profile_cache import keep_outlines, outlines_of
from digest.ranking.ranker import Ranker
from tests.factories import NOW, paper

ADA = Profile(keywords=("ocean heat",), liked=(LikedPaper("Waves of the sea"),))
TITLES = ("Ocean heat", "Auctions", "Speech", "Proteins", "Robots", "Privacy", "Graphs", "Kernels")


def settled(store: Database, profile: Profile = ADA) -> None:
    papers = [paper(title, id=f"arxiv:2611.{n:05d}") for n, title in enumerate(TITLES)]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
        ada = tx.subscribers.add(
            "ada@example.com", profile=profile, status=Status.CONFIRMED, now=NOW, next_due=NOW
        )
        assert ada.schedule.frequency is Frequency.DAILY


def test_planning_keeps_what_it_made_and_finds_it_the_next_day(store: Database) -> None:
    settled(store)
    plan(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.by_address("ada@example.com")
    [kept] = outlines_of(store, [ada], model="")
    assert kept is not None
    assert len(kept.sizes) == 2


def test_what_is_tried_and_not_saved_is_not_taken_for_what_was_kept(store: Database) -> None:
    settled(store)
    plan(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.by_address("ada@example.com")
    trying = replace(ada, profile=replace(ADA, keywords=("auctions",)))
    assert outlines_of(store, [trying], model="") == [None]
    assert outlines_of(store, [ada], model="another-model") == [None]


def test_only_who_changed_is_turned_into_numbers_again(store: Database) -> None:
    settled(store)
    plan(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.by_address("ada@example.com")
    known = outlines_of(store, [ada], model="")
    assert keep_outlines(store, [ada], known, Ranker([paper()]), model="") == known


def test_a_dry_run_keeps_nothing(store: Database) -> None:
    settled(store)
    plan(store, NOW, dry_run=True)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.by_address("ada@example.com")
    assert outlines_of(store, [ada], model="") == [None]
