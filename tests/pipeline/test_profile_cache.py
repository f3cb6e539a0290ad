"""Tests of the stored profile vectors."""

from dataclasses import replace

from digest.db import Database
from digest.models import Frequency, LikedPaper, Profile, Status
from digest.pipeline.plan import plan_editions
from digest.pipeline.profile_cache import complete_profile_vectors, load_profile_vectors
from digest.ranking.ranker import Ranker
from tests.factories import NOW, make_paper, store_subscriber

ABSTRACT = " ".join(f"wave{number}" for number in range(60))
ADA = Profile(keywords=("ocean heat",), liked=(LikedPaper("Waves of the sea", ABSTRACT),))
TITLES = ("Ocean heat", "Auctions", "Speech", "Proteins", "Robots", "Privacy", "Graphs", "Kernels")


def fill_store(store: Database, profile: Profile = ADA) -> None:
    papers = [make_paper(title, id=f"arxiv:2611.{n:05d}") for n, title in enumerate(TITLES)]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW)
        ada = store_subscriber(
            tx, "ada@example.com", profile=profile, status=Status.CONFIRMED, now=NOW, next_due=NOW
        )
        assert ada.schedule.frequency is Frequency.DAILY


def test_planning_stores_profile_vectors_for_the_next_day(store: Database) -> None:
    fill_store(store)
    plan_editions(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
    [vectors] = load_profile_vectors(store, [ada], model="")
    assert vectors is not None
    assert len(vectors.term_counts) == 2


def test_stored_vectors_are_not_used_for_an_unsaved_profile_or_another_model(store: Database) -> None:
    fill_store(store)
    plan_editions(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
    unsaved = replace(ada, profile=replace(ADA, keywords=("auctions",)))
    assert load_profile_vectors(store, [unsaved], model="") == [None]
    assert load_profile_vectors(store, [ada], model="another-model") == [None]


def test_stored_profile_vectors_are_not_computed_again(store: Database) -> None:
    fill_store(store)
    plan_editions(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
    stored = load_profile_vectors(store, [ada], model="")
    assert complete_profile_vectors(store, [ada], stored, Ranker([make_paper()]), model="") == stored


def test_a_dry_run_stores_no_vectors(store: Database) -> None:
    fill_store(store)
    plan_editions(store, NOW, dry_run=True)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
    assert load_profile_vectors(store, [ada], model="") == [None]


def test_a_short_profile_is_stored_only_if_a_model_embeds_it(store: Database) -> None:
    fill_store(store, Profile(keywords=("ocean heat",)))
    plan_editions(store, NOW)
    with store.begin(write=False) as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
    assert load_profile_vectors(store, [ada], model="") == [None]

    complete_profile_vectors(store, [ada], [None], Ranker([make_paper()]), model="a-model")
    assert load_profile_vectors(store, [ada], model="a-model") != [None]
