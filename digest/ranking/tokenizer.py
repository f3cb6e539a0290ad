"""What are the words of a paper? Terms that compare, and the surface forms that people read."""

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
"""Words of grammar: they join terms and are none themselves."""

JOINING = frozenset({"of", "the", "to", "and", "a", "an"})
"""Words that may stand between the words of one expression."""

Span = tuple[int, int]

_WORD = re.compile(r"[^\W_]+(?:[-\u2010\u2011'\u2019][^\W_]+)*")
_TEX_COMMAND = re.compile(r"\\[a-zA-Z]+\*?\s*")
_TEX_MARKS = str.maketrans(dict.fromkeys("${}~^_\\", " "))
_SENTENCE_END = re.compile(r"[.!?;:]\s|\n")
_STARTS_ONLY = re.compile(r"[A-Z][a-z]+(?:-[a-z]+)*\s+[a-z].*", re.DOTALL)
_HYPHENS = re.compile(r"[-\u2010\u2011]")
_APOSTROPHE = re.compile(r"['\u2019].*$")


def plain(text: str) -> str:
    """The same text without TeX markup, accents and case, for comparing."""
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
    """The word without its plural ending: light, so that different words stay different.

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


def terms(text: str) -> list[str]:
    """Every term of a text, repeated as often as it occurs: stemmed words and pairs of neighbours.

    Pairs skip words of grammar and never cross the end of a sentence; a hyphenated word counts
    as itself, as its parts and as their pairs.
    """
    found: list[str] = []
    for words in _sentences(text):
        found += words
        found += [f"{first} {second}" for first, second in pairwise(words)]
    return found


@lru_cache(maxsize=2048)  # the same papers are explained to reader after reader
def surfaces(text: str) -> Mapping[str, str]:
    """Each term of a text beside the words in which a reader sees it; small letters if there are any.

    A pair with a part of a hyphenated word is seen with the whole word; a pair with more between it than
    `state of the art` has reads badly ("show that sheep") and is not seen at all.
    """
    seen: dict[str, str] = {}
    for sentence in _SENTENCE_END.split(text):
        written = [place for place in _written(sentence) if place[0] not in STOPWORDS]
        spans = [(stem(word), start, end) for word, (start, end), _ in written]
        pairs = [
            (f"{stem(one)} {stem(other)}", begun[0], done[1])
            for (one, (_, end), begun), (other, (start, _), done) in pairwise(written)
            if end + 1 >= start or JOINING.issuperset(_WORD.findall(sentence, end, start))
        ]
        before_first = len(sentence) - len(sentence.lstrip())
        for term, start, end in (*spans, *pairs):
            shown = " ".join(sentence[start:end].split())
            if start <= before_first and _STARTS_ONLY.fullmatch(sentence[start:].split("\n")[0]):
                shown = shown[0].lower() + shown[1:]  # a capital only because a sentence starts
            if term not in seen or (shown.islower() and not seen[term].islower()):
                seen[term] = shown
    return seen


def _sentences(text: str) -> Iterator[list[str]]:
    for sentence in _SENTENCE_END.split(plain(text)):
        words = [stem(word) for word in _words(sentence) if word not in STOPWORDS]
        if words:
            yield words


def _words(sentence: str) -> Iterator[str]:
    for match in _WORD.findall(sentence):
        if match.isalnum():
            if len(match) > 1 and not match.isdigit():
                yield match
            continue
        word = _APOSTROPHE.sub("", match)
        for part in _HYPHENS.split(word):
            if len(part) > 1 and not part.isdigit():
                yield part


def _written(sentence: str) -> Iterator[tuple[str, Span, Span]]:
    """Each word or part of one, where it stands, and where the whole hyphenated word does."""
    for match in _WORD.finditer(sentence):
        start, whole = match.start(), match.group()
        if whole.isalnum():  # most are, and are only themselves
            word, around = plain(whole), match.span()
            if len(word) > 1 and not word.isdigit():
                yield word, around, around
            continue
        whole = _APOSTROPHE.sub("", whole)
        around = (start, start + len(whole))
        for part in _HYPHENS.split(whole):
            word = plain(part)
            if len(word) > 1 and not word.isdigit():
                yield word, (start, start + len(part)), around
            start += len(part) + 1
