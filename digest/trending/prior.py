"""How many votes does a paper promise before anybody has voted? By its authors, code and topic.

A ridge regression on the logarithm of final votes; its weights and words are in prior.json, with their
date. It says something only about papers without votes: from the third hour on the votes know better.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import exp, log1p, sqrt
from statistics import fmean, median

from digest.models import Paper

FARTHEST = 1.5  # beyond it the regression promises more than papers kept (measured)
AUTHOR_SHRINKAGE, SUBMITTER_SHRINKAGE = 3, 5
_WORD = re.compile(r"[a-z][a-z0-9\-]+")


@dataclass(frozen=True, slots=True)
class Weights:
    """What each feature adds to the logarithm of the promised votes."""

    base: float
    authors: float  # per log1p of their number
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
class Name:
    """How the earlier papers of one author or submitter did: number, votes, and log above their day's."""

    papers: int
    votes: float  # mean
    above: float  # sum of log1p(votes) above the median of the day

    def standing(self, shrinkage: float) -> float:
        """The mean above the day's median, drawn towards 0 for people we hardly know."""
        return self.above / (self.papers + shrinkage)


@dataclass(frozen=True, slots=True)
class PriorRecord:
    """What we remember of authors and submitters, by lower-case name; may be empty."""

    authors: Mapping[str, Name] = field(default_factory=dict)
    submitters: Mapping[str, Name] = field(default_factory=dict)

    def votes_of(self, paper: Paper) -> float | None:
        """What the earlier papers of its best-known author drew, None for unknown people."""
        known = [self.authors[name] for name in names_of(paper) if name in self.authors]
        return max((name.votes for name in known), default=None)


NOBODY = PriorRecord()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The regression: plain weights, weights where the authors' record is known, and words."""

    as_of: date
    plain: Weights
    known: Weights
    lowest_quartile: float  # one listed paper in four promises less
    terms: Mapping[str, float]

    def promise(self, paper: Paper, record: PriorRecord = NOBODY) -> float:
        """The logarithm of the votes it promises, relative to the mean: 0 = the mean, 0.7 = twice it."""
        weights = self.known if record.authors else self.plain
        told = (
            weights.base
            + weights.authors * log1p(len(paper.authors))
            + weights.code * bool(paper.code_url)
            + weights.page * bool(paper.project_url)
            + weights.text * self._text(f"{paper.title} {paper.abstract}")
            + _known(paper, record, weights)
        )
        return max(-FARTHEST, min(FARTHEST, told))

    def _text(self, text: str) -> float:
        found = self.terms.keys() & terms_of(text)
        return sum(sorted(self.terms[term] for term in found)) / sqrt(len(found) or 1)


def terms_of(text: str) -> set[str]:
    """The words of a text, alone and in pairs."""
    words = _WORD.findall(text.lower())
    return {*words, *(f"{first} {second}" for first, second in pairwise(words))}


def record_of(past: Sequence[VoteHistory]) -> PriorRecord:
    """What the earlier papers of each author and submitter drew, each measured against its own day."""
    authors: dict[str, list[tuple[float, float]]] = defaultdict(list)
    submitters: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for each, above in zip(past, above_the_day(past), strict=True):
        for name in names_of(each.paper):
            authors[name].append((each.votes, above))
        if each.paper.submitter:
            submitters[each.paper.submitter].append((each.votes, above))
    return PriorRecord(_summed(authors), _summed(submitters))


def above_the_day(past: Sequence[VoteHistory]) -> list[float]:
    """The logarithm of each paper's votes above the median of its listing day."""
    days: dict[date | None, list[float]] = defaultdict(list)
    for each in past:
        days[each.paper.listed].append(log1p(each.votes))
    usual = {day: median(votes) for day, votes in days.items()}
    return [log1p(each.votes) - usual[each.paper.listed] for each in past]


@cache
def shipped() -> Prior:
    """The regression as it was fitted before the release."""
    told = json.loads(files("digest.trending").joinpath("prior.json").read_text("utf-8"))
    return Prior(
        as_of=date.fromisoformat(told["as_of"]),
        plain=Weights(**told["plain"]),
        known=Weights(**told["known"]),
        lowest_quartile=told["lowest_quartile"],
        terms=told["terms"],
    )


def promised(mean: float, promise: float) -> float:
    """The promised votes, where a paper gets `mean` of them on average."""
    return mean * exp(promise)


def _known(paper: Paper, record: PriorRecord, weights: Weights) -> float:
    standings = [
        record.authors[name].standing(AUTHOR_SHRINKAGE) if name in record.authors else 0.0
        for name in names_of(paper)
    ]
    submitter = record.submitters.get(paper.submitter)
    return (
        weights.author_mean * fmean(standings or [0.0])
        + weights.author_best * max(standings, default=0.0)
        + weights.submitter * (submitter.standing(SUBMITTER_SHRINKAGE) if submitter else 0.0)
    )


def names_of(paper: Paper) -> tuple[str, ...]:
    """The authors as the record knows them."""
    return tuple(name.lower() for name in paper.authors)


def _summed(results: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Name]:
    return {
        name: Name(len(each), fmean(votes for votes, _ in each), sum(sorted(above for _, above in each)))
        for name, each in results.items()
    }
