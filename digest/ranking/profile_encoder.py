"""How does a profile become numbers? Its documents weighed by the language of a day, its groups found."""

from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import numpy as np

from digest.models import Profile
from digest.ranking.bm25 import Encoded, Floats, Lexicon
from digest.ranking.embeddings import Encode, unit
from digest.ranking.interest_groups import groups, may_fall_apart
from digest.ranking.interests import Document, Interest, dislikes, interests
from digest.ranking.profile_vectors import Groups, ProfileVectors, halved, numbered


def documents_of(profile: Profile) -> tuple[Document, ...]:
    """All that a profile is made of: its interests one after the other, then what is disliked."""
    wanted = chain.from_iterable(interest.documents for interest in interests(profile))
    return (*wanted, *dislikes(profile))


def fingerprint(profile: Profile) -> int:
    """A number that changes when anything changes that an outline is made of."""
    told = 0
    for interest in (*interests(profile), Interest("", dislikes(profile))):
        told = crc32(f"{interest.name}\0{len(interest.documents)}".encode("utf-8", "replace"), told)
        for document in interest.documents:
            also = f"\0{document.weight}\0{document.title}\0{document.strengths}"
            told = crc32((document.text + also).encode("utf-8", "replace"), told)
    return told


def outlined(
    profiles: Sequence[Profile], lexicon: Lexicon, embed: Encode | None = None
) -> list[ProfileVectors]:
    """What these profiles mean in numbers, with vectors if there is a model."""
    documents = [documents_of(profile) for profile in profiles]
    place = {document: number for number, document in enumerate(dict.fromkeys(chain(*documents)))}
    encoded = lexicon.encode([document.terms() for document in place])
    drawn = _Drawn(encoded, _vectors(list(place), embed), lexicon.unrelated)
    return [
        drawn.outline(profile, [place[document] for document in own])
        for profile, own in zip(profiles, documents, strict=True)
    ]


class _Drawn:
    """All documents of some profiles, encoded."""

    def __init__(self, encoded: Encoded, vectors: Floats, unrelated: float) -> None:
        self._rows, columns = encoded.rows, encoded.rows.indices
        self._words = numbered(encoded.names)[columns]
        self._strengths = halved(np.asarray(encoded.rows.data / encoded.rarity[columns], np.float32))
        self._vectors, self._unrelated = vectors, unrelated

    def outline(self, profile: Profile, places: list[int]) -> ProfileVectors:
        """The outline of a profile whose documents stand at these places."""
        ends = self._rows.indptr
        spans = [slice(ends[place], ends[place + 1]) for place in places]  # scipy takes ten times as long
        return ProfileVectors(
            sizes=np.array([span.stop - span.start for span in spans], np.int32),
            words=np.concatenate([self._words[:0], *(self._words[span] for span in spans)]),
            strengths=np.concatenate([self._strengths[:0], *(self._strengths[span] for span in spans)]),
            vectors=self._vectors[places],
            groups=tuple(self._split(profile, places)),
        )

    def _split(self, profile: Profile, places: list[int]) -> list[Groups]:
        """The groups within each interest; they are found in the words alone."""
        found, start = [], 0
        for interest in interests(profile):
            own = places[start : start + len(interest.documents)]
            start += len(own)
            found.append(self._groups(interest, own) if may_fall_apart(interest.documents) else ())
        return found

    def _groups(self, interest: Interest, places: list[int]) -> Groups:
        rows = self._rows[places]
        near = np.asarray((rows @ rows.T).toarray(), np.float32)
        return groups(interest.documents, near, unrelated=self._unrelated)


def _vectors(documents: Sequence[Document], embed: Encode | None) -> Floats:
    if embed is None or not documents:
        return np.zeros((len(documents), 0), np.float32)
    return halved(unit(embed([document.text for document in documents])))
