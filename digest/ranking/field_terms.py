"""What is usual in the field: figures about its terms that are shipped with the program.

`field_terms.npz` beside this module says how many of 21,000 abstracts use each term, what acronyms stand for,
which terms are related to each, and where terms lie in a space of latent topics (LSA). So a keyword is
compared with a paper on a scale that does not depend on the other papers of the day, on the first day too.
`python -m bench.field_terms` makes it.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from digest.ranking.acronyms import Acronyms, learn_acronyms
from digest.ranking.array_types import Floats, Indices
from digest.ranking.embeddings import normalize_rows
from digest.ranking.sparse_rows import Columns, SparseRows
from digest.ranking.word_forms import fold_sentences, remove_stopwords

MAX_EARLIER = 1_000  # earlier papers of this installation that are compared: more change nothing
REFERENCE_SIZE = 500.0  # earlier papers from which on those of this installation count more than the shipped
SATURATION = 1.2  # as BM25's k1: the third mention of a term adds less than the first
MAX_TELL = 8.0  # a word in fewer than one of 3,000 texts tells no more


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FieldTerms:
    """How common the terms of the field are, and vectors of those that are common enough."""

    text_count: int
    counts: Mapping[str, int]  # number of texts by folded word or pair of words
    acronyms: Acronyms
    rows: Mapping[str, int]  # row in `vectors` of each term that has one
    rarity: Floats  # of these terms
    related: Indices  # the terms (across) that texts about a term (down) use more than others
    related_weights: Indices  # of each of them; both in few bytes, and what is used is unpacked
    vectors: Indices
    scales: Floats  # of these vectors
    centre: Floats
    whitening: Floats
    usual: Floats  # mean of the whitened vectors of usual papers
    covariance: Floats  # of these vectors

    def compute_tell(self, words: Sequence[str]) -> float:
        """Return how much a phrase tells: the logarithm of how rare it is, at most `MAX_TELL`."""
        rarities = [self.compute_rarity(word) for word in words]
        rarities += [self.compute_rarity(f"{first} {second}") for first, second in pairwise(words)]
        return min(MAX_TELL, max(rarities, default=0.0))

    def compute_rarity(self, term: str) -> float:
        """Return the inverse document frequency of a term. A pair that is not counted is rare."""
        unseen = 10 if " " in term else 0
        count = self.counts.get(term, unseen)
        return float(np.log1p((self.text_count - count + 0.5) / (count + 0.5)))

    def count(self, texts: Iterable[Iterable[Sequence[str]]]) -> SparseRows:
        """Return how often each text (its sentences as folded words) uses each known term, saturated."""
        columns, values, ends = array("i"), array("f"), array("q", [0])  # lists take ten times the memory
        for sentences in texts:
            for term, count in _count_terms(sentences).items():
                if (row := self.rows.get(term)) is not None:
                    columns.append(row)
                    values.append(saturate(count))
            ends.append(len(columns))
        entries = np.frombuffer(values, np.float32), np.frombuffer(columns, np.int32)
        return SparseRows(*entries, np.array(ends), len(self.vectors))

    def encode(self, counts: SparseRows) -> Floats:
        """Return a unit vector for each text; zeros if no term is known."""
        counts, used = _split_columns(counts)
        return normalize_rows(counts @ (self.vectors[used] * self.scales[used, None]))

    def weigh(self, counts: SparseRows) -> SparseRows:
        """Return the weight of each term in each text: its saturated count times its rarity."""
        return counts.replace_values(counts.values * self.rarity[counts.columns])

    def expand(self, phrases: Sequence[Sequence[str]]) -> SparseRows:
        """Return the weights of the terms related to each phrase (its folded words).

        They are those of its known pairs, and of its known words that are in none of these.
        """
        terms = [[*self._find_known(phrase)] for phrase in phrases]
        columns = np.array([row for own in terms for row in own], np.int32)
        ends, width = np.cumsum([0, *map(len, terms)]), len(self.vectors)
        members, used = _split_columns(SparseRows(self.rarity[columns], columns, ends, width))
        weights = normalize_rows(self.related_weights[used].astype(np.float32))
        ends = np.arange(len(used) + 1) * weights.shape[1]
        related = SparseRows(weights.ravel(), self.related[used].ravel().astype(np.int32), ends, width)
        return members.combine(related).merge_columns()

    def _find_known(self, phrase: Sequence[str]) -> Iterator[int]:
        in_pair: set[str] = set()
        for pair in pairwise(phrase):
            if (row := self.rows.get(" ".join(pair))) is not None:
                in_pair.update(pair)
                yield row
        yield from (self.rows[word] for word in phrase if word in self.rows and word not in in_pair)

    def whiten(self, vectors: Floats) -> Floats:
        """Return unit vectors in the space in which similarity is measured; zeros stay zeros."""
        whitened = normalize_rows((vectors - self.centre) @ self.whitening)
        return np.asarray(whitened * vectors.any(axis=1, keepdims=True), np.float32)

    def learn_earlier(self, texts: Sequence[str]) -> "FieldTerms":
        """Return the figures with those of this installation's earlier papers added."""
        if not texts:
            return self
        folded = [fold_sentences(text) for text in texts[:MAX_EARLIER]]
        counts = Counter(self.counts)
        for sentences in folded:
            counts.update(term for term in _count_terms(sentences) if " " not in term or term in self.counts)
        whitened = self.whiten(self.encode(self.count(folded)))
        share = np.float32(len(folded) / (len(folded) + REFERENCE_SIZE))
        usual = (1 - share) * self.usual + share * whitened.mean(axis=0)
        covariance = (1 - share) * self.covariance + share * np.cov(whitened.T, bias=True)
        return replace(
            self,
            text_count=self.text_count + len(folded),
            counts=counts,
            usual=np.asarray(usual, np.float32),
            covariance=np.asarray(covariance, np.float32),
        ).learn_acronyms(texts)

    def learn_acronyms(self, texts: Sequence[str]) -> "FieldTerms":
        """Return the figures with the acronyms that these texts define."""
        learned = learn_acronyms(texts)
        merged = {
            short: Counter(self.acronyms.get(short, {})) + long_forms for short, long_forms in learned.items()
        }
        return replace(self, acronyms={**self.acronyms, **merged})


