"""What does a page show of a paper? The same card as the mail, in the same words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from digest.mail.cards import Anchor, Card, Personal, card, personal, reason
from digest.mail.links import Links
from digest.mail.locale import get_locale
from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section, Signal, Subscriber
from digest.web.sparkline import sparkline

COLD = Heat(value=0.0, expected=0.0)
NOTHING = Personal(why="", why_lines="", more="", less="")


def card_of(paper: Paper, heat: Heat | None = None, *, day: date, readings: Sequence[Signal] = ()) -> Card:
    """A paper of a public list, with why it trends if that is known, and a line of how its votes came in."""
    speech = get_locale("en")
    pick = Pick(
        paper=paper, section=Section.TRENDING, heat=heat or COLD, reason=Reason(because=ReasonKind.TREND)
    )
    told = reason(speech, pick, day) if heat else ""
    shown = card(speech, pick, 0, replace(NOTHING, why=told))
    anchors = (*shown.anchors, Anchor("Details", path_of(paper)))
    return replace(shown, anchors=anchors, sparkline=sparkline(readings) if heat else "")


def path_of(paper: Paper) -> str:
    """Where a paper's own page is."""
    return f"/paper/{quote(paper.id, safe='/:')}"


def card_of_pick(pick: Pick, *, links: Links, reader: Subscriber, day: date) -> Card:
    """A paper of someone's own edition, with why it was picked and the links that teach."""
    speech = get_locale(reader.preferences.language)
    return card(speech, pick, 0, personal(speech, links, reader, pick, day))


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one button; it POSTs to `action`, with one field if a name is given."""

    label: str
    action: str
    main: bool = False
    name: str = ""
    value: str = ""
