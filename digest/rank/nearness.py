"""How near is every paper to what some readers like? All their documents compared at once."""

from collections.abc import Sequence

import numpy as np

from digest.rank.interests import Document, Interest
from digest.rank.lexical import Floats, Lexicon
from digest.rank.vectors import NEAR, Space, nearest

NEGATIVE = 0.25  # "less like this" weighs a quarter of "more"
USUAL = 1.2  # how much of what a paper has in common with the usual one is subtracted


class Nearness:
    """The candidates beside every document of a chunk of readers, in words and, with a model, in meaning."""

    def __init__(self, lexicon: Lexicon, space: Space | None, documents: Sequence[Document]) -> None:
        self._place = {document: place for place, document in enumerate(documents)}
        self._rows = lexicon.encode([document.terms() for document in documents])
        self._words = lexicon.similar(self._rows)
        self._lexicon, self._space = lexicon, space
        self._meaning = space.similar([document.text for document in documents]) if space else None

    def among(self, documents: Sequence[Document]) -> Floats:
        """How near these documents are to each other, in words."""
        rows = self._rows[self._places(documents)]
        return np.asarray((rows @ rows.T).toarray(), np.float32)

    def view(self, interest: Interest, unwanted: Sequence[Document]) -> Floats:
        """Every candidate's nearness to an interest, standardised over the day."""
        wanted = self._places(interest.documents)
        weights = _shares(interest.documents)
        against = self._places(unwanted)
        words = self._words[:, wanted] @ weights
        spoken = words > 0
        if against:
            words = words - NEGATIVE * self._words[:, against].mean(axis=1)
        view = _standard(self._lexicon.smoothed(words - USUAL * self._lexicon.usual))
        if self._meaning is None or self._space is None:
            return np.where(spoken, view, np.minimum(view, 0))  # no word in common: never stands out
        return _standard(view + self._space.weight * self._meant(self._meaning, wanted, against, weights))

    @staticmethod
    def _meant(meaning: Floats, wanted: list[int], against: list[int], weights: Floats) -> Floats:
        mean = meaning[:, wanted] @ weights
        if against:
            mean = mean - NEGATIVE * meaning[:, against].mean(axis=1)
        if len(wanted) <= 1:
            return _standard(mean)
        return _standard(_standard(mean) + NEAR * _standard(nearest(meaning[:, wanted])))

    def _places(self, documents: Sequence[Document]) -> list[int]:
        return [self._place[document] for document in documents]


def _shares(documents: Sequence[Document]) -> Floats:
    weights = np.array([document.weight for document in documents], np.float32)
    return np.asarray(weights / max(float(weights.sum()), 1e-9), np.float32)


def _standard(values: Floats) -> Floats:
    spread = float(values.std()) if values.size else 0.0
    centred = values - (values.mean() if values.size else 0)
    return np.asarray(centred / spread if spread > 1e-9 else np.zeros_like(centred), np.float32)
