"""Rows of readers' documents: the same similarity for common and rare terms, and exact lookup of terms."""

import numpy as np
import pytest

from digest.ranking.bm25 import Corpus, TermWeights
from digest.ranking.profile_vectors import ProfileVectors, hash_terms
from digest.ranking.sparse_rows import MIN_COMMON_ROWS
from digest.ranking.term_index import TermIndex


def make_document(*words: str) -> ProfileVectors:
    """Return a profile of one document with an equal weight for each word."""
    return ProfileVectors(
        term_counts=np.array([len(words)], np.int32),
        term_ids=hash_terms(words),
        term_weights=np.ones(len(words), np.float32),
        topics=np.zeros((1, 0), np.float32),
        embeddings=np.zeros((1, 0), np.float32),
    )


@pytest.mark.parametrize("paper_count", [MIN_COMMON_ROWS - 1, MIN_COMMON_ROWS, MIN_COMMON_ROWS + 1])
def test_similarity_does_not_depend_on_how_common_a_term_is(paper_count: int) -> None:
    everyone: TermWeights = {"ocean": 1, "tides": 2}
    papers: list[TermWeights] = [{**everyone, "heat": 1, f"word{n}": 1} for n in range(paper_count - 1)]
    corpus = Corpus([{"seldom": 1}, *papers, everyone])
    rows = TermIndex(corpus).build_rows(
        [
            make_document("ocean", "word3"),
            make_document("tides", "seldom", "heat"),
            make_document("seldom"),
            make_document(),
        ]
    )
    similarity = corpus.compute_similarity(rows)
    own = corpus.compute_similarity(corpus.candidates).diagonal()  # what unit rows are multiplied by
    expected = rows.to_dense() @ corpus.candidates.to_dense().T * own
    assert similarity == pytest.approx(expected, abs=1e-5)
    assert (similarity > 0).sum(axis=1).tolist() == [paper_count, paper_count + 1, 1, 0]


def test_every_known_term_is_found_and_no_other() -> None:
    """So many terms collide in the hash table."""
    words = [f"word{n}" for n in range(9_000)]
    corpus = Corpus([dict.fromkeys(words[start : start + 100], 1.0) for start in range(0, len(words), 100)])
    rows = TermIndex(corpus).build_rows(
        [
            make_document(*words),
            make_document(*(f"unknown{n}" for n in range(9_000))),
            make_document("unknown1", "word8999", "unknown2"),
        ]
    )
    known, unknown, mixed = rows.to_dense()
    assert np.array_equal(known, corpus.idf)
    assert not unknown.any()
    assert np.flatnonzero(mixed).tolist() == [8_999]
