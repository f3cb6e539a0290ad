"""What do authors, code and topic promise, by our own papers? The prior fitted anew."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import log1p, sqrt
from statistics import fmean

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsqr

from digest.trending.prior import (
    AUTHOR_SHRINKAGE,
    SUBMITTER_SHRINKAGE,
    Name,
    Prior,
    VoteHistory,
    Weights,
    above_the_day,
    names_of,
    record_of,
    terms_of,
)

ENOUGH = 1000  # papers, before a fit of ours replaces the shipped one
WORDS, KEPT = 4000, 300  # the commonest are tried, those that tell most are kept
RAREST, COMMONEST = 15, 0.5  # papers a word must be in, and the part of all it may be in
WORD_PENALTY, FEATURE_PENALTY = 30.0, 5.0

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Terms = Mapping[str, float]


def fit_prior(past: Sequence[VoteHistory], as_of: date) -> Prior | None:
    """The regression on papers of known final votes; None while there are fewer than a thousand."""
    if len(past) < ENOUGH:
        return None
    target = np.array(above_the_day(past))
    texts = [terms_of(f"{each.paper.title} {each.paper.abstract}") for each in past]
    told = _unseen(texts, target)
    plain, promise = _weights(_features(past, told, _nothing), target)
    known, _ = _weights(_features(past, told, _standing(past, target)), target)
    return Prior(
        as_of=as_of,
        plain=plain,
        known=known,
        lowest_quartile=float(np.quantile(promise, 0.25)),
        terms=_terms(texts, target),
    )


def _unseen(texts: Sequence[set[str]], target: Floats) -> Floats:
    """What the words say of each paper, learnt on the other half: else words would be trusted too much."""
    odd = np.arange(len(texts)) % 2 == 1
    told = np.zeros(len(texts))
    for half in (odd, ~odd):
        terms = _terms([text for text, is_in in zip(texts, half, strict=True) if is_in], target[half])
        told[~half] = [_said(terms, text) for text, is_in in zip(texts, half, strict=True) if not is_in]
    return told


def _terms(texts: Sequence[set[str]], target: Floats) -> Terms:
    """The words that tell most, with their weights."""
    counts = Counter(term for text in texts for term in sorted(text))
    common = [t for t, n in counts.most_common() if RAREST <= n < COMMONEST * len(texts)][:WORDS]
    weights = _ridge(texts, target, common)
    common.sort(key=lambda term: (-abs(weights[term]) * sqrt(counts[term]), term))
    kept = _ridge(texts, target, common[:KEPT])
    return {term: round(kept[term], 2) for term in sorted(kept)}


def _ridge(texts: Sequence[set[str]], target: Floats, terms: Sequence[str]) -> dict[str, float]:
    place = {term: number for number, term in enumerate(terms)}
    found = [sorted(place[term] for term in text if term in place) for text in texts]
    ends = np.cumsum([0, *map(len, found)])
    values = np.concatenate([np.full(len(row), 1 / sqrt(len(row) or 1)) for row in found])
    matrix = csr_matrix((values, np.concatenate(found).astype(int), ends), shape=(len(texts), len(terms)))
    solved = lsqr(matrix, target - target.mean(), damp=sqrt(WORD_PENALTY))[0]
    return dict(zip(terms, map(float, solved), strict=True))


def _said(terms: Terms, text: set[str]) -> float:
    found = sorted(terms.keys() & text)
    return sum(terms[term] for term in found) / sqrt(len(found) or 1)


Standings = Callable[[int], tuple[float, float, float]]


def _nothing(_number: int) -> tuple[float, float, float]:
    return (0.0, 0.0, 0.0)


def _standing(past: Sequence[VoteHistory], target: Floats) -> Standings:
    """Mean and best of a paper's authors, and its submitter, by all their papers but this one."""
    record = record_of(past)

    def standing(number: int) -> tuple[float, float, float]:
        paper, own = past[number].paper, float(target[number])
        authors = [_without(record.authors[name], own, AUTHOR_SHRINKAGE) for name in names_of(paper)]
        submitter = record.submitters.get(paper.submitter)
        sent_by = _without(submitter, own, SUBMITTER_SHRINKAGE) if submitter else 0.0
        return (fmean(authors or [0.0]), max(authors, default=0.0), sent_by)

    return standing


def _without(name: Name, own: float, shrinkage: int) -> float:
    return (name.above - own) / (name.papers - 1 + shrinkage)


def _features(past: Sequence[VoteHistory], told: Floats, standing: Standings) -> Floats:
    rows = [
        (
            log1p(len(each.paper.authors)),
            bool(each.paper.code_url),
            bool(each.paper.project_url),
            said,
            *standing(number),
        )
        for number, (each, said) in enumerate(zip(past, told, strict=True))
    ]
    return np.array(rows, float)


def _weights(features: Floats, target: Floats) -> tuple[Weights, Floats]:
    """The ridge weights, and what they promise for each paper: 0 on average."""
    centred = features - features.mean(axis=0)
    penalty = FEATURE_PENALTY * np.eye(features.shape[1])
    solved = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (target - target.mean()))
    names = ("authors", "code", "page", "text", "author_mean", "author_best", "submitter")
    weights = {name: round(float(value), 3) for name, value in zip(names, solved, strict=True)}
    return Weights(base=round(float(-(features.mean(axis=0) @ solved)), 3), **weights), centred @ solved
