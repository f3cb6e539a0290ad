"""A reader's library becomes papers they like; nothing of it is lost without a word."""

from digest.db import Database
from digest.models import LikedPaper
from digest.subscribers.seed_papers import Library, understood
from tests.factories import NOW, paper


def test_ids_and_links_are_filled_in_from_the_store(store: Database) -> None:
    known = paper("Counting Cows", id="arxiv:2611.00042", abstract="We count cows.")
    with store.begin() as tx:
        tx.papers.add([known], seen_at=NOW)
        library = understood(tx, "https://arxiv.org/abs/2611.00042v2 2611.99999 rubbish")
    assert library.likings == (LikedPaper("Counting Cows", "We count cows.", "arxiv:2611.00042"),)
    assert library.unknown == ("rubbish", "arxiv:2611.99999")


def test_an_entry_with_a_title_is_understood_even_if_we_never_saw_it(store: Database) -> None:
    entry = "@article{sheep, title = {Counting Sheep}, eprint = {2611.00043}}"
    with store.begin() as tx:
        assert understood(tx, entry) == Library((LikedPaper("Counting Sheep", "", "arxiv:2611.00043"),))
        tx.papers.add([paper("Counting Sheep", id="arxiv:2611.00043", abstract="Zzz.")], seen_at=NOW)
        assert understood(tx, entry).likings[0].abstract == "Zzz."


def test_an_empty_library_is_no_library(store: Database) -> None:
    with store.begin() as tx:
        assert understood(tx, "  \n") == Library()
