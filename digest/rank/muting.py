"""Which papers does a reader never want to see? Those that say a muted word or phrase."""

import re
from collections.abc import Sequence

import numpy as np

from digest.model import Paper
from digest.rank.text import plain

Truths = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
_SPACES = re.compile(r"[\s\-\u2010\u2011]+")


def readable(paper: Paper) -> str:
    """What muted words are looked for in: title, abstract and keywords, without markup and case."""
    return _even("\n".join((paper.title, paper.abstract, *paper.keywords)))


def muted(texts: Sequence[str], words: Sequence[str]) -> Truths:
    """Which of these readable texts say one of the words, as whole words, whatever their case."""
    phrases = [re.escape(even) for word in words if (even := _even(word))]
    if not phrases:
        return np.zeros(len(texts), np.bool_)
    said = re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")
    return np.fromiter((said.search(text) is not None for text in texts), np.bool_, len(texts))


def _even(text: str) -> str:
    return _SPACES.sub(" ", plain(text)).strip()
