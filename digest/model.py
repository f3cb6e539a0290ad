"""What do we talk about? The nouns of the house: frozen values, standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum


class Announcement(StrEnum):
    """How a source announced a paper: arXiv's own words, `new` where a source has no such notion."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One work, whatever number of versions, listings and sources announced it.

    `id` is canonical (identity.py): `arxiv:2607.28628`, `doi:10.1101/...` or `title:...|surname`.
    `title`, `abstract` and `authors` are readable Unicode, cleaned when they were fetched.
    """

    id: str
    title: str
    abstract: str = ""
    url: str = ""
    published: datetime | None = None
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()  # the first is the primary one
    version: int = 1
    aliases: tuple[str, ...] = ()  # other canonical keys of the same work
    announcement: Announcement = Announcement.NEW
    source: str = ""  # the source that saw it first
    text_from: str = ""  # the source whose title and abstract stand here; empty: `source`
    authors_from: str = ""  # the source whose author names stand here; empty: `source`
    summary: str = ""  # one or two sentences by the source itself, if it has them
    retold: str = ""  # one sentence by the operator's language model, always labelled
    keywords: tuple[str, ...] = ()
    pdf_url: str = ""
    code_url: str = ""
    project_url: str = ""
    discussion_url: str = ""
    organization: str = ""
    submitter: str = ""
    listed: date | None = None  # the day a trending source put it on its list
    withdrawn: bool = False
    first_seen: datetime | None = None  # set by the store: our own clock decides what is new

    @property
    def category(self) -> str:
        """The primary category, or an empty string."""
        return self.categories[0] if self.categories else ""


class SignalKind(StrEnum):
    """What was counted."""

    UPVOTES = "upvotes"
    COMMENTS = "comments"
    STARS = "stars"
    POINTS = "points"
    CITATIONS = "citations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One observed total of attention, at the time we read it."""

    paper_id: str
    kind: SignalKind
    value: float
    observed_at: datetime
    source: str


class Health(StrEnum):
    """How a source did in its last reading."""

    OK = "ok"
    STALE = "stale"  # a weekday answer with nothing in it that we had not seen
    EMPTY = "empty"  # nothing announced: a weekend or a holiday
    TRUNCATED = "truncated"  # the answer was cut at a cap or broken off
    FAILED = "failed"  # no usable answer
    CHANGED = "changed"  # an answer in a shape we do not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one source answered for one scope (a category group, a listing day)."""

    source: str
    scope: str
    read_at: datetime
    papers: tuple[Paper, ...] = ()
    signals: tuple[Signal, ...] = ()
    health: Health = Health.OK
    note: str = ""  # a sentence for people
    body: bytes = b""  # the raw answer, kept for replay
    etag: str = ""  # what the server wants to hear next time, see Memory
    last_modified: str = ""
    unseen: int = 0  # how many of the papers the store did not hold when they were read
    day: date | None = None  # the announcement day this batch is the news of
    newest: str = ""  # the highest paper id in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What we remember of a scope's last good answer: to ask politely, and to notice a stale one."""

    etag: str = ""
    last_modified: str = ""
    read_at: datetime | None = None
    newest: str = ""  # the highest paper id of that answer
    ids: frozenset[str] = frozenset()  # the papers of that answer
    day: date | None = None  # Reading.day of the last reading that was OK and brought something unseen
    usual: float | None = None  # the median of `unseen` over its last fresh days


