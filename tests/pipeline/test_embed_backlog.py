"""Tests of the embedding of older papers and of what readers like."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from digest.cli.status import format_status
from digest.db import Database
from digest.db.embeddings import compute_text_key
from digest.models import Facet, LikedPaper, Profile, Status
from digest.pipeline.embed import embed_recent_papers, load_serving_model
from digest.pipeline.embed_backlog import CHUNK_SIZE, embed_backlog, get_progress
from digest.pipeline.status import collect_status
from tests.factories import NOW, make_paper, store_subscriber
from tests.pipeline.test_embed import CountingModel, raise_not_installed

LONG_AGO, TOMORROW = NOW - timedelta(days=200), NOW + timedelta(days=1)
LIKED, DISLIKED, FACET_LIKED = (
    LikedPaper("On Goats", "Herds."),
    LikedPaper("On Wolves"),
    LikedPaper("On Kids"),
)
PROFILE = Profile(liked=(LIKED,), disliked=(DISLIKED,), facets=(Facet("Kids", liked=(FACET_LIKED,)),))
EARLIER = CHUNK_SIZE + 20


@pytest.fixture
def filled_store(store: Database) -> Database:
    """A database with a vector of today's paper, earlier papers without, and a reader with liked papers."""
    return fill(store)


@pytest.fixture
def any_filled_store(any_store: Database) -> Database:
    """The same on each of the two databases."""
    return fill(any_store)


def fill(store: Database) -> Database:
    with store.begin() as tx:
        tx.papers.add([make_paper("On Today", first_seen=None)], seen_at=NOW)
    assert embed_recent_papers(store, CountingModel(), NOW) == 1
    with store.begin() as tx:
        tx.papers.add(
            [make_paper(f"On {n} Oceans", first_seen=None) for n in range(EARLIER)], seen_at=LONG_AGO
        )
        store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, profile=PROFILE, now=NOW)
        left = replace(PROFILE, liked=(LikedPaper("On Leaving"),))
        store_subscriber(tx, "bob@example.com", status=Status.UNSUBSCRIBED, profile=left, now=NOW)
    return store


def get_serving_name(store: Database, model: CountingModel, other: CountingModel | None = None) -> str:
    serving = load_serving_model(store, model, load=(lambda _: other) if other else raise_not_installed)
    assert serving is not None
    return serving.name


def test_earlier_papers_and_liked_papers_are_embedded_once(any_filled_store: Database) -> None:
    model = CountingModel()
    assert embed_backlog(any_filled_store, model, NOW) == EARLIER + 3
    with any_filled_store.begin(write=False) as tx:
        stored = tx.vectors.get_serving_model()
        assert stored
        assert stored.is_complete
        keys = {
            compute_text_key(f"{paper.title}\n{paper.abstract}") for paper in (LIKED, DISLIKED, FACET_LIKED)
        }
        assert tx.vectors.find_existing_keys(stored, keys) == keys
        assert tx.vectors.count_vectors(stored) == EARLIER + 4
    assert embed_backlog(any_filled_store, model, NOW) == 0
    assert embed_backlog(any_filled_store, model, NOW, anew=True) == 0


def test_the_newest_papers_come_first_and_liked_papers_last(filled_store: Database) -> None:
    embed_backlog(filled_store, model := CountingModel(), NOW)
    numbers = [int(text.split()[1]) for text in model.calls if "Oceans" in text]
    assert all(later < earlier for earlier, later in pairwise(numbers))
    assert {text.split("\n")[0] for text in model.calls[-3:]} == {"On Goats", "On Wolves", "On Kids"}


def test_the_backlog_resumes_where_it_was_interrupted(filled_store: Database) -> None:
    interrupted = CountingModel(breaks_after=300)
    with suppress(KeyboardInterrupt):
        embed_backlog(filled_store, interrupted, NOW)
    before = len(interrupted.calls)
    model = CountingModel()
    count = embed_backlog(filled_store, model, NOW)
    assert 0 < count < EARLIER + 3
    assert len(model.calls) == count
    assert before + count >= EARLIER + 3


def test_the_backlog_stops_after_its_timeout_and_goes_on_the_next_time(filled_store: Database) -> None:
    model = CountingModel()
    assert embed_backlog(filled_store, model, NOW, timeout=0) == 0
    assert model.calls == []
    assert embed_backlog(filled_store, model, NOW, timeout=600) == EARLIER + 3
    assert embed_backlog(filled_store, model, NOW, timeout=0) == 0


def test_the_old_model_serves_until_the_new_one_is_complete(filled_store: Database) -> None:
    old, new = CountingModel(), CountingModel(name="counting-2")
    embed_backlog(filled_store, old, NOW)
    embed_recent_papers(filled_store, new, NOW)
    assert get_serving_name(filled_store, new, old) == "counting-1"
    with filled_store.begin(write=False) as tx:
        assert get_progress(tx) is not None
    assert embed_backlog(filled_store, new, NOW) == 3  # the papers are few enough to be all of the day
    assert get_serving_name(filled_store, new) == "counting-2"


def test_newly_liked_papers_are_embedded_on_the_next_day(filled_store: Database) -> None:
    model = CountingModel()
    embed_backlog(filled_store, model, NOW)
    with filled_store.begin() as tx:
        ada = tx.subscribers.get_by_address("ada@example.com")
        tx.subscribers.save(replace(ada, profile=replace(PROFILE, liked=(LIKED, LikedPaper("On Hens")))))
    assert embed_backlog(filled_store, model, NOW) == 0
    assert embed_backlog(filled_store, model, TOMORROW) == 1


def test_the_backlog_reports_its_progress(filled_store: Database) -> None:
    progress: list[tuple[str, int, int]] = []
    embed_backlog(filled_store, CountingModel(), NOW, on_progress=lambda *args: progress.append(args))
    assert progress[0] == ("earlier papers, by counting-1", 0, EARLIER + 1)
    assert progress[-1] == ("what readers like, by counting-1", 0, 2)


def test_the_status_shows_an_incomplete_model(filled_store: Database) -> None:
    with suppress(KeyboardInterrupt):
        embed_backlog(filled_store, CountingModel(breaks_after=CHUNK_SIZE), NOW)
    with filled_store.begin(write=False) as tx:
        progress = collect_status(tx, NOW)
    assert progress["vectors"]["papers"] == CHUNK_SIZE
    assert f"{CHUNK_SIZE} of {EARLIER + 1} papers done" in " ".join(format_status(progress))
    embed_backlog(filled_store, CountingModel(), NOW)
    with filled_store.begin(write=False) as tx:
        progress = collect_status(tx, NOW)
    assert progress["vectors"]["done"]
    assert "papers done" not in " ".join(format_status(progress))


def test_nothing_is_embedded_without_a_model_or_its_first_vectors(store: Database) -> None:
    assert embed_backlog(store, None, NOW) == 0
    assert embed_backlog(store, CountingModel(), NOW) == 0
    with store.begin(write=False) as tx:
        assert get_progress(tx) is None
