"""Where a term stands and how many papers use it is a matter of speed: nearness never hangs on it."""

import numpy as np
import pytest

from digest.ranking.bm25 import Lexicon, Terms
from digest.ranking.profile_vectors import ProfileVectors, numbered
from digest.ranking.term_index import COMMON, Postings


def said(*words: str) -> ProfileVectors:
    """A document that means all of these words alike."""
    return ProfileVectors(
        sizes=np.array([len(words)], np.int32),
        words=numbered(words),
        strengths=np.ones(len(words), np.float32),
        vectors=np.zeros((1, 0), np.float32),
    )


@pytest.mark.parametrize("users", [COMMON - 1, COMMON, COMMON + 1])
def test_nearness_is_the_same_however_many_papers_use_a_term(users: int) -> None:
    everyone: Terms = {"ocean": 1, "tides": 2}
    papers: list[Terms] = [{**everyone, "heat": 1, f"word{n}": 1} for n in range(users - 1)]
    postings = Postings(Lexicon([{"seldom": 1}, *papers, everyone]))
    rows = postings.rows([said("ocean", "word3"), said("tides", "seldom", "heat"), said("seldom"), said()])
    near = postings.similar(rows)
    assert near == pytest.approx((rows @ postings.candidates.T).toarray(), abs=1e-5)
    assert (near > 0).sum(axis=1).tolist() == [users, users + 1, 1, 0]


def test_every_term_of_a_large_day_is_found_and_no_other() -> None:
    """Thousands of terms share places in the table where they are looked up."""
    words = [f"word{n}" for n in range(9_000)]
    lexicon = Lexicon([dict.fromkeys(words[at : at + 100], 1.0) for at in range(0, len(words), 100)])
    postings = Postings(lexicon)
    own, others, both = postings.rows(
        [said(*words), said(*(f"unheard{n}" for n in range(9_000))), said("unheard1", "word8999", "unheard2")]
    ).toarray()
    assert np.array_equal(own, lexicon.rarity)
    assert not others.any()
    assert np.flatnonzero(both).tolist() == [8_999]
