"""Subscribers with their interests, schedule and preferences."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

CONFIRM_TTL = timedelta(hours=72)  # how long a confirmation link is valid
LANGUAGES = ("en", "de", "fr", "es", "zh")  # mails are translated into these
MAX_LIKED_PAPERS = 200  # of a profile, each of liked and disliked; the newest are kept


@dataclass(frozen=True, slots=True)
class LikedPaper:
    """A paper the reader named as a seed or rated: more like this, less like this."""

    title: str
    abstract: str = ""
    paper_id: str = ""


@dataclass(frozen=True, slots=True)
class Facet:
    """One named interest of a reader: kept separate, so that a small one is not outweighed by a large one."""

    name: str
    keywords: tuple[str, ...] = ()
    text: str = ""
    liked: tuple[LikedPaper, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The interests of a reader. Everything is optional; all empty means trending papers only."""

    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    affiliations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    text: str = ""
    liked: tuple[LikedPaper, ...] = ()  # seed papers and "more like this", newest first
    disliked: tuple[LikedPaper, ...] = ()
    opened: tuple[LikedPaper, ...] = ()  # papers opened, newest first, each once
    learnt: tuple[tuple[str, float], ...] = ()  # term and weight in [-1, 1], learnt from feedback
    facets: tuple[Facet, ...] = ()  # further, named interests


NO_INTERESTS = Profile()


class Mix(StrEnum):
    """The balance between own interests and what everyone reads."""

    MINE = "mine"
    BALANCED = "balanced"
    EVERYONE = "everyone"


class Threshold(StrEnum):
    """How similar to a reader's interests a paper must be to be picked."""

    LOOSE = "loose"
    USUAL = "usual"
    STRICT = "strict"


class Status(StrEnum):
    """The state of a subscription; only the confirmed get digests."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


SUBSCRIBED = (Status.CONFIRMED, Status.PAUSED)  # of people who get digests, or will when they resume


class Frequency(StrEnum):
    """How often a digest comes."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When a subscriber gets the digest, in local time."""

    timezone: str = "UTC"
    send_at: time = time(7, 0)
    frequency: Frequency = Frequency.DAILY
    weekday: int = 0  # Monday, for the weekly digest
    paused_until: date | None = None


DEFAULT_SCHEDULE = Schedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """The size, language and content of a subscriber's digest."""

    mix: Mix = Mix.BALANCED
    trending: int = 3  # papers under "Trending today"
    picked: int = 6  # at most, under "Picked for you"
    threshold: Threshold = Threshold.USUAL  # nothing less similar is picked, even if places are free
    also_new: int = 10  # at most, under "Also new"
    language: str = "en"  # of the mail's own texts; papers keep theirs
    empty_day_note: bool = False
    by_mail: bool = True  # False: to channels only, while one of them works
    clicks_may_teach: bool = False
    news: bool = True  # of papers that were sent or saved: withdrawn, published, code, revised
    feed_revision: int = 0  # raised to invalidate the old URL of the private feed


DEFAULT_PREFERENCES = Preferences()


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of subscriber ids, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One reader of the digest, identified by an address."""

    id: int
    public_id: str  # in links and message ids; never reveals the address
    address: str
    status: Status = Status.UNCONFIRMED
    profile: Profile = NO_INTERESTS
    schedule: Schedule = DEFAULT_SCHEDULE
    preferences: Preferences = DEFAULT_PREFERENCES
    created_at: datetime | None = None
    confirmed_at: datetime | None = None
    status_since: datetime | None = None
    asked_at: datetime | None = None  # last confirmation request; None: no confirmation is accepted
    next_due: datetime | None = None  # None unless confirmed
    cursor: datetime | None = None  # papers first seen up to here have been considered
