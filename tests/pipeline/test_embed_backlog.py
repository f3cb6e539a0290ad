"""A model reads everything that may be compared one day, newest first, and takes over at the end."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from digest.cli.status import in_words, status_json
from digest.db import Database
from digest.db.embeddings import text_key
from digest.models import Facet, LikedPaper, Profile, Status
from digest.pipeline.embed import keep_up, served
from digest.pipeline.embed_backlog import PIECE, catch_up, progress
from tests.factories import NOW, paper
from tests.pipeline.test_embed import Counting, nothing_else

LONG_AGO, TOMORROW = NOW - timedelta(days=200), NOW + timedelta(days=1)
SEED, FOE, KID = LikedPaper("On Goats", "Herds."), LikedPaper("On Wolves"), LikedPaper("On Kids")
PROFILE = Profile(liked=(SEED,), disliked=(FOE,), facets=(Facet("Kids", liked=(KID,)),))
EARLIER = PIECE + 20


@pytest.fixture
def stocked(store: Database) -> Database:
    """A store whose model has read today's paper; there are earlier ones, and what a reader gave."""
    return filled(store)


@pytest.fixture
def stocked_anywhere(any_store: Database) -> Database:
    """The same on both databases."""
    return filled(any_store)


def filled(store: Database) -> Database:
    with store.begin() as tx:
        tx.papers.add([paper("On Today", first_seen=None)], seen_at=NOW)
    assert keep_up(store, Counting(), NOW) == 1
    with store.begin() as tx:
        tx.papers.add([paper(f"On {n} Oceans", first_seen=None) for n in range(EARLIER)], seen_at=LONG_AGO)
        tx.subscribers.add("ada@example.com", status=Status.CONFIRMED, profile=PROFILE, now=NOW)
        gone = replace(PROFILE, liked=(LikedPaper("On Leaving"),))
        tx.subscribers.add("bob@example.com", status=Status.UNSUBSCRIBED, profile=gone, now=NOW)
    return store


def name_of(store: Database, model: Counting, other: Counting | None = None) -> str:
    serving = served(store, model, load=(lambda _: other) if other else nothing_else)
    assert serving is not None
    return serving.name


def test_earlier_papers_and_what_readers_gave_get_their_vectors_once(stocked_anywhere: Database) -> None:
    model = Counting()
    assert catch_up(stocked_anywhere, model, NOW) == EARLIER + 3
    with stocked_anywhere.begin(write=False) as tx:
        kept = tx.vectors.serving()
        assert kept
        assert kept.is_complete
        keys = {text_key(f"{each.title}\n{each.abstract}") for each in (SEED, FOE, KID)}
        assert tx.vectors.held(kept, keys) == keys
        assert tx.vectors.count(kept) == EARLIER + 4
    assert catch_up(stocked_anywhere, model, NOW) == 0
    assert catch_up(stocked_anywhere, model, NOW, anew=True) == 0


def test_the_newest_papers_come_first_and_what_readers_gave_last(stocked: Database) -> None:
    catch_up(stocked, model := Counting(), NOW)
    numbers = [int(text.split()[1]) for text in model.asked if "Oceans" in text]
    assert all(later < earlier for earlier, later in pairwise(numbers))
    assert {text.split("\n")[0] for text in model.asked[-3:]} == {"On Goats", "On Wolves", "On Kids"}


def test_it_goes_on_where_it_was_broken_off(stocked: Database) -> None:
    broken = Counting(breaks_after=300)
    with suppress(KeyboardInterrupt):
        catch_up(stocked, broken, NOW)
    before = len(broken.asked)
    model = Counting()
    made = catch_up(stocked, model, NOW)
    assert 0 < made < EARLIER + 3
    assert len(model.asked) == made
    assert before + made >= EARLIER + 3


def test_a_tick_gives_it_a_while_and_the_next_ones_bring_it_to_its_end(stocked: Database) -> None:
    model = Counting()
    assert catch_up(stocked, model, NOW, within=0) == 0
    assert model.asked == []
    assert catch_up(stocked, model, NOW, within=600) == EARLIER + 3
    assert catch_up(stocked, model, NOW, within=0) == 0


def test_the_old_model_serves_until_the_new_one_has_been_everywhere(stocked: Database) -> None:
    old, new = Counting(), Counting(name="counting-2")
    catch_up(stocked, old, NOW)
    keep_up(stocked, new, NOW)
    assert name_of(stocked, new, old) == "counting-1"
    with stocked.begin(write=False) as tx:
        assert progress(tx) is not None
    assert catch_up(stocked, new, NOW) == 3  # the papers are few enough to be all of the day
    assert name_of(stocked, new) == "counting-2"


def test_what_readers_came_to_like_is_read_on_the_next_day(stocked: Database) -> None:
    model = Counting()
    catch_up(stocked, model, NOW)
    with stocked.begin() as tx:
        ada = tx.subscribers.by_address("ada@example.com")
        tx.subscribers.save(replace(ada, profile=replace(PROFILE, liked=(SEED, LikedPaper("On Hens")))))
    assert catch_up(stocked, model, NOW) == 0
    assert catch_up(stocked, model, TOMORROW) == 1


def test_how_far_it_came_is_told(stocked: Database) -> None:
    told: list[tuple[str, int, int]] = []
    catch_up(stocked, Counting(), NOW, tell=lambda *said: told.append(said))
    assert told[0] == ("earlier papers, by counting-1", 0, EARLIER + 1)
    assert told[-1] == ("what readers like, by counting-1", 0, 2)


def test_the_status_tells_of_a_model_that_is_not_through(stocked: Database) -> None:
    with suppress(KeyboardInterrupt):
        catch_up(stocked, Counting(breaks_after=PIECE), NOW)
    with stocked.begin(write=False) as tx:
        told = status_json(tx, NOW)
    assert told["vectors"]["papers"] == PIECE
    assert f"{PIECE} of {EARLIER + 1} papers looked through" in " ".join(in_words(told))
    catch_up(stocked, Counting(), NOW)
    with stocked.begin(write=False) as tx:
        told = status_json(tx, NOW)
    assert told["vectors"]["done"]
    assert "looked through" not in " ".join(in_words(told))


def test_no_model_and_a_model_that_was_never_begun_read_nothing(store: Database) -> None:
    assert catch_up(store, None, NOW) == 0
    assert catch_up(store, Counting(), NOW) == 0
    with store.begin(write=False) as tx:
        assert progress(tx) is None
