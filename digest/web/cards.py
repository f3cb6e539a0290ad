"""What does a page show of a paper? Its evidence in the words of the mail."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from digest.compose.gist import gist, shorten
from digest.compose.tongue import Tongue, tongue
from digest.compose.wording import meta, tells_votes, trend, why
from digest.model import Heat, Paper, Pick

UNTITLED = "(untitled)"
COLD = Heat(value=0.0, expected=0.0)
LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A paper as a reader sees it."""

    id: str
    title: str
    url: str
    meta: str
    gist: str
    why: str = ""
    links: tuple[tuple[str, str], ...] = ()


def card_of(paper: Paper, heat: Heat | None = None, *, day: date) -> Card:
    """A paper of the public list, with why it trends."""
    speech = tongue("en")
    if heat is None:
        return _card(speech, paper, COLD, reason="")
    return _card(speech, paper, heat, reason=trend(speech, heat, day, has_code=bool(paper.code_url)))


def card_of_pick(pick: Pick, *, day: date, language: str = "en") -> Card:
    """A paper of someone's edition, with why it was picked."""
    speech = tongue(language)
    return _card(speech, pick.paper, pick.heat, reason=why(speech, pick, day))


def safe(url: str) -> str:
    """The URL if a browser may follow it: http and https only, else an empty string."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def _card(speech: Tongue, paper: Paper, heat: Heat, *, reason: str) -> Card:
    return Card(
        id=paper.id,
        title=shorten(paper.title, LONGEST_TITLE) or UNTITLED,
        url=safe(paper.url) or "#",
        meta=meta(speech, paper, heat, told=bool(reason) and tells_votes(heat)),
        gist=gist(paper.summary, paper.abstract) if paper.summary or paper.abstract else "",
        why=f"Why: {reason}." if reason else "",
        links=_links(paper),
    )


def _links(paper: Paper) -> tuple[tuple[str, str], ...]:
    named = (
        ("Abstract", paper.url),
        ("PDF", paper.pdf_url),
        ("Code", paper.code_url),
        ("Project", paper.project_url),
        ("Discussion", paper.discussion_url),
    )
    return tuple((label, safe(url)) for label, url in named if safe(url))
