"""Who reads, what and when? Subscribers with their interests, schedule and preferences."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

CONFIRM_WITHIN = timedelta(hours=72)  # so long a yes counts, and the link that asks for it lives


@dataclass(frozen=True, slots=True)
class LikedPaper:
    """A paper the reader gave us or judged: a seed, more like this, less like this."""

    title: str
    abstract: str = ""
    paper_id: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One named interest of a reader: kept apart, so that a small one is not drowned by a large one."""

    name: str
    keywords: tuple[str, ...] = ()
    text: str = ""
    liked: tuple[LikedPaper, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who reads: interests as separate facets. Everything is optional; all empty means trending only."""

    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    affiliations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    text: str = ""
    liked: tuple[LikedPaper, ...] = ()  # seed papers and "more like this", newest first
    disliked: tuple[LikedPaper, ...] = ()
    opened: tuple[LikedPaper, ...] = ()  # what opening has taught, newest first: each paper once
    learnt: tuple[tuple[str, float], ...] = ()  # term and weight in [-1, 1], learnt from feedback
    facets: tuple[Facet, ...] = ()  # further interests the reader named


class Mix(StrEnum):
    """The reader's slider between own interests and what everyone reads."""

    MINE = "mine"
    BALANCED = "balanced"
    EVERYONE = "everyone"


class Threshold(StrEnum):
    """How near to a reader's interests a paper must be to be picked."""

    LOOSE = "loose"
    USUAL = "usual"
    STRICT = "strict"


class Status(StrEnum):
    """Where a subscriber stands; only the confirmed are ever mailed."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


class Frequency(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a subscriber wants the digest, in the wall clock of their own zone."""

    timezone: str = "UTC"
    send_at: time = time(7, 0)
    frequency: Frequency = Frequency.DAILY
    weekday: int = 0  # Monday, for the weekly digest
    paused_until: date | None = None


LANGUAGES = ("en", "de", "fr", "es", "zh")  # what the mails' own words can be


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """How the digest should look and what it should hold."""

    mix: Mix = Mix.BALANCED
    trending: int = 3  # papers under "Trending today"
    picked: int = 6  # most papers under "Picked for you"
    threshold: Threshold = Threshold.USUAL  # nothing further away is picked, however much room there is
    also_new: int = 10  # most lines under "Also new"
    language: str = "en"  # of the mail's furniture; papers keep their own
    empty_day_note: bool = False
    clicks_may_teach: bool = False
    feed_revision: int = 0  # raised to end the old address of the private feed


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of the readers: those whose ids lie between these two, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One reader, known by an address."""

    id: int
    pid: str  # public id, in links and message ids; never reveals the address
    address: str
    status: Status = Status.UNCONFIRMED
    profile: Profile = field(default_factory=Profile)
    schedule: Schedule = field(default_factory=Schedule)
    preferences: Preferences = field(default_factory=Preferences)
    created_at: datetime | None = None
    confirmed_at: datetime | None = None
    profile_revision: int = 0
    status_since: datetime | None = None
    asked_at: datetime | None = None  # when we last asked the address to confirm; None: no answer counts
    next_due: datetime | None = None  # only the confirmed have one
    cursor: datetime | None = None  # papers first seen up to here were considered for this reader


MOST_LIKED = 200  # the newest verdicts that are remembered
