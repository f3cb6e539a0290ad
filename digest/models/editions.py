"""What does one reader get on one day, and why? Picks with their reasons, editions and mails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from digest.models.papers import Heat, Paper
from digest.models.subscribers import Subscriber


class ReasonKind(StrEnum):
    """The kind of evidence behind a pick."""

    TREND = "trend"
    TERMS = "terms"
    LIKED = "liked"
    AUTHOR = "author"
    CATEGORY = "category"
    FACET = "facet"
    EXPLORATION = "exploration"
    NEW = "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why this paper is here: evidence as data, put into words by compose in the reader's language."""

    because: ReasonKind
    terms: tuple[str, ...] = ()  # the terms that weighed most, heaviest first
    liked_title: str = ""  # the nearest paper the reader liked
    author: str = ""
    category: str = ""
    facet: str = ""
    held_since: date | None = None


class Section(StrEnum):
    """Where in the mail a pick stands."""

    TRENDING = "trending"
    PICKED = "picked"
    ALSO_NEW = "also_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A paper chosen for an edition, with both its numbers and its reason."""

    paper: Paper
    section: Section
    heat: Heat
    affinity: float = 0.0
    score: float = 0.0
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What we remember of a paper sent before: when, and how hot it was then."""

    day: date
    expected: float = 0.0
    votes: float | None = None
    resent: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """The papers that may be sent now and how hot they are: read once per run, shared by every edition."""

    papers: tuple[Paper, ...]
    heat: Mapping[str, Heat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One day's digest for one person."""

    day: date  # in the subscriber's zone
    slot: datetime  # the moment it was due, UTC
    subscriber: Subscriber
    picks: tuple[Pick, ...]
    notes: tuple[str, ...] = ()  # codes of things the reader is told, e.g. "votes-missing"

    def section(self, section: Section) -> tuple[Pick, ...]:
        """The picks of one section, in their order."""
        return tuple(pick for pick in self.picks if pick.section is section)


@dataclass(frozen=True, slots=True)
class Email:
    """What a reader sees, before it becomes bytes."""

    subject: str
    text: str
    html: str
