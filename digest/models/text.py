"""Cleaning, sentence splitting and shortening of text from outside."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

MAX_SUMMARY_CHARS = 240  # of the summary on a paper's card
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Soft hyphens, zero-width and direction marks, surrogates, private use (placeholders of digest.mail), tags;
# but not the joiners, without which some scripts are read differently.
_INVISIBLE = (
    r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\U000e0000-\U0010ffff"
)
_TO_REMOVE = re.compile(f"[{_INVISIBLE}]")
_NOT_CLEAN = re.compile(rf"[{_INVISIBLE}\x00-\x1f\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_UNPRINTABLE = re.compile(rf"[{_INVISIBLE}\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# And the joiners, replacement characters, and controls that are not white space.
_UNSEEN_CLASS = rf"{_INVISIBLE}\u200c\u200d\ufffc\ufffd\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_UNSEEN = re.compile(f"[{_UNSEEN_CLASS}]")
_SEEN = re.compile(rf"[^\s{_UNSEEN_CLASS}]")
_SENTENCE_START = r"[\"“‘(]?[A-Z0-9]"
_SENTENCE_END = re.compile(rf"[.!?。！？](?:(?<=[。！？])|[\"”’)]?\s+(?={_SENTENCE_START}))")
_ABBREVIATION_END = re.compile(
    r"\b(?:"
    r"(?i:al|cf|vs|viz|resp|approx|ca|esp|incl|excl|vols?|chs?|chap|secs?|sect|figs?|eqs?|eqns?|refs?|tabs?|apps?"
    r"|append|algs?|thms?|lems?|props?|defs?|defns?|cors?|rems?|exs?|pp?|eds?|suppl?|spp?|subsp|var|op)"
    r"|No|Nos|Nr|Dr|Prof|Mr|Mrs|Ms|St|Jr|Sr|Mt|Jan|Feb|Apr|Aug|Sept?|Oct|Nov|Dec"
    r"|[A-ZÀ-ÖØ-ÞČĐŁŠŽ]"
    r"|(?:[A-Za-z]{1,2}\.-?){1,6}[A-Za-z]{1,2}"  # i.i.d., w.r.t., v.s., U.S., Ph.D.
    r")\.$"
)
_NUMBER_ABBREVIATION_END = re.compile(r"\b(?:nos?|nr|pts?|arts?|ver|v)\.$")  # before a number: `no. 4`
_MAX_ABBREVIATION_CHARS = 16  # more than the longest of them has


def clean(text: str) -> str:
    """Return the text on one line: single blanks, no controls, nothing invisible. Idempotent."""
    if "  " not in text and not _NOT_CLEAN.search(text):
        return text.strip()
    return _BLANKS.sub(" ", _TO_REMOVE.sub("", text)).strip()


def remove_unseen(text: str) -> str:
    """Return the text without anything that nobody sees, joiners too; white space stays."""
    return _UNSEEN.sub("", text)


def strip_unseen(text: str) -> str:
    """Return the text without white space and the same characters at both ends, as they are copied along."""
    first, last = _SEEN.search(text), _SEEN.search(text[::-1])
    return text[first.start() : len(text) - last.start()] if first and last else ""


def split_list(text: str) -> list[str]:
    """Return the items of a list that somebody typed, separated by commas, semicolons or line ends."""
    return [item for part in re.split(r"[,;\n]", text) if (item := clean(part))]


def replace_unprintable(text: str) -> str:
    """Return the text with � for all that would steer a terminal or is invisible; line ends stay."""
    return _UNPRINTABLE.sub("\ufffd", text)


def escape_unprintable(document: str) -> str:
    """Return a JSON document with the same characters written as escapes, so that its value is the same."""
    return _UNPRINTABLE.sub(lambda char: json.dumps(char[0])[1:-1], document)


def join_sentences(sentences: Sequence[str]) -> str:
    """Join sentences with a blank, except after a full-width full stop."""
    return re.sub(r"(?<=[。！？]) ", "", " ".join(sentences))


def split_sentences(text: str) -> list[str]:
    """Return the sentences of a text; abbreviations (`e.g.`, `vol.`) and initials do not end one."""
    sentences: list[str] = []
    for start, end in pairwise([0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]):
        piece = text[start:end].strip()
        if sentences and _ends_with_abbreviation(sentences[-1][-_MAX_ABBREVIATION_CHARS:], piece):
            sentences[-1] += " " + piece
        elif piece:
            sentences.append(piece)
    return sentences


def _ends_with_abbreviation(end: str, following: str) -> bool:
    end = end.rpartition(" ")[2]
    if following[:1].isdigit() and _NUMBER_ABBREVIATION_END.search(end):
        return True
    return bool(_ABBREVIATION_END.search(end))


def shorten(text: str, length: int) -> str:
    """Return at most *length* characters; a cut text ends with an ellipsis, after a word if possible."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    at_word = head.rsplit(" ", 1)[0] if " " in head[length // 2 :] and text[length - 1] != " " else head
    return at_word.rstrip(" ,;:.–—-(") + "…"
