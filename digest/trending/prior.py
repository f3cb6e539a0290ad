"""The prior: a prediction of a paper's votes from its authors, code and topic, before anybody has voted.

A ridge regression on the logarithm of final votes; its weights and terms are in prior.json, with their
date. It is used for papers without votes: from the third hour on the votes predict better.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import exp, log1p, sqrt
from statistics import fmean, median

from pydantic import TypeAdapter

from digest.models import Paper

MAX_PREDICTION = 1.5  # log ratio; beyond it the regression predicts more than papers get (measured)
AUTHOR_SHRINKAGE, SUBMITTER_SHRINKAGE = 3, 5
_WORD = re.compile(r"[a-z][a-z0-9\-]+")


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature adds to the logarithm of the predicted votes."""

    base: float
    authors: float  # times log1p of their number
    code: float
    page: float
    text: float
    author_mean: float = 0.0
    author_best: float = 0.0
    submitter: float = 0.0


@dataclass(frozen=True, slots=True)
class VoteHistory:
    """A paper of earlier days and the votes it ended with."""

    paper: Paper
    votes: float


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """The earlier papers of one author or submitter."""

    papers: int
    votes: float  # mean per paper
    above: float  # sum of log1p(votes) above the median of the day

    def shrunken_mean(self, shrinkage: float) -> float:
        """Return the mean of `above`, shrunk towards 0 for people with few papers."""
        return self.above / (self.papers + shrinkage)


@dataclass(frozen=True, slots=True)
class PriorRecord:
    """Track records of authors and submitters by name, authors in lower case; may be empty."""

    authors: Mapping[str, TrackRecord] = field(default_factory=dict)
    submitters: Mapping[str, TrackRecord] = field(default_factory=dict)

    def get_author_votes(self, paper: Paper) -> float | None:
        """Return the mean votes of its best-known author's earlier papers, None if no author is known."""
        names = get_author_names(paper)
        return max((self.authors[name].votes for name in names if name in self.authors), default=None)


EMPTY_RECORD = PriorRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The regression: weights without and with the authors' track records, and weights of terms."""

    as_of: date
    plain: Weights
    known: Weights
    lowest_quartile: float  # the prediction that one listed paper in four is below
    terms: Mapping[str, float]

    def weigh_text(self, paper: Paper) -> float:
        """Return what the words of title and abstract say, for `predict`."""
        return weigh_terms(self.terms, extract_terms(f"{paper.title} {paper.abstract}"))

    def predict(
        self, paper: Paper, record: PriorRecord = EMPTY_RECORD, *, text: float | None = None
    ) -> float:
        """Return the logarithm of predicted votes / mean votes: 0 = the mean, 0.7 = twice the mean.

        *text* is what `weigh_text` returned for this paper before.
        """
        weights = self.known if record.authors else self.plain
        prediction = (
            weights.base
            + weights.authors * log1p(len(paper.authors))
            + weights.code * bool(paper.code_url)
            + weights.page * bool(paper.project_url)
            + weights.text * (self.weigh_text(paper) if text is None else text)
            + _predict_from_record(paper, record, weights)
        )
        return max(-MAX_PREDICTION, min(MAX_PREDICTION, prediction))


class TextWeights:
    """Keeps what the texts of papers say: from one run to the next few change, and most papers have no votes.

    A paper counts as unchanged if it is the same object.
    """

    def __init__(self) -> None:
        self._terms: Mapping[str, float] = {}
        self._weighed: dict[str, tuple[Paper, float]] = {}  # by paper id

    def weigh(self, papers: Iterable[Paper], prior: Prior) -> list[float]:
        """Return `Prior.weigh_text` of each of these papers; what is known of others is forgotten."""
        known = self._weighed if self._terms == prior.terms else {}
        weighed = [
            kept if (kept := known.get(paper.id)) and kept[0] is paper else (paper, prior.weigh_text(paper))
            for paper in papers
        ]
        self._terms, self._weighed = prior.terms, {paper.id: (paper, weight) for paper, weight in weighed}
        return [weight for _, weight in weighed]


def extract_terms(text: str) -> set[str]:
    """Return the words of a text and its pairs of words, in lower case."""
    words = _WORD.findall(text.lower())
    return {*words, *(f"{first} {second}" for first, second in pairwise(words))}


def weigh_terms(terms: Mapping[str, float], text: set[str]) -> float:
    """Return the sum of the weights of the terms in a text, divided by the root of their number."""
    known = terms.keys() & text
    return sum(sorted(terms[term] for term in known)) / sqrt(len(known) or 1)


def get_author_names(paper: Paper) -> tuple[str, ...]:
    """Return the names under which track records of its authors are kept."""
    return tuple(map(str.lower, paper.authors))


def build_prior_record(past: Sequence[VoteHistory]) -> PriorRecord:
    """Return the track records of all authors and submitters, each paper compared with its listing day."""
    authors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    submitters: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for history, above in zip(past, compute_day_residuals(past), strict=True):
        for name in get_author_names(history.paper):
            authors[name].append((history.votes, above))
        if history.paper.submitter:
            submitters[history.paper.submitter].append((history.votes, above))
    return PriorRecord(_build_track_records(authors), _build_track_records(submitters))


def compute_day_residuals(past: Sequence[VoteHistory]) -> list[float]:
    """Return log1p(votes) of each paper minus the median of its listing day."""
    days: dict[date | None, list[float]] = defaultdict(list)
    for history in past:
        days[history.paper.listed].append(log1p(history.votes))
    medians = {day: median(votes) for day, votes in days.items()}
    return [log1p(history.votes) - medians[history.paper.listed] for history in past]


@cache
def load_shipped_prior() -> Prior:
    """Return the regression that was fitted before the release."""
    shipped = files("digest.trending").joinpath("prior.json").read_bytes()
    return TypeAdapter(Prior).validate_json(shipped)


def to_final_votes(mean: float, prediction: float) -> float:
    """Return the predicted votes on a source where a paper gets *mean* votes on average."""
    return mean * exp(prediction)


def _predict_from_record(paper: Paper, record: PriorRecord, weights: Weights) -> float:
    means = [
        record.authors[name].shrunken_mean(AUTHOR_SHRINKAGE) if name in record.authors else 0.0
        for name in get_author_names(paper)
    ]
    submitter = record.submitters.get(paper.submitter)
    return (
        weights.author_mean * fmean(means or [0.0])
        + weights.author_best * max(means, default=0.0)
        + weights.submitter * (submitter.shrunken_mean(SUBMITTER_SHRINKAGE) if submitter else 0.0)
    )


def _build_track_records(results: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, TrackRecord]:
    return {
        name: TrackRecord(
            len(papers), fmean(votes for votes, _ in papers), sum(sorted(above for _, above in papers))
        )
        for name, papers in results.items()
    }
