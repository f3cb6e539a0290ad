"""Matching of muted words and phrases against papers."""

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from digest.models import Paper
from digest.ranking.array_types import Bools
from digest.ranking.tokenizer import normalize_text

MAX_CACHED_PHRASES = 4096

_WORD = re.compile(r"\w+")
_SPACES = re.compile(r"[\s\-\u2010-\u2013\u2212]+")  # with hyphens of all kinds, also that of Bose–Einstein
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))


def to_searchable_text(paper: Paper) -> str:
    """Return title, abstract and keywords as phrases are searched in them, without markup and case."""
    return _normalize_spaces("\n".join((paper.title, paper.abstract, *paper.keywords)))


class PhraseMatcher:
    """Searchable texts, indexed by word so that a phrase is searched only in texts with all its words."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._indices: dict[str, set[int]] = defaultdict(set)
        self._matches: dict[str, Bools] = {}
        for index, text in enumerate(texts):
            for word in _WORD.findall(text):
                self._indices[word].add(index)

    def match_any(self, phrases: Sequence[str]) -> Bools:
        """Return which texts hold one of these words or phrases, as whole words, in any case."""
        is_match = np.zeros(len(self._texts), np.bool_)
        for phrase in filter(None, map(_normalize_spaces, phrases)):
            is_match |= self._match(phrase)
        return is_match

    def _match(self, phrase: str) -> Bools:
        """Return the texts with this phrase, from a cache: many readers mute the same phrases."""
        if phrase not in self._matches:
            if len(self._matches) >= MAX_CACHED_PHRASES:
                self._matches.clear()
            self._matches[phrase] = self._search(phrase)
        return self._matches[phrase]

    def _search(self, phrase: str) -> Bools:
        is_match = np.zeros(len(self._texts), np.bool_)
        by_word = [self._indices.get(word, set()) for word in _WORD.findall(phrase)]
        pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
        for index in set.intersection(*by_word) if by_word else range(len(self._texts)):
            is_match[index] = pattern.search(self._texts[index]) is not None
        return is_match


def _normalize_spaces(text: str) -> str:
    return _SPACES.sub(" ", normalize_text(text.translate(_APOSTROPHES))).strip()
