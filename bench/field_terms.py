"""Makes `digest/ranking/field_terms.npz`: what is usual in the field, from abstracts of earlier years.

    python -m bench.field_terms ../shared digest/ranking/field_terms.npz

Read are listed papers of 2025-04 to 2026-02 and the library readers' collections; none of the days on which
picks are judged (`python -m bench picks`). Only counts and directions are kept, no text.
"""

import gzip
import json
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from digest.ranking.acronyms import learn_acronyms
from digest.ranking.embeddings import normalize_rows
from digest.ranking.word_forms import fold_sentences, remove_stopwords

MIN_WORD_TEXTS, MIN_PAIR_TEXTS = 6, 15  # texts that use a term with a vector
MIN_COUNTED = 2  # texts that use a word whose count is kept
DIMENSIONS = 128
SINGULAR_POWER = 0.5  # of the singular values: between all directions alike and the largest alone
SHRINKAGE = 0.5  # before whitening, the share of each direction's variance replaced by the mean variance
REFERENCE_STEP = 12  # every twelfth listed paper is one of the usual papers
SATURATION = 1.2
RELATED_TEXTS = 20  # that use a term most, from which its related terms are taken
RELATED_TERMS = 40


def read_listed(shared: Path) -> list[str]:
    """Return title and abstract of the papers listed before the days that are judged."""
    with gzip.open(shared / "replay/history-2025-04-to-2026-02.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [f"{paper['title']}\n{paper['abstract']}" for paper in map(json.loads, lines)]


def read_libraries(shared: Path) -> list[str]:
    """Return title and abstract of the papers in the collections of library readers."""
    texts: list[str] = []
    for name in ("ml-authors", "citeulike-a-text"):
        with gzip.open(shared / f"ranking/{name}.json.gz", "rt", encoding="utf-8") as file:
            texts += json.load(file)["papers"]
    return texts


def count_terms(text: str) -> Counter[str]:
    """Return the terms of a text as `digest.ranking.field_terms` counts them."""
    terms: Counter[str] = Counter()
    for sentence in fold_sentences(text):
        words = remove_stopwords(sentence)
        terms.update(words)
        terms.update(f"{first} {second}" for first, second in pairwise(words))
    return terms


def find_related(counts: sparse.csr_array, unit: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms related to each term and their weights as bytes, the largest first.

    Those that the texts which use the term most use more than usual: the relevance model (RM3) of a query of
    one term. *counts* are saturated, *unit* the weights of terms (across) in texts (down), of unit length.
    """
    by_term, usual = counts.T.tocsr(), np.asarray(unit.mean(axis=0)).ravel()
    related = np.zeros((counts.shape[1], RELATED_TERMS), np.uint16)
    weights = np.zeros((counts.shape[1], RELATED_TERMS), np.uint8)
    for term in range(counts.shape[1]):
        own = slice(by_term.indptr[term], by_term.indptr[term + 1])
        most = by_term.indices[own][np.argsort(-by_term.data[own], kind="stable")[:RELATED_TEXTS]]
        excess = np.maximum(np.asarray(unit[most].mean(axis=0)).ravel() - usual, 0)
        related[term] = np.argsort(-excess, kind="stable")[:RELATED_TERMS]
        largest = excess[related[term]]
        weights[term] = np.round(255 * largest / largest[0])
    return related, weights


def main() -> None:
    """Read, decompose and write."""
    shared, target = Path(sys.argv[1]), Path(sys.argv[2])
    listed = read_listed(shared)
    texts = [*listed, *read_libraries(shared)]
    documents = [count_terms(text) for text in texts]
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update(document.keys())
    with_vector = sorted(
        term for term, count in counts.items() if count >= (MIN_PAIR_TEXTS if " " in term else MIN_WORD_TEXTS)
    )
    rows = {term: row for row, term in enumerate(with_vector)}
    counted = sorted(
        term
        for term, count in counts.items()
        if count >= MIN_COUNTED and " " not in term and term not in rows
    )
    texts_with = np.array([counts[term] for term in with_vector], np.float64)
    rarity = np.log1p((len(texts) - texts_with + 0.5) / (texts_with + 0.5))
    entries = [
        (number, rows[term], count * (SATURATION + 1) / (count + SATURATION))
        for number, document in enumerate(documents)
        for term, count in document.items()
        if term in rows
    ]
    owners, columns, values = zip(*entries, strict=True)
    matrix = sparse.csr_array((values, (owners, columns)), shape=(len(texts), len(rows)), dtype=np.float64)
    matrix = matrix @ sparse.diags_array(rarity)
    lengths = np.sqrt((matrix * matrix).sum(axis=1))
    unit = sparse.diags_array(1 / np.maximum(lengths, 1e-9)) @ matrix
    _, singular, directions = svds(unit, k=DIMENSIONS, random_state=0)
    vectors = rarity[:, None] * directions.T * singular**SINGULAR_POWER
    scales = np.abs(vectors).max(axis=1) / 127
    rounded = np.round(vectors / scales[:, None]).astype(np.int8)
    restored = rounded.astype(np.float32) * scales.astype(np.float16).astype(np.float32)[:, None]
    saturated = sparse.csr_array((values, (owners, columns)), shape=matrix.shape)
    sample = saturated[: len(listed) : REFERENCE_STEP]
    reference = normalize_rows(np.asarray(sample @ restored, np.float32))
    centre = reference.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((reference - centre).T).astype(np.float64))
    shrunk = (1 - SHRINKAGE) * np.maximum(variances, 0) + SHRINKAGE * variances.mean()
    whitening = axes / np.sqrt(shrunk)
    whitened = normalize_rows((reference - centre) @ whitening.astype(np.float32))
    acronyms = [
        f"{short}\t{long}\t{count}"
        for short, long_forms in sorted(learn_acronyms(texts).items())
        for long, count in long_forms.most_common(3)
        if count >= 2
    ]
    related, related_weights = find_related(saturated, unit.tocsr())
    np.savez(  # compressed it is hardly smaller, and takes ten times as long to read
        target,
        text_count=np.array(len(texts)),
        terms=np.frombuffer("\n".join([*with_vector, *counted]).encode(), np.uint8),
        counts=np.array([counts[term] for term in (*with_vector, *counted)], np.int32),
        vectors=rounded,
        scales=scales.astype(np.float16),
        centre=centre.astype(np.float32),
        whitening=whitening.astype(np.float32),
        usual=whitened.mean(axis=0).astype(np.float32),
        covariance=np.cov(whitened.T, bias=True).astype(np.float32),
        related=related,
        related_weights=related_weights,
        acronyms=np.frombuffer("\n".join(acronyms).encode(), np.uint8),
    )
    print(f"{len(texts)} texts, {len(rows)} vectors, {len(counted)} more words, {len(acronyms)} acronyms")


if __name__ == "__main__":
    main()
