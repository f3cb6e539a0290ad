"""What does a reader truly like? A hidden rule of topics, popularity, people and mood; no product sees it."""

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

WORD = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
DULL = frozenset(
    """a an and are as at be been between both but by can each for from has have however in into is it its
    may more most no not of on or our over propose show such than that the their them these they this to
    under using via was we were when where which while with without paper work results methods method
    approach existing based new novel state-of-the-art significantly also while across remains despite
    code experiments demonstrate demonstrates extensive address introduce present models model data
    framework performance tasks task through further achieves improves prior recent available""".split()  # noqa: SIM905  a page of words
)
EXAMPLES = 4  # papers of a topic that stand for what a reader means by it
UNLIKE = 0.35  # topics may share at most this part of their papers
DEPTH = 48  # directions of meaning

Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class Space:
    """Meaning as directions in which the words of many papers vary together (latent semantic analysis)."""

    def __init__(self, texts: Sequence[str]) -> None:
        shelf = [terms_of(text) for text in texts]
        counts = Counter(term for terms in shelf for term in terms)
        most = max(10, 0.2 * len(texts))
        told = sorted(term for term, count in counts.items() if 3 <= count <= most)
        self._place = {term: place for place, term in enumerate(told)}
        self._rarity = np.array([log2(len(texts) / counts[term]) for term in told])
        table = sparse.vstack([self._row(terms) for terms in shelf]).tocsr()
        depth = min(DEPTH, min(table.shape) - 1)
        _, _, self._directions = svds(table, k=depth, v0=np.ones(min(table.shape)))

    def sense(self, terms: frozenset[str]) -> Vector:
        """Where a paper of these terms lies, at length one."""
        return unit(np.asarray(self._row(terms) @ self._directions.T).ravel())

    def _row(self, terms: frozenset[str]) -> sparse.csr_array:
        places = np.array(sorted(self._place[term] for term in terms if term in self._place), np.int64)
        weights = self._rarity[places] / max(1e-9, float(np.linalg.norm(self._rarity[places])))
        return sparse.csr_array((weights, (np.zeros_like(places), places)), shape=(1, len(self._place)))


def unit(vector: Vector) -> Vector:
    """The same direction at length one."""
    return vector / max(1e-9, float(np.linalg.norm(vector)))


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """Something to be interested in: what people call it, and what this reader means by it."""

    name: str
    sense: Vector

    def strength(self, paper: Vector) -> float:
        """How much a paper is about it: -1 to 1."""
        return float(self.sense @ paper)


@dataclass(frozen=True, slots=True)
class Taste:
    """One reader's hidden rule."""

    topics: tuple[tuple[Topic, float], ...]  # with how much each is loved
    popularity: float  # what the crowd's verdict counts
    people: frozenset[str]  # whose papers are liked whatever they are about
    noise: float
    share: float  # of all papers that are liked

    def worth(self, paper: Vector, votes: float, authors: Iterable[str], mood: float) -> float:
        """How much a paper is to this reader's liking."""
        topical = max(love * topic.strength(paper) for topic, love in self.topics)
        known = 0.5 * bool(self.people.intersection(authors))
        return topical + self.popularity * log2(1 + votes) / 8 + known + self.noise * mood


def liked(
    taste: Taste,
    papers: Mapping[str, Vector],
    votes: Mapping[str, float],
    authors: Mapping[str, tuple[str, ...]],
    *,
    seed: int,
) -> frozenset[str]:
    """The papers this reader would like if they met them: decided beforehand, shown to nobody."""
    chance = random.Random(seed)
    worth = {
        number: taste.worth(sense, votes.get(number, 0.0), authors[number], chance.gauss())
        for number, sense in papers.items()
    }
    best = sorted(worth, key=lambda number: -worth[number])
    return frozenset(best[: max(1, round(taste.share * len(best)))])


def terms_of(text: str) -> frozenset[str]:
    """Words and pairs of words, without the dull ones."""
    words = WORD.findall(text.lower())
    pairs = (f"{a} {b}" for a, b in pairwise(words) if a not in DULL and b not in DULL)
    return frozenset([*(word for word in words if word not in DULL and len(word) > 2), *pairs])


def topics_in(texts: Sequence[str], subjects: Sequence[str], space: Space, *, number: int) -> list[Topic]:
    """So many of the subjects that papers are really about, no two of them about the same papers."""
    chance = random.Random(number)
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
            examples = chance.sample(sorted(about), min(EXAMPLES, len(about)))
            chosen.append(
                Topic(name, unit(np.sum([space.sense(shelf[place]) for place in examples], axis=0)))
            )
        if len(chosen) == number:
            break
    return chosen


def _is_of_use(count: int, size: int) -> bool:
    """Neither what everybody writes about nor what hardly anybody does."""
    return max(3, 0.003 * size) <= count <= max(0.04, 12 / size) * size
