"""Related papers by the words of the title; by meaning they are found as the search finds them."""

from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from digest.db import Database
from digest.models import Paper
from digest.web.related import MAX_AGE, MAX_RELATED, RelatedPapers, choose_phrases
from digest.web.semantic_index import SemanticIndex
from tests.factories import NOW, make_paper

SHEEP = make_paper("Counting Sheep in Sublinear Time", id="arxiv:2611.00040")


class Index:
    """A semantic index with scripted answers."""

    def __init__(self, answer: list[str] | None) -> None:
        self.answer, self.calls = answer, 0

    def find_similar(self, paper: Paper, now: datetime, *, limit: int) -> list[str] | None:
        del paper, now, limit
        self.calls += 1
        return self.answer


def _find(store: Database, index: Index, *papers: Paper) -> list[str]:
    with store.begin() as tx:
        tx.papers.add([SHEEP, *papers], seen_at=NOW)
    related = RelatedPapers(store, cast("SemanticIndex", cast("Any", index)))
    found = related.find(SHEEP, NOW)
    assert related.find(SHEEP, NOW + MAX_AGE / 2) == found
    assert index.calls == 1
    return [paper.title for paper in found]


def test_the_nearest_in_meaning_come_in_their_order_without_itself_and_the_withdrawn(store: Database) -> None:
    papers = [make_paper(f"Goats {number}", id=f"arxiv:2611.{number:05d}") for number in range(1, 5)]
    papers[1] = replace(papers[1], withdrawn=True)
    index = Index([papers[2].id, SHEEP.id, papers[1].id, "arxiv:2611.99999", papers[0].id])

    assert _find(store, index, *papers) == ["Goats 3", "Goats 1"]


def test_without_a_model_those_that_share_most_words_of_the_title_come_first(store: Database) -> None:
    papers = [
        make_paper("A Paper on Teapots", abstract="Nothing of the kind."),
        make_paper("Sheep at Night", abstract="On counting sheep."),
        make_paper("Sheep", abstract="Counting sheep in sublinear time, once more."),
    ]

    assert _find(store, Index(None), *papers) == ["Sheep", "Sheep at Night"]


def test_no_more_than_a_few_are_shown(store: Database) -> None:
    papers = [make_paper(f"Counting Sheep, Part {number}") for number in range(9)]

    assert len(_find(store, Index(None), *papers)) == MAX_RELATED


def test_phrases_are_pairs_then_long_words() -> None:
    assert choose_phrases("Counting Sheep in Sublinear Time")[:3] == [
        "counting sheep", "sublinear time", "counting",
    ]  # fmt: skip
    assert choose_phrases("") == []
