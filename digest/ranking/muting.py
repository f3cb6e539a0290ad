"""Which papers does a reader never want to see? Those that say a muted word or phrase."""

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from digest.models import Paper
from digest.ranking.tokenizer import plain

Truths = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
MOST_PHRASES = 4096
_WORD = re.compile(r"\w+")
_SPACES = re.compile(r"[\s\-\u2010\u2011]+")


def readable(paper: Paper) -> str:
    """What muted words are looked for in: title, abstract and keywords, without markup and case."""
    return _even("\n".join((paper.title, paper.abstract, *paper.keywords)))


class PhraseMatcher:
    """Readable texts by the words they hold, so that a phrase is looked for only where it can be."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._places: dict[str, set[int]] = defaultdict(set)
        self._found: dict[str, Truths] = {}
        for place, text in enumerate(texts):
            for word in _WORD.findall(text):
                self._places[word].add(place)

    def any_of(self, words: Sequence[str]) -> Truths:
        """Which texts say one of these words or phrases, as whole words, whatever their case."""
        said = np.zeros(len(self._texts), np.bool_)
        for phrase in filter(None, map(_even, words)):
            said |= self._saying(phrase)
        return said

    def _saying(self, phrase: str) -> Truths:
        """The texts with this phrase; readers mute the same ones, so they are remembered."""
        if phrase not in self._found:
            if len(self._found) >= MOST_PHRASES:
                self._found.clear()
            self._found[phrase] = self._search(phrase)
        return self._found[phrase]

    def _search(self, phrase: str) -> Truths:
        said = np.zeros(len(self._texts), np.bool_)
        having = [self._places.get(word, set()) for word in _WORD.findall(phrase)]
        whole = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
        for place in set.intersection(*having) if having else range(len(self._texts)):
            said[place] = whole.search(self._texts[place]) is not None
        return said


def _even(text: str) -> str:
    return _SPACES.sub(" ", plain(text)).strip()
