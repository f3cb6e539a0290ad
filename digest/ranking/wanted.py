"""The probability that a reader wants a paper, from what they typed: a logistic model on an absolute scale.

    logit = intercept + c . nearness to the whole interest + max over its topics of (coefficients . features)

The features say how a paper speaks of a topic (in its title, a word weighed by what it tells, all words of a
phrase in one abstract, in the first sentences) and how near it is in meaning: by the
terms that are related to the topic, in standard deviations of usual papers, and by a sentence model if there
is one. Nothing depends on the other papers of the day.
`python -m bench.picks_model` fits the coefficients and cross-validates them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy import sparse

from digest.ranking.array_types import Bools, Floats
from digest.ranking.topic_matching import (
    FEATURES,
    MIN_PHRASE_TELL,
    TITLE,
    Coefficients,
    TopicMatch,
    TopicMatcher,
)
from digest.ranking.topics import ReaderTopics, TopicGroup

FEATURE_NAMES = (*FEATURES, "interest_meaning")
MIN_UNWANTED_MENTIONS = 2  # in an abstract, from which on it is about what the reader ruled out


@dataclass(frozen=True, slots=True)
class NamedTopic:
    """A topic that explains a paper."""

    name: str
    facet: str
    is_said: bool  # the paper holds all its words; else it is near in meaning


@dataclass(frozen=True, slots=True, eq=False)
class InterestEvidence:
    """The topics of one interest compared with the papers of the day."""

    facet: str
    names: tuple[str, ...]  # of the topics, as the reader wrote them
    matches: tuple[TopicMatch, ...]
    nearness: Floats  # of each paper to all topics together
    coefficients: Coefficients

    def compute_logits(self, index: int) -> list[float]:
        """Return the logit of each topic for the paper at *index*."""
        common = self.coefficients.interest * float(self.nearness[index]) + self.coefficients.intercept
        return [float(match.logit[index]) + common for match in self.matches]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one reader typed compared with the papers of the day."""

    interests: tuple[InterestEvidence, ...]
    is_unwanted: Bools | None  # papers about what the reader ruled out; None if that is nothing
    probability: Floats  # that the reader wants each paper; 0 for what they ruled out

    @property
    def features(self) -> Floats:
        """Features by topic, feature of `FEATURE_NAMES`, and paper."""
        return np.array(
            [
                [*match.features, interest.nearness]
                for interest in self.interests
                for match in interest.matches
            ],
            np.float32,
        )

    def describe(self, index: int) -> dict[str, dict[str, float]]:
        """Return the value of each of `FEATURE_NAMES` for the paper at *index*, by topic."""
        return {
            name: {
                feature: round(float(value), 4)
                for feature, value in zip(
                    FEATURE_NAMES, (*match.features[:, index], interest.nearness[index]), strict=True
                )
            }
            for interest in self.interests
            for name, match in zip(interest.names, interest.matches, strict=True)
        }

    def name_topics(self, index: int, threshold: float) -> list[NamedTopic]:
        """Return the topics for which alone a paper is wanted with this probability, the likeliest first."""
        least = np.log(threshold / (1 - threshold))
        found = [
            (logit, NamedTopic(name, interest.facet, is_said=match.is_said(index)))
            for interest in self.interests
            for logit, name, match in zip(
                interest.compute_logits(index), interest.names, interest.matches, strict=True
            )
            if logit >= least
        ]
        return [topic for _, topic in sorted(found, key=lambda pair: -pair[0])]


def collect_evidence(matcher: TopicMatcher, readers: Sequence[ReaderTopics]) -> Iterator[Evidence | None]:
    """Compare readers with the papers of the day, all at once; None for a reader without topics."""
    asked = ((*group.keywords, *group.phrases) for reader in readers for group in reader.groups)
    matches = matcher.match(chain(*asked, *(reader.unwanted for reader in readers)))
    interests = [
        (number, group.facet, _keep_telling(group, matches))
        for number, reader in enumerate(readers)
        for group in reader.groups
    ]
    nearness, best = _compare_interests(matcher, [names for _, _, names in interests], matches)
    probability = 1 / (1 + np.exp(-best))
    own: list[list[int]] = [[] for _ in readers]
    for row, (number, _, _) in enumerate(interests):
        own[number].append(row)
    for reader, rows in zip(readers, own, strict=True):
        if not rows:
            yield None
            continue
        wanted = probability[rows[0]] if len(rows) == 1 else probability[rows].max(axis=0)
        unwanted = _find_unwanted([matches[name] for name in reader.unwanted]) if reader.unwanted else None
        yield Evidence(
            interests=tuple(
                InterestEvidence(
                    facet,
                    names,
                    tuple(matches[name] for name in names),
                    nearness[row],
                    matcher.coefficients,
                )
                for row, (_, facet, names) in ((row, interests[row]) for row in rows)
            ),
            is_unwanted=unwanted,
            probability=wanted if unwanted is None else np.where(unwanted, np.float32(0), wanted),
        )


def _compare_interests(
    matcher: TopicMatcher, interests: Sequence[tuple[str, ...]], matches: Mapping[str, TopicMatch]
) -> tuple[Floats, Floats]:
    """Return the nearness of each paper (a column) to each interest (a row), and the best topic's logit."""
    rows = {name: row for row, name in enumerate(dict.fromkeys(chain(*interests)))}
    if not rows:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
    topics = np.array([rows[name] for names in interests for name in names], np.intp)
    sizes = np.array([len(names) for names in interests], np.intp)
    starts = np.cumsum(sizes) - sizes
    members = sparse.csr_array((np.ones(len(topics), np.float32), topics, np.append(starts, len(topics))))
    nearness = matcher.compute_nearness(members, [matches[name] for name in rows])
    logits = np.array([matches[name].logit for name in rows], np.float32)
    best = logits[topics[starts]]
    for place in range(1, int(sizes.max())):  # of the topics: all interests that have so many at once
        larger = np.flatnonzero(sizes > place)
        best[larger] = np.maximum(best[larger], logits[topics[starts[larger] + place]])
    best += np.float32(matcher.coefficients.interest) * nearness + np.float32(matcher.coefficients.intercept)
    return nearness, best


def _find_unwanted(matches: Sequence[TopicMatch]) -> Bools:
    mentions = np.maximum.reduce([match.mentions for match in matches])
    in_title = np.maximum.reduce([match.features[TITLE] for match in matches])
    return np.asarray((in_title > 0) | (mentions >= MIN_UNWANTED_MENTIONS), np.bool_)


def _keep_telling(group: TopicGroup, matches: Mapping[str, TopicMatch]) -> tuple[str, ...]:
    """Return the topics of a group without phrases that every thirtieth paper holds, if others are left.

    A keyword always counts: the reader typed it as one.
    """
    if not group.phrases:
        return group.keywords
    telling = tuple(name for name in group.phrases if matches[name].tell >= MIN_PHRASE_TELL)
    return (*group.keywords, *telling) or group.phrases