@dataclass(frozen=True, slots=True)
class Liking:
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
    liked: tuple[Liking, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Who reads: interests as separate facets. Everything is optional; all empty means trending only."""

    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    affiliations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    text: str = ""
    liked: tuple[Liking, ...] = ()  # seed papers and "more like this", newest first
    disliked: tuple[Liking, ...] = ()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """How much the field is excited about a paper, and the numbers that say so.

    `value` is in doublings above a usual paper (0 = usual); the rest is evidence for the reader's words.
    """

    value: float
    expected: float  # E: final votes it is on course for
    low: float = 0.0
    high: float = 0.0
    source: str = ""  # the source that weighed most
    kind: SignalKind | None = None
    votes: float | None = None
    hours: float | None = None  # since listing
    usual: float | None = None  # a usual paper's count at this age
    gained: float | None = None  # since yesterday
    usual_gain: float | None = None
    broke_out_from: float | None = None  # the count when we sent it, if it broke out since
    broke_out_on: date | None = None
    content_prior: bool = False  # votes missing or very young: ordered by authors, code and topic
    author_votes: float | None = None  # what its authors' earlier papers drew
    order: float | None = None  # sorts the trending list: how surely it ends among the week's best
    is_doubted: bool = False  # many votes for its age, and nothing else speaks for it: an admin looks


class Because(StrEnum):
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

    because: Because
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


class DeliveryKind(StrEnum):
    """What a delivery carries; also its place in the queue."""

    CONFIRM = "confirm"
    NOTICE = "notice"
    ADMIN = "admin"
    DIGEST = "digest"


class DeliveryState(StrEnum):
    """Where a delivery stands (docs: delivery). The last five are final."""

    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What we remember of a paper sent before: when, and how hot it was then."""

    day: date
    expected: float = 0.0
    votes: float | None = None
    resent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A mail that shall go out, as the ledger is told about it.

    `key` makes it unique for ever: planning it again changes nothing. `papers` are remembered as
    sent from now on, and released again if the mail ends without having been accepted.
    """

    kind: DeliveryKind
    key: str  # digest/<subscriber>/<local date>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    slot: datetime
    not_before: datetime
    not_after: datetime
    day: date | None = None  # in the subscriber's zone
    payload: Mapping[str, object] = field(default_factory=dict)
    papers: Mapping[str, Sent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The ledger row: an edition's (or a notice's) way to an address."""

    id: int
    pid: str
    kind: DeliveryKind
    key: str  # unique: digest/<subscriber>/<local date>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    state: DeliveryState
    payload: Mapping[str, object]
    slot: datetime
    not_before: datetime
    not_after: datetime
    message_id: str  # the same on every try; the part before the @, compose adds the domain
    day: date | None = None  # in the subscriber's zone
    attempt: int = 0
    uncertain: int = 0
    generation: int = 0
    render_failures: int = 0
    last_reply: str = ""
    accepted_at: datetime | None = None
    reader: Subscriber | None = field(default=None, compare=False, repr=False)  # as of when it was claimed


class BounceKind(StrEnum):
    """What a refusal or a report says about an address."""

    HARD = "hard"  # no such mailbox: never again
    UNSURE = "unsure"  # refused without saying why: never again if it happens twice
    SOFT = "soft"  # full, or away: counted by days
    COMPLAINT = "complaint"  # the reader called it spam: never again
    OTHER = "other"  # noted, without consequences


class Brake(StrEnum):
    """How a receiving domain asks for less mail."""

    SLOW = "slow"  # half the rate from now on
    STOP = "stop"  # it refuses our mail as such: nothing for an hour, a person looks


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one sender took from the queue, and what left the queue on the way."""

    deliveries: tuple[Delivery, ...] = ()
    expired: int = 0
    cancelled: int = 0
    again_in: float | None = None  # seconds until throttled mail may go, if there is any


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What one try made of a delivery; the ledger writes it down as it is."""

    delivery: Delivery
    state: DeliveryState
    at: datetime
    not_before: datetime | None = None  # when it is tried again, if it is queued again
    spends: bool = False  # it used up one try of the retry ladder
    doubtful: bool = False  # the server may have taken it without our knowing
    misprint: bool = False  # it could not be rendered
    code: int = 0
    enhanced: str = ""
    text: str = ""
    remote_id: str = ""
    route: str = ""
    bounce: BounceKind | None = None
    brake: Brake | None = None


class SuppressionReason(StrEnum):
    """Why an address is never written to again."""

    HARD = "hard"
    COMPLAINT = "complaint"
    REQUEST = "request"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A standing order never to mail an address; holds only a keyed hash, so it outlives erasure."""

    key: str
    reason: SuppressionReason
    at: datetime
