"""What is this paper about? Two sentences: its summary, or those of the abstract that say what is new."""

import re
from functools import lru_cache

from digest.models import Paper
from digest.models.text import MAX_SUMMARY_CHARS, clean, joined, shorten, split

MOST_READ = 8_000  # of an abstract of any size
NEWS = re.compile(
    r"\b(?:we|this (?:paper|work|study|article|report|survey)|here)\b.{0,40}?\b"
    r"(?:introduc|propos|present|show|demonstrat|develop|describ|find|prove|report|study|"
    r"investigat|explor|argue|address|ask|build|design)",
    re.IGNORECASE,
)
RUN_UP = re.compile(
    r"^(?:(?:hence|thus|therefore|however|here|furthermore|moreover|specifically|consequently|accordingly|"
    r"to(?:wards?)? (?:this|that) (?:end|goal|aim)|"
    r"(?:motivated by|in (?:light|view) of) (?:this|these)\b[^,.]{0,60}|"
    r"in (?:this|our) (?:paper|work|study|report|article)|"
    r"to (?:address|tackle|explore|solve|overcome|bridge|fill|mitigate|achieve|close|remedy)\b[^,.]{0,90})"
    r",?\s+){1,3}(?=we\b)",  # not +: one endless run-up could be cut in more ways than there is time for
    re.IGNORECASE,
)


def told_in_short(paper: Paper) -> str:
    """At most two sentences and 240 characters: the source's own summary, else drawn from the abstract."""
    return gist(paper.summary[:MOST_READ], paper.abstract[:MOST_READ])


@lru_cache(maxsize=4096)
def gist(summary: str, abstract: str) -> str:
    """The same, from the texts."""
    return shortest_telling(clean(summary) or telling(clean(abstract)))


def telling(abstract: str) -> str:
    """The abstract from the sentence on that says what its authors did, or from its beginning."""
    sentences = split(abstract)
    start = next((i for i, sentence in enumerate(sentences) if NEWS.search(sentence)), 0)
    first, *more = sentences[start : start + 2] or [""]
    return joined([_without_run_up(first), *more])


def _without_run_up(sentence: str) -> str:
    """`To this end, we propose …` begins with what nobody has read here: `We propose …`."""
    rest = RUN_UP.sub("", sentence)
    return rest[:1].upper() + rest[1:]


def shortest_telling(text: str) -> str:
    """One or two whole sentences if they fit, else a cut at a word."""
    sentences = split(text)[:2]
    both = joined(sentences)
    if len(both) <= MAX_SUMMARY_CHARS:
        return both
    return shorten(sentences[0], MAX_SUMMARY_CHARS)
