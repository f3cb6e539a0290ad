"""How does a profile become numbers? Its documents weighed by the language of a day, its groups found."""

from collections.abc import Sequence
from itertools import chain
from zlib import crc32

import numpy as np

from digest.model import Profile
from digest.rank.interests import Document, Interest, dislikes, interests
from digest.rank.lexical import Encoded, Floats, Lexicon
from digest.rank.outline import Groups, Outline, halved, numbered
from digest.rank.splitting import groups
from digest.rank.vectors import Encode, unit


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


def outlined(profiles: Sequence[Profile], lexicon: Lexicon, embed: Encode | None = None) -> list[Outline]:
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
        self._rows, self._rarity = encoded.rows, encoded.rarity
        self._words = numbered(encoded.names)
        self._vectors, self._unrelated = vectors, unrelated

    def outline(self, profile: Profile, places: list[int]) -> Outline:
        """The outline of a profile whose documents stand at these places."""
        rows = self._rows[places]
        return Outline(
            sizes=np.diff(rows.indptr).astype(np.int32),
            words=self._words[rows.indices],
            strengths=halved(np.asarray(rows.data / self._rarity[rows.indices], np.float32)),
            vectors=self._vectors[places],
            groups=tuple(self._split(profile, places)),
        )

    def _split(self, profile: Profile, places: list[int]) -> list[Groups]:
        """The groups within each interest; they are found in the words alone."""
        found, start = [], 0
        for interest in interests(profile):
            own = places[start : start + len(interest.documents)]
            start += len(own)
            rows = self._rows[own]
            near = np.asarray((rows @ rows.T).toarray(), np.float32)
            found.append(groups(interest.documents, near, unrelated=self._unrelated))
        return found


def _vectors(documents: Sequence[Document], embed: Encode | None) -> Floats:
    if embed is None or not documents:
        return np.zeros((len(documents), 0), np.float32)
    return halved(unit(embed([document.text for document in documents])))
