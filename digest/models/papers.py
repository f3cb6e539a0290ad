"""What was published, and how much attention did it get? Papers, signals, readings and heat."""

from dataclasses import dataclass
from datetime import date, datetime
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
class FetchResult:
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
class FetchState:
    """What we remember of a scope's last good answer: to ask politely, and to notice a stale one."""

    etag: str = ""
    last_modified: str = ""
    read_at: datetime | None = None
    newest: str = ""  # the highest paper id of that answer
    ids: frozenset[str] = frozenset()  # the papers of that answer
    day: date | None = None  # Reading.day of the last reading that was OK and brought something unseen
    usual: float | None = None  # the median of `unseen` over its last fresh days


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


@dataclass(frozen=True, slots=True)
class Match:
    """A paper that holds the words or means them, and how well: 1 for the best, 0 for the faintest."""

    paper: Paper
    likeness: float
    is_by_meaning: bool = False  # it does not hold all the words
