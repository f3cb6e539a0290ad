"""What may a stranger's text hold? Letters, marks and single blanks; nothing that steers or hides."""

import re
from collections.abc import Sequence

BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Zero-width and direction marks, surrogates, private use (also where stencils mark holes), specials, tags.
UNSEEN = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ue000-\uf8ff\ufeff"
    r"\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000effff\U000f0000-\U0010ffff]"
)
STRANGE = re.compile(rf"{UNSEEN.pattern}|[^\S ]|[\x00-\x1f\x7f-\x9f]|  ")


def clean(text: str) -> str:
    """The same text on one line, without what a reader cannot see. Most texts come back as they are."""
    if not STRANGE.search(text):
        return text.strip()
    return BLANKS.sub(" ", UNSEEN.sub("", text)).strip()


OPENING = r"[\"“‘(]?[A-Z0-9]"
SENTENCE = re.compile(rf"(?:(?<=[.!?])|(?<=[.!?][\"”’)]))\s+(?={OPENING})|(?<=[。！？])")
NOT_AN_END = re.compile(
    r"(?:\b(?:e\.g|i\.e|et al|cf|vs|Figs?|Eqs?|Sec|Tab|No|Dr|Prof|approx|resp|St|w\.r\.t|a\.k\.a)|\b[A-Z])\.$"
)
LONGEST_SHORT = 16  # more letters than the longest of these has


def joined(sentences: Sequence[str]) -> str:
    """Sentences after each other, with a blank between them where the script has blanks."""
    return re.sub(r"(?<=[。！？]) ", "", " ".join(sentences))


def split(text: str) -> list[str]:
    """The sentences of a text; `e.g.` and initials do not end one."""
    sentences: list[str] = []
    for piece in SENTENCE.split(text.strip()):
        if sentences and NOT_AN_END.search(sentences[-1][-LONGEST_SHORT:]):
            sentences[-1] += " " + piece
        elif piece.strip():
            sentences.append(piece.strip())
    return sentences


def shorten(text: str, length: int) -> str:
    """At most `length` characters; what is cut ends with an ellipsis, after a word where there is one."""
    if len(text) <= length:
        return text
    head = text[: length - 1]
    at_word = head.rsplit(" ", 1)[0] if " " in head[length // 2 :] and text[length - 1] != " " else head
    return at_word.rstrip(" ,;:.–—-(") + "…"


MAX_SUMMARY_CHARS = 240  # of what a card says about a paper