@lru_cache(maxsize=1)
def load_field_terms() -> FieldTerms:
    """Return the shipped figures."""
    with files("digest.ranking").joinpath("field_terms.npz").open("rb") as file, np.load(file) as stored:
        return _read_field_terms(stored)


def _read_field_terms(stored: Mapping[str, Any]) -> FieldTerms:
    terms = stored["terms"].tobytes().decode().split("\n")
    acronyms: dict[str, dict[str, int]] = {}
    for line in stored["acronyms"].tobytes().decode().split("\n"):
        short, long, count = line.split("\t")
        acronyms.setdefault(short, {})[long] = int(count)
    vectors = stored["vectors"]
    text_count, counts = int(stored["text_count"]), stored["counts"]
    known = counts[: len(vectors)].astype(np.float32)
    return FieldTerms(
        text_count=text_count,
        counts=dict(zip(terms, counts.tolist(), strict=True)),
        acronyms=acronyms,
        rarity=np.log1p((text_count - known + 0.5) / (known + 0.5)),
        related=stored["related"],
        related_weights=stored["related_weights"],
        rows={term: row for row, term in enumerate(terms[: len(vectors)])},
        vectors=vectors,
        scales=stored["scales"].astype(np.float32),
        centre=stored["centre"],
        whitening=stored["whitening"],
        usual=stored["usual"],
        covariance=stored["covariance"],
    )


class NearnessMap:
    """How near texts are to the sum of any topics: standard deviations of usual papers, times a factor.

    Measured from the similarity that usual papers have to these topics: 0 is usual, whatever other texts
    there are; never less. All of it is linear in the topics' vectors but for two lengths, so the interests of
    thousands of readers add up what is known of each topic.
    """

    def __init__(self, field: FieldTerms, texts: Floats, factor: Floats) -> None:
        variances, axes = np.linalg.eigh(field.covariance.astype(np.float64))
        deviation = np.asarray(axes * np.sqrt(np.maximum(variances, 1e-12)), np.float32)
        unusual = field.whiten(texts)
        unusual -= field.usual * unusual.any(axis=1, keepdims=True)
        self._width = len(unusual)
        self._map = np.concatenate(
            [field.whitening @ (unusual * factor[:, None]).T, field.whitening @ deviation, np.eye(len(axes))],
            axis=1,
        ).astype(np.float32)
        self._centre = np.asarray(field.centre @ self._map[:, : -len(axes)], np.float32)

    def compute(self, vectors: Floats, members: SparseRows | None = None) -> Floats:
        """Return how near each text (a column) is to each interest (a row): a sum of topics.

        *members* has a row for each interest and a column for each of the *vectors*, those of topics. None:
        each topic is an interest.
        """
        mapped = vectors @ self._map if members is None else members @ (vectors @ self._map)
        size = len(self._centre)
        lengths = np.linalg.norm(mapped[:, size:], axis=1, keepdims=True)
        mapped = mapped[:, :size] - self._centre * lengths
        spread = np.linalg.norm(mapped[:, self._width :], axis=1, keepdims=True)
        nearness = mapped[:, : self._width] / np.maximum(spread, 1e-9)
        return np.asarray(np.maximum(nearness, 0) * (lengths > 0), np.float32)


def _split_columns(rows: SparseRows) -> tuple[SparseRows, Columns]:
    """Return the rows with nothing but the columns that they use, and which these are."""
    used, columns = np.unique(rows.columns, return_inverse=True)
    return SparseRows(rows.values, columns.astype(np.int32), rows.ends, len(used)), used


def saturate(count: float) -> float:
    """Return what a term counts that a text uses so often."""
    return count * (SATURATION + 1) / (count + SATURATION)


def _count_terms(sentences: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how often each word and pair of neighbouring words occurs; function words are skipped."""
    terms: list[str] = []
    for sentence in sentences:
        words = remove_stopwords(sentence)
        terms += words
        terms += [f"{first} {second}" for first, second in pairwise(words)]
    return Counter(terms)
