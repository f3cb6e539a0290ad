"""The probability that a reader wants a paper, from what they typed: a logistic model on an absolute scale.

    logit = intercept + c . nearness to the whole interest + max over its topics of (coefficients . features)

The features say how a paper speaks of a topic (in its title, a word weighed by what it tells, all words of a
phrase in one abstract, in the first sentences) and how near it is in meaning: by the
terms that are related to the topic, in standard deviations of usual papers, and by a sentence model if there
is one. Nothing depends on the other papers of the day.
`python -m bench.picks_model` fits the coefficients and cross-validates them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from digest.ranking.array_types import Bools, Floats, Indices
from digest.ranking.sparse_rows import SparseRows
from digest.ranking.topic_matching import (
    FEATURES,
    MIN_PHRASE_TELL,
    TopicMatch,
    TopicMatcher,
    limit_meaning,
)
from digest.ranking.topics import ReaderTopics, TopicGroup

FEATURE_NAMES = (*FEATURES, "interest_meaning")


class NamedTopic(NamedTuple):
    """A topic that explains a paper."""

    name: str
    facet: str
    is_said: bool  # the paper holds all its words; else it is near in meaning


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one reader typed compared with the papers of the day, feature by feature."""

    features: Floats  # by topic, feature of `FEATURE_NAMES`, and paper
    names: tuple[str, ...]  # of the topics, as the reader wrote them
    is_unwanted: Bools | None  # papers about what the reader ruled out; None if that is nothing

    def describe(self, index: int) -> dict[str, dict[str, float]]:
        """Return the value of each of `FEATURE_NAMES` for the paper at *index*, by topic."""
        return {
            name: {
                feature: round(float(value), 4)
                for feature, value in zip(FEATURE_NAMES, features[:, index], strict=True)
            }
            for name, features in zip(self.names, self.features, strict=True)
        }


