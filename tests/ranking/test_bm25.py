"""A word tells more the rarer it is, less in a longer text, and most when it is said for the first time."""

from math import log1p, sqrt

import numpy as np
import pytest

from digest.ranking.bm25 import (
    ENOUGH_BACKGROUND,
    LENGTH,
    LENT,
    NEIGHBOURS,
    PAIRS,
    RARITY,
    SATURATION,
    Lexicon,
    Terms,
    counted,
)
from digest.ranking.hubness import without_hubs
from tests.ranking.test_ranker import TOPICS, about


def row(lexicon: Lexicon, place: int) -> dict[str, float]:
    """A candidate's weights by term."""
    dense = lexicon.candidates.toarray()[place]
    return {term: float(dense[column]) for term, column in lexicon.places.items() if dense[column]}


@pytest.mark.parametrize("others", [0, 10, 100])
def test_the_first_mention_tells_most_and_each_the_less_the_longer_the_text(others: int) -> None:
    """As BM25 has it: a term said n times counts n (k + 1) / (n + k (1 - b + b length / usual length))."""
    usual = {"ocean": 3.0, "tides": 1.0}
    lexicon = Lexicon([{**usual, "violins": others} if others else usual, *([usual] if others else [])])
    told = row(lexicon, 0)
    damper = SATURATION * (1 - LENGTH + LENGTH * (4 + others) / (4 + others / 2))
    assert told["ocean"] / told["tides"] == pytest.approx(3 * (1 + damper) / (3 + damper), rel=1e-3)
    assert 1 < told["ocean"] / told["tides"] < 3


def test_a_term_is_the_rarer_the_fewer_papers_use_it_and_a_pair_a_little_less_so() -> None:
    """BM25's inverse document frequency, its power ours: log(1 + (papers - users + 1/2) / (users + 1/2))."""
    lexicon = Lexicon([{"ocean": 1, "ocean heat": 1}, {"ocean": 5, "tides": 1}, {"tides": 1}, {"violins": 1}])
    told = dict(zip(lexicon.names, lexicon.rarity.tolist(), strict=True))
    once, twice = log1p((4 - 1 + 0.5) / 1.5), log1p((4 - 2 + 0.5) / 2.5)
    expected = {"ocean": twice, "ocean heat": PAIRS * once, "tides": twice, "violins": once}
    assert told == pytest.approx({term: rarity**RARITY for term, rarity in expected.items()}, rel=1e-5)


def test_every_document_is_as_long_as_any_other_however_common_its_words() -> None:
    lexicon = Lexicon([{"ocean": 1, f"word {n}": 1} for n in range(200)])
    rows = lexicon.encode([{"ocean": 1}, {"zeolite": 9, "violins": 1}, {}]).rows
    assert np.sqrt((rows * rows).sum(axis=1)).ravel().tolist() == pytest.approx([1, 1, 0])


def test_usual_is_what_earlier_days_said_and_not_what_today_is_full_of() -> None:
    today: list[Terms] = [{"zeolite": 1, "ocean": 1}] * 5
    earlier: list[Terms] = [{"ocean": 1, f"word {n}": 1} for n in range(ENOUGH_BACKGROUND)]
    enough, too_few = Lexicon(today, earlier), Lexicon(today, earlier[:-1])
    assert enough.telling(enough.encode([{"zeolite": 1}]).rows)[0] == pytest.approx(1)
    assert too_few.telling(too_few.encode([{"zeolite": 1}]).rows)[0] < 1 / 2


def test_what_is_as_usual_as_any_two_papers_tells_less_by_the_root_of_two() -> None:
    lexicon = Lexicon([counted(about(topic, n)) for topic in TOPICS for n in range(5)])
    assert lexicon.telling(lexicon.general[None, :]).tolist() == pytest.approx([1 / sqrt(2)])


def test_the_usual_paper_of_a_single_one_is_that_paper() -> None:
    assert Lexicon([{"ocean": 1, "tides": 2}]).unrelated == pytest.approx(1)


def test_a_neighbour_twice_as_near_lends_four_times_as_much() -> None:
    lexicon = Lexicon([counted(about(topic, n)) for topic in TOPICS for n in range(5)])
    alike, one = lexicon.alike.astype(np.float32), np.eye(20, dtype=np.float32)
    more = without_hubs(alike, (alike + one).mean(axis=1), np.ones(20, np.float32)) ** 2
    lent = (lexicon.smoothed(one) - one) / LENT
    assert np.count_nonzero(more, axis=1).max() <= NEIGHBOURS
    assert np.allclose(lent, more / more.sum(axis=1, keepdims=True), atol=0.02)
