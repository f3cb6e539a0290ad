"""Word forms: what a keyword and an abstract may write differently and mean alike.

Plural and verb endings, British and American spelling, hyphens and accents make no difference. Coarser than
`digest.ranking.tokenizer.stem`: it decides whether a paper says what a reader typed, not how rare a term is.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from digest.ranking.tokenizer import STOPWORDS, normalize_text, stem

_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?;:]\s|\n")
_OUR = re.compile(r"(?<=[a-z]{2})our(?=$|s$|al|ed|ing|able|ite|less|ful|ist|ism|ation)")
_NO_OUR = frozenset({"four", "hour", "tour", "pour", "sour", "flour", "detour", "contour", "glamour", "your"})
_SPELLINGS = {"centre": "center", "fibre": "fiber", "defence": "defense", "programme": "program"}
_BRITISH = (
    ("isation", "ization"), ("ising", "izing"), ("ised", "ized"), ("iser", "izer"), ("ise", "ize"),
    ("yse", "yze"), ("ysed", "yzed"), ("ysing", "yzing"),
    ("elling", "eling"), ("elled", "eled"), ("eller", "eler"),
)  # fmt: skip
_NO_ISE = frozenset(
    """
    advise arise compromise concise cruise demise devise disguise enterprise excise exercise expertise
    franchise improvise likewise merchandise noise otherwise paradise praise precise premise promise raise
    revise rise supervise surprise treatise wise
    """.split()  # noqa: SIM905  a page of words reads better than a page of quotes
)
_IZE = ("ization", "izing", "ized", "izer", "ize")


@lru_cache(maxsize=200_000)
def fold_word(word: str) -> str:
    """Return the form that all spellings and endings of a word share.

    >>> [fold_word(word) for word in ("optimisation", "optimized", "behaviours", "recommender", "detecting")]
    ['optimiz', 'optimiz', 'behavior', 'recommend', 'detect']
    """
    word = stem(word)
    if len(word) <= 3 or not (word.isascii() and word.isalpha()):
        return word
    return _fold_ending(_fold_spelling(word))


def fold_sentences(text: str) -> list[list[str]]:
    """Return the folded words of each sentence, function words included."""
    return [
        [fold_word(word) for word in split_words(sentence)]
        for sentence in _SENTENCE_END.split(normalize_text(text))
    ]


def split_words(normalized: str) -> list[str]:
    """Return the words and numbers of a text that is normalized already; hyphenated words in their parts."""
    return [word for word in _WORD.findall(normalized) if len(word) > 1 or word.isdigit()]


def remove_stopwords(words: Sequence[str]) -> tuple[str, ...]:
    """Return the folded words that are no function words."""
    return tuple([word for word in words if word not in FOLDED_STOPWORDS])


def _fold_spelling(word: str) -> str:
    if "our" in word and word not in _NO_OUR:
        word = _OUR.sub("or", word)
    if word.endswith("logue"):
        return word[:-2]
    word = _SPELLINGS.get(word, word)
    if word not in _NO_ISE:
        for british, american in _BRITISH:
            if word.endswith(british) and len(word) > len(british) + 2:
                return word[: -len(british)] + american
    return word


def _fold_ending(word: str) -> str:  # noqa: C901  a table of endings, each with its condition
    for ending in _IZE:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + "iz"
    size = len(word)
    if word.endswith("ying") and size > 6:
        return word[:-4] + "y"
    if word.endswith("ied") and size > 5:
        return word[:-3] + "y"
    if word.endswith("ification"):
        return word[:-7] + "y"
    if word.endswith("ing") and size > 6:
        word = word[:-3]
    elif word.endswith("ed") and size > 5 and not word.endswith("eed"):
        word = word[:-2]
    elif word.endswith("ation") and size > 8:
        word = word[:-5]
    elif word.endswith(("sion", "tion")) and size > 6:
        word = word[:-3]
    elif (word.endswith("er") and size > 6) or (word.endswith(("tor", "sor")) and size > 6):
        word = word[:-2]
    if word.endswith("e") and len(word) > 4:
        word = word[:-1]
    if (
        len(word) > 4
        and word[-1] == word[-2]
        and (word[-1] not in "sl" or (word[-1] == "l" and len(word) > 6))
    ):
        return word[:-1]  # "distil" and "distill", "control" and "controller"
    return word


FOLDED_STOPWORDS = STOPWORDS | {fold_word(word) for word in STOPWORDS}
