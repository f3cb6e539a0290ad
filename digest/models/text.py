"""Cleaning, sentence splitting and shortening of text from outside."""

import re
from collections.abc import Sequence

MAX_SUMMARY_CHARS = 240  # of the summary on a paper's card
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Zero-width and direction marks, surrogates, private use (placeholders of digest.mail), specials, tags.
_INVISIBLE = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000effff\U000f0000-\U0010ffff]"
)
_NOT_CLEAN = re.compile(rf"{_INVISIBLE.pattern}|[^\S ]|[\x00-\x1f\x7f-\x9f]|  ")
_SENTENCE_START = r"[\"“‘(]?[A-Z0-9]"
_SENTENCE_BREAK = re.compile(rf"(?:(?<=[.!?])|(?<=[.!?][\"”’)]))\s+(?={_SENTENCE_START})|(?<=[。！？])")
_ABBREVIATION_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|cf|vs|Figs?|Eqs?|Sec|Tab|No|Dr|Prof|approx|resp|St|w\.r\.t|a\.k\.a)|\b[A-Z])\.$"
)
_MAX_ABBREVIATION_CHARS = 16  # more than the longest of them has


def clean(text: str) -> str:
    """Return the text on one line: single blanks, no controls, nothing invisible. Idempotent."""
    if not _NOT_CLEAN.search(text):
        return text.strip()
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()


def join_sentences(sentences: Sequence[str]) -> str:
    """Join sentences with a blank, except after a full-width full stop."""
    return re.sub(r"(?<=[。！？]) ", "", " ".join(sentences))


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text; `e.g.` and initials do not end one."""
    sentences: list[str] = []
    for piece in _SENTENCE_BREAK.split(text.strip()):
        if sentences and _ABBREVIATION_END.search(sentences[-1][-_MAX_ABBREVIATION_CHARS:]):
            sentences[-1] += " " + piece
        elif piece.strip():
            sentences.append(piece.strip())
    return sentences


def shorten(text: str, length: int) -> str:
    """Return at most *length* characters; a cut text ends with an ellipsis, after a word if possible."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    at_word = head.rsplit(" ", 1)[0] if " " in head[length // 2 :] and text[length - 1] != " " else head
    return at_word.rstrip(" ,;:.–—-(") + "…"
