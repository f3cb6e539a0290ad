"""Parts that several pages show: cards of papers, as in the mail, and buttons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from digest.mail.cards import Anchor, Card, PersonalFields, build_card, build_personal_fields, explain_pick
from digest.mail.links import Links
from digest.mail.locale import get_locale
from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section, Signal, Subscriber
from digest.web.sparkline import sparkline

NO_HEAT = Heat(value=0.0, expected=0.0)
NO_PERSONAL = PersonalFields(why="", why_lines="", more="", less="")


def build_public_card(
    paper: Paper, heat: Heat | None = None, *, day: date, signals: Sequence[Signal] = ()
) -> Card:
    """Return the card of a paper in a public list; with *heat*, also why it trends and a sparkline."""
    locale = get_locale("en")
    pick = Pick(
        paper=paper, section=Section.TRENDING, heat=heat or NO_HEAT, reason=Reason(because=ReasonKind.TREND)
    )
    why = explain_pick(locale, pick, day) if heat else ""
    card = build_card(locale, pick, 0, replace(NO_PERSONAL, why=why))
    anchors = (*card.anchors, Anchor("Details", paper_path(paper)))
    return replace(card, anchors=anchors, sparkline=sparkline(signals) if heat else "")


def paper_path(paper: Paper) -> str:
    """Return the path of the page about one paper."""
    return f"/paper/{quote(paper.id, safe='/:')}"


def build_pick_card(pick: Pick, *, links: Links, reader: Subscriber, day: date) -> Card:
    """Return the card of a pick in a reader's own edition, with its reason and the feedback links."""
    locale = get_locale(reader.preferences.language)
    return build_card(locale, pick, 0, build_personal_fields(locale, links, reader, pick, day))


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one button that POSTs to `action`, with one hidden field if it has a name."""

    label: str
    action: str
    main: bool = False
    name: str = ""
    value: str = ""
