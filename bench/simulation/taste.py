"""What does a reader truly like? A hidden rule of topics, popularity, people and mood; no product sees it."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
DULL = frozenset(
    """a an and are as at be been between both but by can each for from has have however in into is it its
    may more most no not of on or our over propose show such than that the their them these they this to
    under using via was we were when where which while with without paper work results methods method
    approach existing based new novel state-of-the-art significantly also while across remains despite
    code experiments demonstrate demonstrates extensive address introduce present models model data
    framework performance tasks task through further achieves improves prior recent available""".split()  # noqa: SIM905  a page of words
)
RELATED = 12  # terms of a topic beside the one that names it
UNLIKE = 0.35  # topics may share at most this part of their papers
EXACT = 0.5  # what the very name of a topic counts beside all its terms


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to be interested in: its name and the words that go with it, with their weights."""

    name: str
    terms: Mapping[str, float]

    def strength(self, terms: frozenset[str]) -> float:
        """How much a paper of these terms is about it: 0 not at all, 1.5 entirely."""
        met = sum(weight for term, weight in self.terms.items() if term in terms)
        return met / sum(self.terms.values()) + EXACT * (self.name in terms)


@dataclass(frozen=True, slots=True)
class Taste:
    """One reader's hidden rule."""

    topics: tuple[tuple[Topic, float], ...]  # with how much each is loved
    popularity: float  # what the crowd's verdict counts
    people: frozenset[str]  # whose papers are liked whatever they are about
    noise: float
    share: float  # of all papers that are liked

    def worth(self, terms: frozenset[str], votes: float, authors: Iterable[str], mood: float) -> float:
        """How much a paper is to this reader's liking."""
        topical = max(love * topic.strength(terms) for topic, love in self.topics)
        known = 0.5 * bool(self.people.intersection(authors))
        return topical + self.popularity * log2(1 + votes) / 8 + known + self.noise * mood


def liked(
    taste: Taste,
    papers: Mapping[str, frozenset[str]],
    votes: Mapping[str, float],
    authors: Mapping[str, tuple[str, ...]],
    *,
    seed: int,
) -> frozenset[str]:
    """The papers this reader would like if they met them: decided beforehand, shown to nobody."""
    chance = random.Random(seed)
    worth = {
        number: taste.worth(terms, votes.get(number, 0.0), authors[number], chance.gauss())
        for number, terms in papers.items()
    }
    best = sorted(worth, key=lambda number: -worth[number])
    return frozenset(best[: max(1, round(taste.share * len(best)))])


def terms_of(text: str) -> frozenset[str]:
    """Words and pairs of words, without the dull ones."""
    words = WORD.findall(text.lower())
    pairs = (f"{a} {b}" for a, b in pairwise(words) if a not in DULL and b not in DULL)
    return frozenset([*(word for word in words if word not in DULL and len(word) > 2), *pairs])


def topics_in(texts: Sequence[str], subjects: Sequence[str], *, number: int) -> list[Topic]:
    """So many of the subjects that papers are really about, no two of them about the same papers."""
    shelf = [terms_of(text) for text in texts]
    counts = Counter(term for terms in shelf for term in terms)
    chosen: list[Topic] = []
    taken: list[frozenset[int]] = []
    for name in subjects:
        if not _is_of_use(counts[name], len(texts)):
            continue
        about = frozenset(place for place, terms in enumerate(shelf) if name in terms)
        if all(len(about & other) <= UNLIKE * min(len(about), len(other)) for other in taken):
            taken.append(about)
            chosen.append(_topic(name, [shelf[place] for place in about], counts, len(texts)))
        if len(chosen) == number:
            break
    return chosen


def _is_of_use(count: int, size: int) -> bool:
    """Neither what everybody writes about nor what hardly anybody does."""
    return max(3, 0.003 * size) <= count <= max(0.04, 12 / size) * size


def _topic(name: str, about: Sequence[frozenset[str]], counts: Counter[str], size: int) -> Topic:
    """The name with the terms that stand out among its papers."""
    inside = Counter(term for terms in about for term in terms)
    lift: Callable[[str], float] = lambda term: log2(inside[term] / len(about) * size / counts[term])  # noqa: E731  one formula
    common = [term for term, count in inside.items() if count >= max(2, 0.08 * len(about)) and term != name]
    best = sorted(common, key=lambda term: (-lift(term) * inside[term] ** 0.5, term))[:RELATED]
    return Topic(name, {name: 4.0, **{term: max(0.1, lift(term)) for term in best}})
