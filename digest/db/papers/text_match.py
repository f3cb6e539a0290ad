"""How well does a paper hold the words of a search? Each word counts alike, and in the title most.

    likeness = the mean over the words of n / (n + 4), and 1/2 more if the title says them in this order;
    n = 8 · mentions in the title + 2 · among the authors + mentions in the abstract

The counts are of the word's beginning, so that other forms count too. Every paper found holds every word, so
how rare a word is would change little; to know it costs more than all the rest where a word is everywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from unicodedata import normalize

IN_TITLE, IN_AUTHORS, IN_ABSTRACT = 8, 2, 1
HALF = 4  # mentions, weighed so, at which a word counts half
AS_TYPED = 0.5  # for a title that says the words in this order
ENDING = re.compile(r"(?<=\w{4})(?:ations?|ings?|ies|ied|ed|es|e|s|y)$")
SHORT = 3  # letters: such a root is looked for only at the beginning of words
_ACCENT = re.compile("[\u0300-\u036f]")


def plain(text: str) -> str:
    """The text in small letters without accents: whoever types Muller means Müller too."""
    return (text if text.isascii() else _ACCENT.sub("", normalize("NFKD", text))).lower()


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The words of a search, ready to be looked for in thousands of papers."""

    roots: tuple[str, ...]
    phrase: str  # empty for a single word

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """What all forms of these words begin with."""
        roots = (ENDING.sub("", plain(word)) for word in words)
        each = tuple(f" {root}" if len(root) <= SHORT else root for root in roots)
        return cls(each, " ".join(map(plain, words)) if len(words) > 1 else "")

    def likeness(self, title: str, abstract: str, authors: str) -> float:
        """How well these fields hold the words: 0 for not at all, below 1.5."""
        title, abstract, authors = f" {plain(title)}", f" {plain(abstract)}", plain(authors)
        total = AS_TYPED * len(self.roots) if self.phrase and self.phrase in title else 0.0
        for root in self.roots:
            said = IN_ABSTRACT * abstract.count(root)
            said += IN_TITLE * title.count(root) + IN_AUTHORS * authors.count(root)
            total += said / (said + HALF)
        return total / len(self.roots) if self.roots else 0.0
