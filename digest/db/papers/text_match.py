"""Scores of how well a paper matches the words of a search.

    score = mean over the words of n / (n + 4), plus 1/2 if the title contains them in the same order
    n = 8 · occurrences in the title + 2 · in the authors + 1 · in the abstract

Occurrences are of a word's root, so that other forms count too. Words are not weighted by rarity: every paper
that is scored contains all of them, and counting a very common word would cost more than everything else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from unicodedata import normalize

TITLE_WEIGHT, AUTHORS_WEIGHT, ABSTRACT_WEIGHT = 8, 2, 1
HALF_SCORE_COUNT = 4  # weighted occurrences at which a word scores 1/2
PHRASE_BONUS = 0.5  # for a title with the words in the same order
ENDING = re.compile(r"(?<=\w{4})(?:ations?|ings?|ies|ied|ed|es|e|s|y)$")
MAX_SHORT_ROOT = 3  # letters; a root this short matches only at the beginning of words
_ACCENT = re.compile("[\u0300-\u036f]")


def normalize_text(text: str) -> str:
    """Return the text in lower case and without accents, so that "Muller" also finds "Müller"."""
    return (text if text.isascii() else _ACCENT.sub("", normalize("NFKD", text))).lower()


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The words of a search, prepared to score thousands of papers."""

    roots: tuple[str, ...]
    phrase: str  # empty for a single word

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Reduce words to their roots, without endings."""
        roots = (ENDING.sub("", normalize_text(word)) for word in words)
        patterns = tuple(f" {root}" if len(root) <= MAX_SHORT_ROOT else root for root in roots)
        return cls(patterns, " ".join(map(normalize_text, words)) if len(words) > 1 else "")

    def score(self, title: str, abstract: str, authors: str) -> float:
        """Return how well these fields match: 0 for not at all, always below 1.5."""
        title, abstract = f" {normalize_text(title)}", f" {normalize_text(abstract)}"
        authors = normalize_text(authors)
        total = PHRASE_BONUS * len(self.roots) if self.phrase and self.phrase in title else 0.0
        for root in self.roots:
            count = ABSTRACT_WEIGHT * abstract.count(root)
            count += TITLE_WEIGHT * title.count(root) + AUTHORS_WEIGHT * authors.count(root)
            total += count / (count + HALF_SCORE_COUNT)
        return total / len(self.roots) if self.roots else 0.0
