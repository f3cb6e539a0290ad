"""Tests of parsing a reader's library into liked papers."""

from digest.db import Database
from digest.models import LikedPaper
from digest.subscribers.seed_papers import Library, parse_library
from tests.factories import NOW, make_paper


def test_ids_and_links_are_completed_from_the_database(store: Database) -> None:
    paper = make_paper("Counting Cows", id="arxiv:2611.00042", abstract="We count cows.")
    with store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
        library = parse_library(tx, "https://arxiv.org/abs/2611.00042v2 2611.99999 rubbish")
    assert library.papers == (LikedPaper("Counting Cows", "We count cows.", "arxiv:2611.00042"),)
    assert tuple(map(str, library.unknown)) == ("line 1: rubbish", "arxiv:2611.99999")


def test_an_entry_with_a_title_is_accepted_even_if_unknown(store: Database) -> None:
    entry = "@article{sheep, title = {Counting Sheep}, eprint = {2611.00043}}"
    with store.begin() as tx:
        assert parse_library(tx, entry) == Library((LikedPaper("Counting Sheep", "", "arxiv:2611.00043"),))
        tx.papers.add([make_paper("Counting Sheep", id="arxiv:2611.00043", abstract="Zzz.")], seen_at=NOW)
        assert parse_library(tx, entry).papers[0].abstract == "Zzz."


def test_blank_text_is_an_empty_library(store: Database) -> None:
    with store.begin() as tx:
        assert parse_library(tx, "  \n") == Library()
