"""Fitting of the prior to the papers of this installation, by ridge regression."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from math import log1p, sqrt
from statistics import fmean

import numpy as np

from digest.trending.prior import (
    AUTHOR_SHRINKAGE,
    SUBMITTER_SHRINKAGE,
    Prior,
    TrackRecord,
    VoteHistory,
    Weights,
    build_prior_record,
    compute_day_residuals,
    extract_terms,
    get_author_names,
    weigh_terms,
)

MIN_PAPERS = 1000  # below it the shipped prior stays in use
MAX_CANDIDATE_TERMS = 4000  # the commonest terms are tried
MAX_TERMS = 300  # those with the greatest effect are kept
MIN_TERM_PAPERS = 15  # that contain a term
MAX_TERM_SHARE = 0.5  # of all papers that contain a term
TERM_PENALTY, FEATURE_PENALTY = 30.0, 5.0
TOLERANCE = 1e-6  # of the gradient, relative to that at the beginning

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
Terms = Mapping[str, float]
PeopleMeans = tuple[float, float, float]  # mean and best of the authors, submitter


def fit_prior(past: Sequence[VoteHistory], as_of: date) -> Prior | None:
    """Fit the regression to papers with known final votes; None if there are fewer than a thousand."""
    if len(past) < MIN_PAPERS:
        return None
    target = np.array(compute_day_residuals(past))
    texts = [extract_terms(f"{history.paper.title} {history.paper.abstract}") for history in past]
    text_scores = _cross_fit_text_scores(texts, target)
    no_means: list[PeopleMeans] = [(0.0, 0.0, 0.0)] * len(past)
    plain, predictions = _fit_weights(_build_features(past, text_scores, no_means), target)
    means = _compute_people_means(past, target)
    known, _ = _fit_weights(_build_features(past, text_scores, means), target)
    return Prior(
        as_of=as_of,
        plain=plain,
        known=known,
        lowest_quartile=float(np.quantile(predictions, 0.25)),
        terms=_fit_terms(texts, target),
    )


def _cross_fit_text_scores(texts: Sequence[set[str]], target: Floats) -> Floats:
    """Return each paper's text score by terms fitted to the other half; else terms would be overrated."""
    odd = np.arange(len(texts)) % 2 == 1
    scores = np.zeros(len(texts))
    for half in (odd, ~odd):
        terms = _fit_terms([text for text, is_in in zip(texts, half, strict=True) if is_in], target[half])
        scores[~half] = [
            weigh_terms(terms, text) for text, is_in in zip(texts, half, strict=True) if not is_in
        ]
    return scores


def _fit_terms(texts: Sequence[set[str]], target: Floats) -> Terms:
    """Return the terms with the greatest effect and their weights."""
    counts = Counter(term for text in texts for term in sorted(text))
    max_papers = MAX_TERM_SHARE * len(texts)
    common = [term for term, number in counts.most_common() if MIN_TERM_PAPERS <= number < max_papers]
    common = common[:MAX_CANDIDATE_TERMS]
    weights = _ridge(texts, target, common)
    common.sort(key=lambda term: (-abs(weights[term]) * sqrt(counts[term]), term))
    kept = _ridge(texts, target, common[:MAX_TERMS])
    return {term: round(kept[term], 2) for term in sorted(kept)}


def _ridge(texts: Sequence[set[str]], target: Floats, terms: Sequence[str]) -> dict[str, float]:
    """Return the ridge weights by conjugate gradients: the matrix is only multiplied, never stored.

    CGLS of Björck, "Numerical Methods for Least Squares Problems" (1996, SIAM), section 7.4, with damping.
    """
    columns = {term: number for number, term in enumerate(terms)}
    rows = [sorted(columns[term] for term in text if term in columns) for text in texts]
    ends = np.cumsum([0, *map(len, rows)])
    values = np.concatenate([np.full(len(row), 1 / sqrt(len(row) or 1)) for row in rows])
    owners, entries = np.repeat(np.arange(len(rows)), np.diff(ends)), np.concatenate(rows).astype(int)

    def multiply(weights: Floats) -> Floats:
        return np.asarray(np.bincount(owners, values * weights[entries], len(texts)), float)

    def multiply_transposed(errors: Floats) -> Floats:
        return np.asarray(np.bincount(entries, values * errors[owners], len(terms)), float)

    errors = target - target.mean()
    gradient = multiply_transposed(errors)
    weights, direction = np.zeros_like(gradient), gradient
    square = first = gradient @ gradient
    while square > TOLERANCE**2 * first:
        mapped = multiply(direction)
        step = square / (mapped @ mapped + TERM_PENALTY * (direction @ direction))
        weights, errors = weights + step * direction, errors - step * mapped
        gradient = multiply_transposed(errors) - TERM_PENALTY * weights
        previous, square = square, gradient @ gradient
        direction = gradient + square / previous * direction
    return dict(zip(terms, map(float, weights), strict=True))


def _compute_people_means(past: Sequence[VoteHistory], target: Floats) -> list[PeopleMeans]:
    """Return the mean and best of each paper's authors, and its submitter, by their other papers."""
    record = build_prior_record(past)
    means = []
    for history, own in zip(past, map(float, target), strict=True):
        authors = [
            _mean_without(record.authors[name], own, AUTHOR_SHRINKAGE)
            for name in get_author_names(history.paper)
        ]
        submitter = record.submitters.get(history.paper.submitter)
        submitter_mean = _mean_without(submitter, own, SUBMITTER_SHRINKAGE) if submitter else 0.0
        means.append((fmean(authors or [0.0]), max(authors, default=0.0), submitter_mean))
    return means


def _mean_without(record: TrackRecord, own: float, shrinkage: int) -> float:
    return (record.above - own) / (record.papers - 1 + shrinkage)


def _build_features(past: Sequence[VoteHistory], text_scores: Floats, means: Sequence[PeopleMeans]) -> Floats:
    rows = [
        (
            log1p(len(history.paper.authors)),
            bool(history.paper.code_url),
            bool(history.paper.project_url),
            text_score,
            *people,
        )
        for history, text_score, people in zip(past, text_scores, means, strict=True)
    ]
    return np.array(rows, float)


def _fit_weights(features: Floats, target: Floats) -> tuple[Weights, Floats]:
    """Return the ridge weights and the prediction for each paper, 0 on average."""
    centred = features - features.mean(axis=0)
    penalty = FEATURE_PENALTY * np.eye(features.shape[1])
    solved = np.linalg.solve(centred.T @ centred + penalty, centred.T @ (target - target.mean()))
    names = ("authors", "code", "page", "text", "author_mean", "author_best", "submitter")
    weights = {name: round(float(value), 3) for name, value in zip(names, solved, strict=True)}
    return Weights(base=round(float(-(features.mean(axis=0) @ solved)), 3), **weights), centred @ solved
