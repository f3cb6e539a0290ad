"""Hidden interests of a reader: topics, popularity, authors and noise, which the product never sees."""

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
STOP_WORDS = frozenset(
    """a an and are as at be been between both but by can each for from has have however in into is it its
    may more most no not of on or our over propose show such than that the their them these they this to
    under using via was we were when where which while with without paper work results methods method
    approach existing based new novel state-of-the-art significantly also while across remains despite
    code experiments demonstrate demonstrates extensive address introduce present models model data
    framework performance tasks task through further achieves improves prior recent available""".split()  # noqa: SIM905  more readable than a list
)
EXAMPLES = 4  # sample papers that define a topic for a reader
MAX_OVERLAP = 0.35  # largest share of papers that two topics may have in common
DIMENSIONS = 48  # dimensions of the topic space

Vector = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


class TopicSpace:
    """Topic space in which the words of many papers vary together (latent semantic analysis)."""

    def __init__(self, texts: Sequence[str]) -> None:
        documents = [extract_terms(text) for text in texts]
        counts = Counter(term for terms in documents for term in terms)
        max_count = max(10, 0.2 * len(texts))
        vocabulary = sorted(term for term, count in counts.items() if 3 <= count <= max_count)
        self._column_of = {term: index for index, term in enumerate(vocabulary)}
        self._idf = np.array([log2(len(texts) / counts[term]) for term in vocabulary])
        matrix = sparse.vstack([self._row(terms) for terms in documents]).tocsr()
        depth = min(DIMENSIONS, min(matrix.shape) - 1)
        _, _, self._directions = svds(matrix, k=depth, v0=np.ones(min(matrix.shape)))

    def sense(self, terms: frozenset[str]) -> Vector:
        """Return the unit vector of a paper with these terms."""
        return normalize(np.asarray(self._row(terms) @ self._directions.T).ravel())

    def _row(self, terms: frozenset[str]) -> sparse.csr_array:
        columns = np.array(
            sorted(self._column_of[term] for term in terms if term in self._column_of), np.int64
        )
        weights = self._idf[columns] / max(1e-9, float(np.linalg.norm(self._idf[columns])))
        return sparse.csr_array((weights, (np.zeros_like(columns), columns)), shape=(1, len(self._column_of)))


def normalize(vector: Vector) -> Vector:
    """Return the vector at length one."""
    return vector / max(1e-9, float(np.linalg.norm(vector)))


@dataclass(frozen=True, slots=True, eq=False)
class Topic:
    """A topic: its name, and its direction in the topic space for this reader."""

    name: str
    sense: Vector

    def similarity(self, paper: Vector) -> float:
        """Return how much a paper is about it, from -1 to 1."""
        return float(self.sense @ paper)


@dataclass(frozen=True, slots=True)
class InterestModel:
    """One reader's hidden rule."""

    topics: tuple[tuple[Topic, float], ...]  # each with its weight
    popularity: float  # weight of the votes
    authors_liked: frozenset[str]  # authors whose papers are liked whatever the topic
    noise: float
    share: float  # of all papers that are liked

    def score(self, paper: Vector, votes: float, authors: Iterable[str], deviation: float) -> float:
        """Return how much this reader would like a paper."""
        topical = max(weight * topic.similarity(paper) for topic, weight in self.topics)
        author_bonus = 0.5 * bool(self.authors_liked.intersection(authors))
        return topical + self.popularity * log2(1 + votes) / 8 + author_bonus + self.noise * deviation


def choose_liked(
    model: InterestModel,
    papers: Mapping[str, Vector],
    votes: Mapping[str, float],
    authors: Mapping[str, tuple[str, ...]],
    *,
    seed: int,
) -> frozenset[str]:
    """Return the papers this reader would like: decided beforehand, and never shown to the product."""
    rng = random.Random(seed)
    scores = {
        number: model.score(sense, votes.get(number, 0.0), authors[number], rng.gauss())
        for number, sense in papers.items()
    }
    ranked = sorted(scores, key=lambda number: -scores[number])
    return frozenset(ranked[: max(1, round(model.share * len(ranked)))])


def extract_terms(text: str) -> frozenset[str]:
    """Return words and pairs of words, without stop words."""
    words = WORD.findall(text.lower())
    pairs = (f"{a} {b}" for a, b in pairwise(words) if a not in STOP_WORDS and b not in STOP_WORDS)
    return frozenset([*(word for word in words if word not in STOP_WORDS and len(word) > 2), *pairs])


def find_topics(
    texts: Sequence[str], subjects: Sequence[str], space: TopicSpace, *, number: int
) -> list[Topic]:
    """Return up to *number* subjects that papers are really about, no two of them about the same papers."""
    rng = random.Random(number)
    documents = [extract_terms(text) for text in texts]
    counts = Counter(term for terms in documents for term in terms)
    chosen: list[Topic] = []
    chosen_papers: list[frozenset[int]] = []
    for name in subjects:
        if not _is_usable(counts[name], len(texts)):
            continue
        papers = frozenset(index for index, terms in enumerate(documents) if name in terms)
        if all(len(papers & other) <= MAX_OVERLAP * min(len(papers), len(other)) for other in chosen_papers):
            chosen_papers.append(papers)
            examples = rng.sample(sorted(papers), min(EXAMPLES, len(papers)))
            chosen.append(
                Topic(name, normalize(np.sum([space.sense(documents[index]) for index in examples], axis=0)))
            )
        if len(chosen) == number:
            break
    return chosen


def _is_usable(count: int, size: int) -> bool:
    """Return True if a term is neither too common nor too rare for a topic."""
    return max(3, 0.003 * size) <= count <= max(0.04, 12 / size) * size
