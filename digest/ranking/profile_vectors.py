"""A profile as arrays, computed when the profile changes, stored, and compared with papers every day.

Each document of the profile is held as term weights without idf, which changes every day, and as an embedding
if there is a model. The groups are those that the liked papers of each interest form.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from digest.ranking.array_types import Floats

FORMAT_VERSION = 3  # of the packed form and of the terms in it: raise it when either changes

TermIds = np.ndarray[tuple[int, ...], np.dtype[np.uint32]]
TermCounts = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
Groups = tuple[tuple[int, ...], ...]

# Documents, terms, widths of topics and embeddings, interests, numbers of groups.
_HEADER = struct.Struct("<IIIIII")


@dataclass(frozen=True, slots=True, eq=False)
class ProfileVectors:
    """A profile's documents in the order of `digest.ranking.profile_documents.build_documents`."""

    term_counts: TermCounts  # number of different terms of each document
    term_ids: TermIds  # hashed terms, one document after the other
    term_weights: Floats  # how strongly the document means each of them, without idf
    topics: Floats  # a unit row for each document: the field's latent topics (`digest.ranking.field_terms`)
    embeddings: Floats  # a unit row for each document; no columns without a model
    groups: tuple[Groups, ...] = ()  # for each interest: indices of its documents, the central one first


def round_to_half(numbers: Floats) -> Floats:
    """Round to half precision, so that stored vectors rank exactly as computed ones."""
    return numbers.astype(np.float16).astype(np.float32)


def hash_terms(terms: Sequence[str]) -> TermIds:
    """Return a permanent id for each term. One in 4,000 terms shares its id with one of a million others."""
    ids = (crc32(term.encode("utf-8", "surrogatepass")) for term in terms)
    return np.fromiter(ids, np.uint32, len(terms))


def pack_profile(vectors: ProfileVectors) -> bytes:
    """Return the vectors as they are stored, all but numbers of terms in half precision."""
    groups = _flatten_groups(vectors.groups)
    header = _HEADER.pack(
        len(vectors.term_counts),
        len(vectors.term_ids),
        vectors.topics.shape[1],
        vectors.embeddings.shape[1],
        len(vectors.groups),
        len(groups),
    )
    arrays = (
        vectors.term_counts.astype("<i4"),
        vectors.term_ids.astype("<u4"),
        vectors.term_weights.astype("<f2"),
        vectors.topics.astype("<f2"),
        vectors.embeddings.astype("<f2"),
        np.array(groups, "<i2"),
    )
    return b"".join((header, *(array.tobytes() for array in arrays)))


def unpack_profile(stored: bytes) -> ProfileVectors:
    """Return vectors from their stored form."""
    documents, terms, topics_width, width, interests, numbers = _HEADER.unpack_from(stored)
    offset = _HEADER.size

    def read(kind: str, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        nonlocal offset
        array = np.frombuffer(stored, kind, count, offset)
        offset += array.nbytes
        return array

    term_counts, term_ids = read("<i4", documents).astype(np.int32), read("<u4", terms).astype(np.uint32)
    term_weights = read("<f2", terms).astype(np.float32)
    topics = read("<f2", documents * topics_width).astype(np.float32).reshape(documents, topics_width)
    embeddings = read("<f2", documents * width).astype(np.float32).reshape(documents, width)
    groups = _unflatten_groups(read("<i2", numbers).astype(np.intp).tolist(), interests)
    return ProfileVectors(term_counts, term_ids, term_weights, topics, embeddings, groups)


def _flatten_groups(interests: Sequence[Groups]) -> list[int]:
    """Return the groups as one list: each sequence is preceded by its length."""
    flat: list[int] = []
    for groups in interests:
        flat.append(len(groups))
        for group in groups:
            flat += [len(group), *group]
    return flat


def _unflatten_groups(flat: Sequence[int], interests: int) -> tuple[Groups, ...]:
    numbers = iter(flat)
    return tuple(
        tuple(tuple(next(numbers) for _ in range(next(numbers))) for _ in range(next(numbers)))
        for _ in range(interests)
    )
