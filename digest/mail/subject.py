"""What does the inbox show? A subject from today's best paper and a sentence that names the next ones."""

import re
from collections.abc import Sequence
from functools import lru_cache
from unicodedata import category

from digest.mail.locale import Locale
from digest.mail.summary import told_in_short
from digest.models import Edition, Pick, Section
from digest.models.text import shorten

LONGEST_SUBJECT, LONGEST_PREHEADER, SHORTEST_PREHEADER = 60, 110, 35
REPLY_MARKS = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr|rv)\s*:\s*)+", re.IGNORECASE)


def leads(edition: Edition) -> Sequence[Pick]:
    """The picks from the most to the least telling: the best personal one, what is hot, then the rest."""
    places = {Section.TRENDING: 1, Section.PICKED: 2, Section.ALSO_NEW: 3}
    ordered = sorted(
        edition.picks, key=lambda pick: places[pick.section]
    )  # stable: each section keeps its order
    best = next((at for at, pick in enumerate(ordered) if pick.section is Section.PICKED), 0)
    return (*ordered[best : best + 1], *ordered[:best], *ordered[best + 1 :])


def subject(locale: Locale, edition: Edition) -> str:
    """`Counting Sheep… + 18 more papers`, at most 60 characters."""
    first, *others = leads(edition)
    if not others:
        return name(locale, first.paper.title, LONGEST_SUBJECT)
    more = locale.count(" + %(count)s more paper", " + %(count)s more papers", len(others))
    return name(locale, first.paper.title, LONGEST_SUBJECT - len(more)) + more


def preheader(locale: Locale, edition: Edition) -> str:
    """`Also: Learning to Nap; Dreams as Priors.`: a readable sentence of 35 to 110 characters."""
    first, *others = leads(edition)
    told = ""
    for number in range(1, len(others) + 1):
        room = (LONGEST_PREHEADER - 10) // max(2, number)
        names = [name(locale, pick.paper.title, room) for pick in others[:number]]
        told = locale.say("Also: %(papers)s.") % {"papers": locale.say("; ").join(names)}
        if number >= 2 and len(told) >= SHORTEST_PREHEADER:
            return told
    # Too few or too short names for a sentence: the best paper itself tells the rest.
    return shorten(f"{told} {told_in_short(first.paper)}".strip(), LONGEST_PREHEADER)


@lru_cache(maxsize=8192)
def name(locale: Locale, title: str, room: int) -> str:
    """A paper's short name: what stands before a colon if that is a name, else the title cut at a word."""
    plain = REPLY_MARKS.sub("", " ".join("".join(map(_printable, title[:500])).split()))
    before_colon = plain.partition(": ")[0]
    if 2 <= len(before_colon) <= min(40, room):
        plain = before_colon
    return shorten(plain, room) or locale.say("(untitled)")


def _printable(letter: str) -> str:
    """No emoji and no invisible letters in an inbox."""
    return "" if category(letter) in {"So", "Cf", "Cc", "Cs", "Co", "Cn", "Sk"} else letter
