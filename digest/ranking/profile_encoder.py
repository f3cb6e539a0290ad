"""Encoding of profiles: documents as term weights and embeddings, and the groups within each interest."""

from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import numpy as np

from digest.models import Profile
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import Corpus, EncodedDocuments
from digest.ranking.embeddings import Encoder, normalize_rows
from digest.ranking.field_terms import load_field_terms
from digest.ranking.interest_groups import find_groups, has_enough_liked
from digest.ranking.profile_documents import (
    Document,
    Interest,
    build_disliked,
    build_documents,
    build_interests,
    has_liked,
)
from digest.ranking.profile_vectors import Groups, ProfileVectors, hash_terms, round_to_half
from digest.ranking.sparse_rows import PostingLists
from digest.ranking.topics import find_topics
from digest.ranking.word_forms import fold_sentences


def compute_fingerprint(profile: Profile) -> int:
    """Return a checksum of everything that the vectors of a profile are made from."""
    checksum = 0
    for interest in (*build_interests(profile), Interest("", build_disliked(profile))):
        checksum = crc32(f"{interest.name}\0{len(interest.documents)}".encode("utf-8", "replace"), checksum)
        for document in interest.documents:
            rest = f"\0{document.weight}\0{document.title}\0{document.learnt}"
            checksum = crc32((document.text + rest).encode("utf-8", "replace"), checksum)
    return checksum


def encode_profiles(
    profiles: Sequence[Profile], corpus: Corpus, encode: Encoder | None = None
) -> list[ProfileVectors]:
    """Return the vectors of these profiles, in their order; without embeddings if there is no encoder."""
    interests = [build_interests(profile) for profile in profiles]
    documents = [*map(build_documents, profiles, interests)]
    rows = {document: row for row, document in enumerate(dict.fromkeys(chain(*documents)))}
    encoded = corpus.encode([document.compute_term_weights() for document in rows])
    compared = {
        rows[document]
        for profile, own in zip(profiles, documents, strict=True)
        if has_liked(profile) or not find_topics(profile).groups
        for document in own
    }
    topics = _encode_topics([*rows], sorted(compared))
    batch = _DocumentBatch(encoded, topics, _embed([*rows], encode), corpus.mean_similarity)
    return [
        batch.build_vectors(asked, [rows[document] for document in own])
        for asked, own in zip(interests, documents, strict=True)
    ]


class _DocumentBatch:
    """The encoded documents of several profiles, each document once."""

    def __init__(
        self, encoded: EncodedDocuments, topics: Floats, embeddings: Floats, mean_similarity: float
    ) -> None:
        self._matrix, columns = encoded.rows, encoded.rows.columns
        self._term_ids = hash_terms(encoded.terms)[columns]
        self._term_weights = round_to_half(np.asarray(encoded.rows.values / encoded.idf[columns], np.float32))
        self._topics, self._embeddings, self._mean_similarity = topics, embeddings, mean_similarity

    def build_vectors(self, interests: Sequence[Interest], rows: list[int]) -> ProfileVectors:
        """Return the vectors of the profile that has these interests and whose documents are these rows."""
        ends = self._matrix.ends
        spans = [slice(ends[row], ends[row + 1]) for row in rows]
        return ProfileVectors(
            term_counts=np.array([span.stop - span.start for span in spans], np.int32),
            term_ids=np.concatenate([self._term_ids[:0], *(self._term_ids[span] for span in spans)]),
            term_weights=np.concatenate(
                [self._term_weights[:0], *(self._term_weights[span] for span in spans)]
            ),
            topics=self._topics[rows],
            embeddings=self._embeddings[rows],
            groups=tuple(self._find_groups(interests, rows)),
        )

    def _find_groups(self, interests: Sequence[Interest], rows: list[int]) -> list[Groups]:
        """Return the groups within each interest, by the similarity of terms alone."""
        groups, start = [], 0
        for interest in interests:
            own = rows[start : start + len(interest.documents)]
            start += len(own)
            groups.append(self._split(interest, own) if has_enough_liked(interest.documents) else ())
        return groups

    def _split(self, interest: Interest, rows: list[int]) -> Groups:
        documents = self._matrix.take(rows)
        similarity = PostingLists(documents).multiply(documents)
        return find_groups(interest.documents, similarity, mean_similarity=self._mean_similarity)


def _encode_topics(documents: Sequence[Document], compared: Sequence[int]) -> Floats:
    """Return the latent topics of the *compared* documents, zeros for the others."""
    field = load_field_terms()
    topics = np.zeros((len(documents), field.vectors.shape[1]), np.float32)
    texts = (fold_sentences(documents[row].text) for row in compared)
    topics[compared] = round_to_half(field.encode(field.count(texts)))
    return topics


def _embed(documents: Sequence[Document], encode: Encoder | None) -> Floats:
    if encode is None or not documents:
        return np.zeros((len(documents), 0), np.float32)
    return round_to_half(normalize_rows(encode([document.text for document in documents])))
