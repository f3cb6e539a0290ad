"""Tokenizer: the terms by which texts are compared, and the surface forms that people read.

Terms are stemmed words and pairs of neighbouring words.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

STOPWORDS = frozenset(
    """
    a about above after again against all also although am among an and any are as at be because been
    before being below between both but by can cannot could did do does doing down during each either et
    few for from further had has have having he her here hers him his how however i if in into is it its
    itself just may me might more most much must my nor not of off on once only or other our ours out
    over own per same she should since so some such than that the their theirs them then there therefore
    these they this those through thus to too toward towards under until up upon us very via was we were
    what when where whether which while who whom whose why will with within without would yet you your
    """.split()  # noqa: SIM905  a page of words reads better than a page of quotes
)
"""Function words: they are no terms, and pairs skip them."""

CONNECTIVES = frozenset({"of", "the", "to", "and", "a", "an"})
"""Words that may stand between the two words of a pair that is shown."""

Span = tuple[int, int]

_WORD = re.compile(r"[^\W_]+(?:[-\u2010\u2011'\u2019][^\W_]+)*")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?\s*")
_TEX_MARKS = str.maketrans(dict.fromkeys("${}~^_\\", " "))
SENTENCE_END = re.compile(r"[.!?;:\n](?:(?<=\n)|\s)")
_CAPITALIZED_START = re.compile(r"[A-Z][a-z]+(?:-[a-z]+)*\s+[a-z].*", re.DOTALL)
_HYPHENS = re.compile(r"[-\u2010\u2011]")
_APOSTROPHE = re.compile(r"['\u2019].*$")


def normalize_text(text: str) -> str:
    """Return a text without TeX markup, accents and case, for comparison."""
    if "\\" in text:
        text = re.sub(r"\\[\"'`^~=.]\{?(\w)\}?", r"\1", text)  # \"{o} is an o with an accent
        text = _TEX_COMMAND.sub(" ", text)
    text = text.translate(_TEX_MARKS) if "$" in text or "{" in text or "\\" in text else text
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return text.casefold()


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the word without its plural ending. A light stemmer keeps different words different.

    >>> [stem(word) for word in ("networks", "theories", "classes", "bias", "analysis")]
    ['network', 'theory', 'class', 'bias', 'analysis']
    """
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is", "ias", "as")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y" if len(word) > 4 else word[:-1]
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def extract_terms(text: str) -> list[str]:
    """Return every term of a text, repeated as often as it occurs: stemmed words and pairs of neighbours.

    Pairs skip stopwords and never cross the end of a sentence. A hyphenated word gives its parts and their
    pairs.
    """
    terms: list[str] = []
    for words in _split_sentences(text):
        terms += words
        terms += [f"{first} {second}" for first, second in pairwise(words)]
    return terms


@lru_cache(maxsize=2048)  # the same papers are explained to many readers
def get_surface_forms(text: str) -> Mapping[str, str]:
    """Return how a text writes each of its terms, preferably in lower case.

    A pair that includes a part of a hyphenated word is shown with the whole word. Pairs with more than
    connectives in between (`state of the art`) would read badly ("show that sheep") and are left out.
    """
    surfaces: dict[str, str] = {}
    for sentence in SENTENCE_END.split(text):
        words = [located for located in _locate_words(sentence) if located[0] not in STOPWORDS]
        singles = [(stem(word), start, end) for word, (start, end), _ in words]
        pairs = [
            (f"{stem(first)} {stem(second)}", first_whole[0], second_whole[1])
            for (first, (_, end), first_whole), (second, (start, _), second_whole) in pairwise(words)
            if end + 1 >= start or CONNECTIVES.issuperset(_WORD.findall(sentence, end, start))
        ]
        indent = len(sentence) - len(sentence.lstrip())
        for term, start, end in (*singles, *pairs):
            surface = " ".join(sentence[start:end].split())
            if start <= indent and _CAPITALIZED_START.fullmatch(sentence[start:].split("\n")[0]):
                surface = surface[0].lower() + surface[1:]  # a capital only because a sentence starts
            if term not in surfaces or (surface.islower() and not surfaces[term].islower()):
                surfaces[term] = surface
    return surfaces


def _split_sentences(text: str) -> Iterator[list[str]]:
    """Yield the stemmed words of each sentence, without stopwords."""
    for sentence in SENTENCE_END.split(normalize_text(text)):
        words = [word for token in _WORD.findall(sentence) for word in _stem_parts(token)]
        if words:
            yield words


@lru_cache(maxsize=50_000)
def _stem_parts(token: str) -> tuple[str, ...]:
    """Return the stems of a word's parts between hyphens, without stopwords, letters and numbers."""
    parts = _HYPHENS.split(_APOSTROPHE.sub("", token))
    return tuple(
        stem(part) for part in parts if len(part) > 1 and not part.isdigit() and part not in STOPWORDS
    )


def _locate_words(sentence: str) -> Iterator[tuple[str, Span, Span]]:
    """Yield each word or part of a hyphenated word, its span, and the span of the whole hyphenated word."""
    for match in _WORD.finditer(sentence):
        start, token = match.start(), match.group()
        if token.isalnum():  # not hyphenated, as most words
            word, span = normalize_text(token), match.span()
            if len(word) > 1 and not word.isdigit():
                yield word, span, span
            continue
        token = _APOSTROPHE.sub("", token)
        whole = (start, start + len(token))
        for part in _HYPHENS.split(token):
            word = normalize_text(part)
            if len(word) > 1 and not word.isdigit():
                yield word, (start, start + len(part)), whole
            start += len(part) + 1
