"""Parts that several pages show: cards of papers, as in the mail, votes and buttons."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import quote

from digest.mail.cards import Anchor, Card, PersonalFields, build_card, build_personal_fields
from digest.mail.links import Links
from digest.mail.locale import Locale, get_locale
from digest.mail.wording import describe_reason
from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section, Signal, Subscriber
from digest.models.votes import Vote
from digest.web.languages import get_page_locale
from digest.web.sparkline import sparkline

NO_HEAT = Heat(value=0.0, expected=0.0)
NO_PERSONAL = PersonalFields(why="", why_lines="", more="", less="")


def build_public_card(
    paper: Paper,
    heat: Heat | None = None,
    *,
    day: date,
    signals: Sequence[Signal] = (),
    locale: Locale | None = None,
) -> Card:
    """Return the card of a paper in a public list; with *heat*, also why it trends and a sparkline.

    It is in the language of the page unless *locale* says another.
    """
    locale = locale or get_page_locale()
    pick = Pick(
        paper=paper, section=Section.TRENDING, heat=heat or NO_HEAT, reason=Reason(because=ReasonKind.TREND)
    )
    why = describe_reason(locale, pick, day) if heat else ""
    card = build_card(locale, pick, 0, replace(NO_PERSONAL, why=why))
    anchors = (*card.anchors, Anchor(locale.gettext("Details"), paper_path(paper)))
    line = sparkline(signals, paper.listed, locale) if heat else ""
    return replace(card, anchors=anchors, sparkline=line)


def paper_path(paper: Paper) -> str:
    """Return the path of the page about one paper."""
    return f"/paper/{quote(paper.id, safe='/:')}"


def build_pick_card(pick: Pick, *, links: Links, reader: Subscriber, day: date) -> Card:
    """Return the card of a pick in a reader's own edition, with its reason and the feedback links."""
    locale = get_locale(reader.preferences.language)
    reason = describe_reason(locale, pick, day)
    return build_card(locale, pick, 0, build_personal_fields(locale, links, reader, pick, reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteBox:
    """A reader's vote on one paper: the buttons, or what was voted and a button that undoes it."""

    id: str  # unique on the page
    action: str  # the path to which the buttons POST
    verdict: str = ""  # what was voted: more, less, save
    reason: str = ""  # of less: topic, quality, seen
    meant: str = ""  # the verdict of the link that was followed; a script presses its button
    back: str = ""  # the path of the page that shows the box, for browsers without JavaScript
    undone: bool = False  # just now


def build_vote_box(  # noqa: PLR0913  the fields of a box
    paper_id: str, url: str, given: Vote | None, *, meant: str = "", back: str = "", undone: bool = False
) -> VoteBox:
    """Return the box of a paper whose feedback link is *url*, with the vote that was *given* on it."""
    return VoteBox(
        id="vote-" + re.sub(r"\W", "-", paper_id),
        action=url[url.index("/v/") :],
        verdict=given.verdict if given else "",
        reason=given.reason if given else "",
        meant="" if given else meant,
        back=back,
        undone=undone,
    )


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one button that POSTs to `action`, with one hidden field if it has a name."""

    label: str
    action: str
    main: bool = False
    name: str = ""
    value: str = ""
