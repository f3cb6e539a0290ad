"""Subject, preheader, and order and titles of the sections of a digest.

The subject is the paper that stands first in it, the preheader a sentence with the next ones.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from unicodedata import category

from digest.mail.locale import Locale, gettext_noop
from digest.mail.summary import summarize_paper
from digest.models import Edition, Frequency, Paper, Pick, Reason, ReasonKind, Section
from digest.models.text import shorten

STRONG_AFFINITY = 3.0  # standard deviations above a usual paper of the day
STRONG_REASONS = (ReasonKind.AUTHOR, ReasonKind.TERMS, ReasonKind.LIKED, ReasonKind.FACET)
MAX_SUBJECT_CHARS, MAX_PREHEADER_CHARS, MIN_PREHEADER_CHARS = 60, 110, 35
SECTION_TITLES = {
    Section.TRENDING: gettext_noop("Trending today"),
    Section.PICKED: gettext_noop("Picked for you"),
    Section.ALSO_NEW: gettext_noop("Also new"),
}
TRENDING_THIS_WEEK = gettext_noop("Trending this week")
REPLY_PREFIXES = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr|rv)\s*:\s*)+", re.IGNORECASE)


def order_sections(edition: Edition) -> tuple[Section, ...]:
    """Return the sections in the order of the mail: the personal picks first if the best one is strong."""
    best = next(iter(edition.get_picks(Section.PICKED)), None)
    if best and is_strong(best.affinity, lambda: best.reason):
        return (Section.PICKED, Section.TRENDING, Section.ALSO_NEW)
    return (Section.TRENDING, Section.PICKED, Section.ALSO_NEW)


def get_section_title(edition: Edition, section: Section) -> str:
    """Return the title of a section, to be translated."""
    is_weekly = edition.subscriber.schedule.frequency is Frequency.WEEKLY
    return TRENDING_THIS_WEEK if is_weekly and section is Section.TRENDING else SECTION_TITLES[section]


def is_strong(affinity: float, get_reason: Callable[[], Reason]) -> bool:
    """Return whether a reader's best pick comes before the trending papers."""
    return affinity >= STRONG_AFFINITY and get_reason().because in STRONG_REASONS


def order_picks(edition: Edition) -> Sequence[Pick]:
    """Return the picks in the order of the mail."""
    return [pick for section in order_sections(edition) for pick in edition.get_picks(section)]


def build_subject(locale: Locale, papers: Sequence[Paper]) -> str:
    """Return a subject of at most 60 characters, such as `Counting Sheep… + 18 more papers`."""
    first, *others = papers
    if not others:
        return shorten_title(locale, first.title, MAX_SUBJECT_CHARS)
    more = locale.format_count(" + %(count)s more paper", " + %(count)s more papers", len(others))
    return shorten_title(locale, first.title, MAX_SUBJECT_CHARS - len(more)) + more


def build_preheader(locale: Locale, papers: Sequence[Paper]) -> str:
    """Return `Also: Learning to Nap; Dreams as Priors.`: at most 110 characters, if possible at least 35."""
    first, *others = papers
    sentence = ""
    for number in range(1, len(others) + 1):
        max_chars = (MAX_PREHEADER_CHARS - 10) // max(2, number)
        names = [shorten_title(locale, paper.title, max_chars) for paper in others[:number]]
        sentence = locale.gettext("Also: %(papers)s.") % {"papers": locale.gettext("; ").join(names)}
        if number >= 2 and len(sentence) >= MIN_PREHEADER_CHARS:
            return sentence
    # Too few or too short names for a sentence: the summary of the best paper continues it.
    return shorten(f"{sentence} {summarize_paper(first)}".strip(), MAX_PREHEADER_CHARS)


@lru_cache(maxsize=8192)
def shorten_title(locale: Locale, title: str, max_chars: int) -> str:
    """Return a short name of a paper: what precedes a colon if it is short, else the title cut at a word."""
    plain = REPLY_PREFIXES.sub("", " ".join("".join(map(_drop_unprintable, title[:500])).split()))
    before_colon = plain.partition(": ")[0]
    if 2 <= len(before_colon) <= min(40, max_chars):
        plain = before_colon
    return shorten(plain, max_chars) or locale.gettext("(untitled)")


def _drop_unprintable(char: str) -> str:
    """Return the character, or "" for emoji and invisible characters."""
    return "" if category(char) in {"So", "Cf", "Cc", "Cs", "Co", "Cn", "Sk"} else char
