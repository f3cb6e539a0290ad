"""What is usual in the field: figures about its terms that are shipped with the program.

`field_terms.npz` beside this module says how many of 21,000 abstracts use each term, what acronyms stand for,
and where terms lie in a space of latent topics (LSA). So a keyword is compared with a paper on a scale that
does not depend on the other papers of the day, on the first day too. `python -m bench.field_terms` makes it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise

import numpy as np
from scipy import sparse

from digest.ranking.acronyms import Acronyms, learn_acronyms
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import normalize_rows
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
    vectors: Floats
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

    def encode(self, texts: Iterable[Iterable[Sequence[str]]]) -> Floats:
        """Return a unit vector for each text (its sentences as folded words); zeros if no term is known."""
        columns, values, ends = [], [], [0]
        for sentences in texts:
            for term, count in _count_terms(sentences).items():
                if (row := self.rows.get(term)) is not None:
                    columns.append(row)
                    values.append(count * (SATURATION + 1) / (count + SATURATION))
            ends.append(len(columns))
        shape = (len(ends) - 1, len(self.vectors))
        weights = sparse.csr_array(
            (np.array(values, np.float32), np.array(columns, np.intp), ends), shape=shape
        )
        return normalize_rows(np.asarray(weights @ self.vectors, np.float32))

    def whiten(self, vectors: Floats) -> Floats:
        """Return unit vectors in the space in which similarity is measured; zeros stay zeros."""
        whitened = normalize_rows((vectors - self.centre) @ self.whitening)
        return np.asarray(whitened * vectors.any(axis=1, keepdims=True), np.float32)

    def compare(self, queries: Floats, papers: Floats) -> Floats:
        """Return how near each paper (a column) is to each query (a row), both whitened.

        In standard deviations of usual papers from the similarity that usual papers have to this query: 0 is
        usual, whatever other papers there are.
        """
        mean = queries @ self.usual
        spread = np.sqrt(np.maximum(((queries @ self.covariance) * queries).sum(axis=1), 1e-12))
        scaled = (queries / spread[:, None]) @ papers.T
        scaled -= (mean / spread)[:, None] * papers.any(axis=1)
        return np.asarray(scaled, np.float32)

    def learn_earlier(self, texts: Sequence[str]) -> "FieldTerms":
        """Return the figures with those of this installation's earlier papers added."""
        if not texts:
            return self
        folded = [fold_sentences(text) for text in texts[:MAX_EARLIER]]
        counts = Counter(self.counts)
        for sentences in folded:
            counts.update(term for term in _count_terms(sentences) if " " not in term or term in self.counts)
        whitened = self.whiten(self.encode(folded))
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
    stored = np.load(BytesIO(files("digest.ranking").joinpath("field_terms.npz").read_bytes()))
    terms = stored["terms"].tobytes().decode().split("\n")
    acronyms: dict[str, dict[str, int]] = {}
    for line in stored["acronyms"].tobytes().decode().split("\n"):
        short, long, count = line.split("\t")
        acronyms.setdefault(short, {})[long] = int(count)
    vectors = stored["vectors"].astype(np.float32) * stored["scales"].astype(np.float32)[:, None]
    return FieldTerms(
        text_count=int(stored["text_count"]),
        counts=dict(zip(terms, stored["counts"].tolist(), strict=True)),
        acronyms=acronyms,
        rows={term: row for row, term in enumerate(terms[: len(vectors)])},
        vectors=vectors,
        centre=stored["centre"],
        whitening=stored["whitening"],
        usual=stored["usual"],
        covariance=stored["covariance"],
    )


def _count_terms(sentences: Iterable[Sequence[str]]) -> Counter[str]:
    """Return how often each word and pair of neighbouring words occurs; function words are skipped."""
    terms: Counter[str] = Counter()
    for sentence in sentences:
        words = remove_stopwords(sentence)
        terms.update(words)
        terms.update(f"{first} {second}" for first, second in pairwise(words))
    return terms
