"""Editions: the papers picked for one subscriber on one day, the reasons, and the rendered email."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

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
    """Why a paper was picked: evidence as data; digest.mail puts it into words in the reader's language."""

    because: ReasonKind
    terms: tuple[str, ...] = ()  # the terms that weighed most, heaviest first
    liked_title: str = ""  # the most similar paper the reader liked
    author: str = ""
    category: str = ""
    facet: str = ""
    held_since: date | None = None


class Section(StrEnum):
    """The section of the mail a pick is in."""

    TRENDING = "trending"
    PICKED = "picked"
    ALSO_NEW = "also_new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A paper chosen for an edition, with its scores and its reason."""

    paper: Paper
    section: Section
    heat: Heat
    affinity: float = 0.0
    score: float = 0.0
    reason: Reason


class NewsKind(StrEnum):
    """What happened, in the order in which it matters."""

    WITHDRAWN = "withdrawn"
    PUBLISHED = "published"
    CODE = "code"
    REVISED = "revised"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperNews:
    """One thing that happened to one paper. `id` is 0 until it is stored."""

    kind: NewsKind
    paper_id: str
    title: str  # as its readers knew it
    url: str
    new_title: str = ""  # of a revised paper, if the title changed
    link: str = ""  # the publication, or the code
    version: int = 1
    id: int = 0

    @property
    def key(self) -> str:
        """What makes it unique: a paper has news of each kind once, revisions once per version."""
        ending = f"/{self.version}" if self.kind is NewsKind.REVISED else ""
        return f"{self.kind}/{self.paper_id}{ending}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """When a paper was sent to a subscriber, and how hot it was then."""

    day: date
    expected: float = 0.0
    votes: float | None = None
    resent: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """The papers that may be sent now and their heat: read once per run, shared by every edition."""

    papers: tuple[Paper, ...]
    heat: Mapping[str, Heat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One day's digest for one subscriber."""

    day: date  # in the subscriber's zone
    slot: datetime  # when it was due, UTC
    subscriber: Subscriber
    picks: tuple[Pick, ...]
    notes: tuple[str, ...] = ()  # codes of remarks to the reader, e.g. "votes-missing"
    news: tuple[PaperNews, ...] = ()  # of papers they were sent or saved before

    def get_picks(self, section: Section) -> tuple[Pick, ...]:
        """Return the picks of one section, in their order."""
        return tuple(pick for pick in self.picks if pick.section is section)


# A pick as it is stored: paper, code of the section, heat, what stands for the reason, affinity and score.
PickRow = tuple[Paper, str, Heat, Hashable, float, float]
SECTION_CODES = {"t": Section.TRENDING, "p": Section.PICKED, "n": Section.ALSO_NEW}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRows:
    """An edition whose picks are rows, for many at once: few of them are ever needed as objects."""

    day: date
    slot: datetime
    subscriber: Subscriber
    picks: Sequence[PickRow]
    parse_reason: Callable[[Section, Any], Reason]  # equal reasons if what stands for them is equal
    notes: tuple[str, ...] = ()
    news: tuple[PaperNews, ...] = ()

    def build_pick(self, row: PickRow) -> Pick:
        """Return a pick as an object."""
        paper, code, heat, reason, affinity, score = row
        section = SECTION_CODES[code]
        return Pick(
            paper=paper,
            section=section,
            heat=heat,
            affinity=affinity,
            score=score,
            reason=self.parse_reason(section, reason),
        )

    def to_edition(self) -> Edition:
        """Return the edition with its picks as objects."""
        return Edition(
            day=self.day,
            slot=self.slot,
            subscriber=self.subscriber,
            picks=tuple(map(self.build_pick, self.picks)),
            notes=self.notes,
            news=self.news,
        )


def to_rows(edition: Edition) -> EditionRows:
    """Return an edition with its picks as rows."""
    codes = {section: code for code, section in SECTION_CODES.items()}
    return EditionRows(
        day=edition.day,
        slot=edition.slot,
        subscriber=edition.subscriber,
        picks=[
            (pick.paper, codes[pick.section], pick.heat, pick.reason, pick.affinity, pick.score)
            for pick in edition.picks
        ],
        parse_reason=lambda _, reason: reason,
        notes=edition.notes,
        news=edition.news,
    )


@dataclass(frozen=True, slots=True)
class Email:
    """A rendered message, before it is encoded."""

    subject: str
    text: str
    html: str
