"""How near is a text in meaning to a question? The angle between their vectors, away from what all share."""

from collections.abc import Sequence

import numpy as np

from digest.rank.lexical import Floats
from digest.rank.vectors import Encode, unit


def centre_of(encode: Encode, texts: Sequence[str]) -> Floats:
    """What these texts have in common, which tells nothing of any of them."""
    return np.asarray(unit(encode(texts)).mean(axis=0), np.float32)


def nearness(encode: Encode, centre: Floats, question: str, texts: Sequence[str]) -> list[float]:
    """The cosine of each text with the question, -1 to 1, both measured from the centre."""
    vectors = unit(unit(encode([question, *texts])) - centre)
    near: list[float] = (vectors[1:] @ vectors[0]).tolist()
    return near
