"""What stands on a paper's card? A pick as strings to print, every link allowed or left out."""

import re
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlsplit

from digest.mail import wording
from digest.mail.links import Links
from digest.mail.locale import Locale
from digest.mail.summary import told_in_short
from digest.mail.text_wrap import wrapped
from digest.models import Paper, Pick, Section, Subscriber
from digest.models.text import MAX_SUMMARY_CHARS, clean, shorten

LONGEST_TITLE = 300
LONGEST_URL = 400
LOOKS_LIKE_A_LINK = re.compile(r"https?:|www\.|^\S+\.[a-z]{2,}(?:/\S*)?$", re.IGNORECASE)
SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link and the word it stands under."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One paper as it is printed."""

    number: str  # "1" and so on under Trending, else empty
    title: str
    href: str  # empty: the title is not linked
    lang: str  # of title and gist, empty if it is the mail's own
    meta: str
    why: str
    why_lines: str  # the same for the text part, in lines
    gist: str
    anchors: tuple[Anchor, ...]
    more: str
    less: str
    sparkline: str = ""  # how the votes came in, as SVG, on pages; mail gets none


@dataclass(frozen=True, slots=True)
class Personal:
    """What one reader's card has of its own: the reason, two links that teach, where the title leads."""

    why: str
    why_lines: str
    more: str
    less: str
    href: str = ""  # the paper's page here, for readers whom opening may teach; else the title leads straight


NOTHING_OWN = Personal(why="", why_lines="", more="", less="")


def personal(locale: Locale, links: Links, reader: Subscriber, pick: Pick, day: date) -> Personal:
    """The reader's own part of a card."""
    href = links.opening(reader.pid, pick.paper.id) if reader.preferences.clicks_may_teach else ""
    if pick.section is Section.ALSO_NEW:
        return replace(NOTHING_OWN, href=href)
    told = reason(locale, pick, day)
    return Personal(
        why=told,
        why_lines=why_lines(locale, told),
        more=links.more(reader.pid, pick.paper.id),
        less=links.less(reader.pid, pick.paper.id),
        href=href,
    )


def reason(locale: Locale, pick: Pick, day: date) -> str:
    """Why it is here: for a trending paper the same for every reader, for a picked one the reader's own."""
    if pick.section is Section.TRENDING:
        return wording.trend(locale, pick.heat, day, has_code=bool(pick.paper.code_url))
    return wording.why(locale, pick, day) if pick.section is Section.PICKED else ""


def why_lines(locale: Locale, told: str) -> str:
    """The reason in the lines of the text part."""
    return wrapped(f"{locale.say('Why:')} {told}", 3) if told else ""


def card(locale: Locale, pick: Pick, number: int, own: Personal) -> Card:
    """A pick in words, ready to print."""
    paper = pick.paper
    title = shorten(clean(paper.title), LONGEST_TITLE) or locale.say("(untitled)")
    href = "" if LOOKS_LIKE_A_LINK.search(title) else allowed(paper.url)
    told = pick.section is Section.TRENDING and bool(own.why) and wording.tells_votes(pick.heat)
    return Card(
        number=str(number) if pick.section is Section.TRENDING else "",
        title=title,
        href=own.href if href and own.href else href,
        lang=_foreign(locale, paper),
        meta=wording.meta(locale, paper, pick.heat, told=told),
        why=own.why,
        why_lines=own.why_lines,
        gist=_gist(locale, paper),
        anchors=_anchors(locale, paper, linked=bool(href)),
        more=own.more,
        less=own.less,
    )


def _gist(locale: Locale, paper: Paper) -> str:
    """What it is about: a model's sentence says that it is one, whatever template prints it."""
    if not paper.retold:
        return told_in_short(paper)
    return locale.say("AI summary: %(text)s") % {"text": shorten(clean(paper.retold), MAX_SUMMARY_CHARS)}


def allowed(url: str) -> str:
    """The URL if it may stand in a mail: http or https, a host, no blanks, not endless; else nothing."""
    if len(url) > LONGEST_URL or re.search(r"[\s\x00-\x1f\x7f<>\"\\]", url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc else ""


def _anchors(locale: Locale, paper: Paper, *, linked: bool) -> tuple[Anchor, ...]:
    named = (
        (locale.say("Abstract"), "" if linked else paper.url),
        (locale.say("PDF"), paper.pdf_url or _pdf(paper)),
        (locale.say("Code"), paper.code_url),
        (locale.say("Project"), paper.project_url),
        (locale.say("Discussion"), paper.discussion_url),
    )
    return tuple(Anchor(label, href) for label, url in named if (href := allowed(url)))


def _pdf(paper: Paper) -> str:
    number = paper.id.removeprefix("arxiv:")
    return f"https://arxiv.org/pdf/{number}" if number != paper.id else ""


def _foreign(locale: Locale, paper: Paper) -> str:
    """The paper's language if it is not the mail's: told by its script, English in the Latin one."""
    spoken = next((code for code, script in SCRIPTS if script.search(paper.title)), "en")
    return "" if spoken == locale.code else spoken
