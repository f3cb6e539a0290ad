"""What does a profile mean in numbers? Made once when it changes, kept, and compared every day.

An outline holds each document of a profile (a liked paper, the typed keywords, a paragraph, what was learnt,
what is disliked) as terms without their rarity, which is another one every day, and as a vector if there is
a model; and into which groups the liked papers of an interest fall apart.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from digest.ranking.bm25 import Floats

FORM = 1  # of the packed outline and of the terms in it: raised when either changes
Words = np.ndarray[tuple[int, ...], np.dtype[np.uint32]]
Sizes = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
Groups = tuple[tuple[int, ...], ...]

_HEAD = struct.Struct("<IIIII")  # documents, terms, width of the vectors, interests, group numbers


@dataclass(frozen=True, slots=True, eq=False)
class ProfileVectors:
    """A profile's documents in the order of `digest.ranking.interests.documents`."""

    sizes: Sizes  # how many terms each document has
    words: Words  # the terms of one document after the other, as numbers
    strengths: Floats  # how strongly the document means each of them, rarity not counted
    vectors: Floats  # a row each, of unit length; no columns without a model
    groups: tuple[
        Groups, ...
    ] = ()  # for each interest: documents that belong together, the central one first


def halved(numbers: Floats) -> Floats:
    """The same numbers as half precision keeps them, so that what is stored ranks as what was made."""
    return numbers.astype(np.float16).astype(np.float32)


def numbered(terms: Sequence[str]) -> Words:
    """Terms as numbers that stay the same for ever; two of a million are one with a chance of 1 in 4,000."""
    told = (crc32(term.encode("utf-8", "surrogatepass")) for term in terms)
    return np.fromiter(told, np.uint32, len(terms))


def packed(outline: ProfileVectors) -> bytes:
    """An outline as the store keeps it, the strengths and vectors in half precision."""
    groups = _flat(outline.groups)
    head = _HEAD.pack(
        len(outline.sizes), len(outline.words), outline.vectors.shape[1], len(outline.groups), len(groups)
    )
    parts = (
        outline.sizes.astype("<i4"),
        outline.words.astype("<u4"),
        outline.strengths.astype("<f2"),
        outline.vectors.astype("<f2"),
        np.array(groups, "<i2"),
    )
    return b"".join((head, *(part.tobytes() for part in parts)))


def unpacked(stored: bytes) -> ProfileVectors:
    """An outline as it came out of the store."""
    documents, terms, width, interests, numbers = _HEAD.unpack_from(stored)
    place = _HEAD.size

    def part(kind: str, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        nonlocal place
        found = np.frombuffer(stored, kind, count, place)
        place += found.nbytes
        return found

    sizes, words = part("<i4", documents).astype(np.int32), part("<u4", terms).astype(np.uint32)
    strengths = part("<f2", terms).astype(np.float32)
    vectors = part("<f2", documents * width).astype(np.float32).reshape(documents, width)
    groups = _grouped(part("<i2", numbers).astype(np.intp).tolist(), interests)
    return ProfileVectors(sizes, words, strengths, vectors, groups)


def _flat(groups: Sequence[Groups]) -> list[int]:
    """Numbers of groups and of their members before each."""
    flat: list[int] = []
    for each in groups:
        flat.append(len(each))
        for group in each:
            flat += [len(group), *group]
    return flat


def _grouped(flat: Sequence[int], interests: int) -> tuple[Groups, ...]:
    numbers = iter(flat)
    return tuple(
        tuple(tuple(next(numbers) for _ in range(next(numbers))) for _ in range(next(numbers)))
        for _ in range(interests)
    )