class TopicEvidence:
    """What a chunk of readers typed compared with the papers of the day.

    Attributes:
        is_judged: Which of the readers typed a topic.
        probability: That each reader (a row) wants each paper; 0 for what they ruled out.
        is_unwanted: The papers about what a reader (by number) ruled out, where that is something.

    """

    def __init__(self, matcher: TopicMatcher, readers: Sequence[ReaderTopics]) -> None:
        asked = ((*group.keywords, *group.phrases) for reader in readers for group in reader.groups)
        matches = matcher.match(chain(*asked, *(reader.unwanted for reader in readers)))
        groups = [group for reader in readers for group in reader.groups]
        names = [_keep_telling(group, matches) for group in groups]
        rows = {name: row for row, name in enumerate(dict.fromkeys(chain(*names)))}
        self._matches = [matches[name] for name in rows]
        self._names = [*chain(*names)]
        self._facets = [group.facet for group, own in zip(groups, names, strict=True) for _ in own]
        self._topics = np.array([rows[name] for name in self._names], np.intp)
        sizes = np.array([*map(len, names)], np.intp)
        self._interests = np.repeat(np.arange(len(sizes)), sizes)
        self._matcher, self._coefficients = matcher, matcher.coefficients
        self._logits = np.array([match.logit for match in self._matches], np.float32)
        self._said = np.array([match.is_said for match in self._matches], np.bool_)
        self._nearness, best = self._compare_interests(matcher, sizes)
        counts = np.array([len(reader.groups) for reader in readers], np.intp)
        first = np.cumsum(counts) - counts
        self._starts = np.append(0, np.cumsum(sizes))[np.append(first, len(sizes))]
        self.is_judged = counts > 0
        self.is_unwanted = {
            row: np.logical_or.reduce([matches[name].is_about for name in reader.unwanted])
            for row, reader in enumerate(readers)
            if reader.groups and reader.unwanted
        }
        self.probability = np.zeros((len(readers), best.shape[1]), np.float32)
        probability = 1 / (1 + np.exp(-best))
        if self.is_judged.any():
            self.probability[self.is_judged] = np.maximum.reduceat(probability, first[self.is_judged], axis=0)
        for row, is_unwanted in self.is_unwanted.items():
            self.probability[row, is_unwanted] = 0

    def find_topics(self, rows: Indices, indices: Indices, threshold: float) -> list[tuple[int, ...] | None]:
        """Return the topics for which alone each reader wants each paper with this probability.

        They are numbers for `name_topic`, the likeliest first; None for a reader who typed nothing.
        """
        sizes = self._starts[rows + 1] - self._starts[rows]
        owners = np.repeat(np.arange(len(rows)), sizes)
        places = np.arange(len(owners)) + np.repeat(self._starts[rows] - (np.cumsum(sizes) - sizes), sizes)
        papers = indices[owners]
        nearness = self._nearness[self._interests[places], papers].astype(np.float64)
        logits = self._logits[self._topics[places], papers] + (
            self._coefficients.interest * nearness + self._coefficients.intercept
        )
        wanted = np.flatnonzero(logits >= np.log(threshold / (1 - threshold)))
        wanted = wanted[np.lexsort((-logits[wanted], owners[wanted]))]
        said = self._said[self._topics[places[wanted]], papers[wanted]]
        numbers = (2 * places[wanted] + said).tolist()
        ends = np.searchsorted(owners[wanted], np.arange(len(rows) + 1)).tolist()
        return [
            tuple(numbers[start:end]) if judged else None
            for (start, end), judged in zip(pairwise(ends), self.is_judged[rows].tolist(), strict=True)
        ]

    def name_topic(self, number: int) -> NamedTopic:
        """Return a topic that `find_topics` found."""
        place, is_said = divmod(number, 2)
        return NamedTopic(self._names[place], self._facets[place], bool(is_said))

    def get_reader(self, row: int) -> Evidence | None:
        """Return the features of one reader; None if they typed nothing."""
        if not self.is_judged[row]:
            return None
        places = range(self._starts[row], self._starts[row + 1])
        names = tuple(self._names[place] for place in places)
        nearness = self._nearness[self._interests[places]]
        features = [
            [*own, near] for own, near in zip(self._matcher.compute_features(names), nearness, strict=True)
        ]
        return Evidence(np.array(features, np.float32), names, self.is_unwanted.get(row))

    def _compare_interests(self, matcher: TopicMatcher, sizes: Indices) -> tuple[Floats, Floats]:
        """Return the nearness of each paper (column) to each interest (row), and the best topic's logit."""
        starts = np.cumsum(sizes) - sizes
        ends, ones = np.append(starts, len(self._topics)), np.ones(len(self._topics), np.float32)
        members = SparseRows(ones, self._topics.astype(np.int32), ends, len(self._matches))
        by_topic = np.array([match.related for match in self._matches], np.float32)
        best, related = self._logits[self._topics[starts]], by_topic[self._topics[starts]]
        for place in range(1, int(sizes.max())):  # of the topics: all interests that have so many at once
            larger = np.flatnonzero(sizes > place)
            topics = self._topics[starts[larger] + place]
            best[larger] = np.maximum(best[larger], self._logits[topics])
            related[larger] = np.maximum(related[larger], by_topic[topics])
        nearness = limit_meaning(matcher.compute_nearness(members, self._matches), related)
        best += np.float32(self._coefficients.interest) * nearness + np.float32(self._coefficients.intercept)
        return nearness, best


def _keep_telling(group: TopicGroup, matches: Mapping[str, TopicMatch]) -> tuple[str, ...]:
    """Return the topics of a group without phrases that every thirtieth paper holds, if others are left.

    A keyword always counts: the reader typed it as one.
    """
    if not group.phrases:
        return group.keywords
    telling = tuple(name for name in group.phrases if matches[name].tell >= MIN_PHRASE_TELL)
    return (*group.keywords, *telling) or group.phrases
