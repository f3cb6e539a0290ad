"""Short summaries of papers: the source's own, or the sentences of the abstract that say what is new."""

import re
from functools import lru_cache

from digest.models import Paper
from digest.models.text import MAX_SUMMARY_CHARS, clean, join_sentences, shorten, split_sentences

MAX_READ_CHARS = 8_000  # of a summary or an abstract, so that a huge one costs no more
FINDING = re.compile(
    r"\b(?:we|this (?:paper|work|study|article|report|survey)|here)\b.{0,40}?\b"
    r"(?:introduc|propos|present|show|demonstrat|develop|describ|find|prove|report|study|"
    r"investigat|explor|argue|address|ask|build|design)",
    re.IGNORECASE,
)
LEAD_IN = re.compile(
    r"^(?:(?:hence|thus|therefore|however|here|furthermore|moreover|specifically|consequently|accordingly|"
    r"to(?:wards?)? (?:this|that) (?:end|goal|aim)|"
    r"(?:motivated by|in (?:light|view) of) (?:this|these)\b[^,.]{0,60}|"
    r"in (?:this|our) (?:paper|work|study|report|article)|"
    r"to (?:address|tackle|explore|solve|overcome|bridge|fill|mitigate|achieve|close|remedy)\b[^,.]{0,90})"
    r",?\s+){1,3}(?=we\b)",  # not +: a long lead-in would backtrack exponentially
    re.IGNORECASE,
)

MAX_DEPENDENT_CHARS = 60  # of a sentence that says little without the one its pronoun refers to
PRONOUN = re.compile(r"\b(?:they|them|these|those|this|it)\b", re.IGNORECASE)


def summarize_paper(paper: Paper) -> str:
    """Return at most two sentences and 240 characters from the source's summary, else from the abstract."""
    return summarize_text(paper.summary[:MAX_READ_CHARS], paper.abstract[:MAX_READ_CHARS])


@lru_cache(maxsize=4096)
def summarize_text(summary: str, abstract: str) -> str:
    """Do the work of `summarize_paper` on the two texts."""
    return _fit_sentences(clean(summary) or extract_findings(clean(abstract)))


def extract_findings(abstract: str) -> str:
    """Return two sentences, from the first that says what the authors did, else from the beginning."""
    sentences = split_sentences(abstract)
    start = next((index for index, sentence in enumerate(sentences) if FINDING.search(sentence)), 0)
    if start and len(sentences[start]) < MAX_DEPENDENT_CHARS and PRONOUN.search(sentences[start]):
        start -= 1  # `We study when they do.` says nothing without the sentence before it
    first, *more = sentences[start : start + 2] or [""]
    return join_sentences([_drop_lead_in(first), *more])


def _drop_lead_in(sentence: str) -> str:
    """Turn `To this end, we propose …` into `We propose …`: what "this" refers to is not shown."""
    rest = LEAD_IN.sub("", sentence)
    return rest[:1].upper() + rest[1:]


def _fit_sentences(text: str) -> str:
    """Return one or two whole sentences if they fit, else the first one cut at a word."""
    sentences = split_sentences(text)[:2]
    both = join_sentences(sentences)
    if len(both) <= MAX_SUMMARY_CHARS:
        return both
    return shorten(sentences[0], MAX_SUMMARY_CHARS)
