"""Papers, the signals of attention they get, the results of fetching a source, and heat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import Any
from urllib.parse import quote

from digest.models.text import clean

_TEXTS = ("title", "abstract", "summary", "retold", "organization", "submitter", "source")
_LISTS = ("authors", "categories", "keywords")
_LINKS = ("url", "pdf_url", "code_url", "project_url", "discussion_url")


class Announcement(StrEnum):
    """How a source announced a paper: arXiv's own words, `new` where a source has no such notion."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One work, whatever number of versions, listings and sources announced it.

    `id` is canonical (paper_ids.py): `arxiv:2607.28628`, `doi:10.1101/...` or `title:...|surname|year`.
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
    source: str = ""  # the source that reported it first
    text_from: str = ""  # the source of title and abstract; empty: `source`
    authors_from: str = ""  # the source of the author names; empty: `source`
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
    first_seen: datetime | None = None  # set by the database layer: our own clock decides what is new

    @property
    def category(self) -> str:
        """The primary category, or an empty string."""
        return self.categories[0] if self.categories else ""


class SignalKind(StrEnum):
    """What a signal counts."""

    UPVOTES = "upvotes"
    COMMENTS = "comments"
    STARS = "stars"
    POINTS = "points"
    CITATIONS = "citations"
    MODELS = "models"  # on Hugging Face that cite the paper, as the next two
    DATASETS = "datasets"
    SPACES = "spaces"


REPOSITORY_KINDS = (SignalKind.MODELS, SignalKind.DATASETS, SignalKind.SPACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One observed total of attention, at the time it was fetched."""

    paper_id: str
    kind: SignalKind
    value: float
    observed_at: datetime
    source: str


def select_latest(signals: Iterable[Signal]) -> list[Signal]:
    """Return the newest signal of each kind from each source."""
    oldest_first = sorted(signals, key=lambda signal: signal.observed_at)
    return list({(signal.source, signal.kind): signal for signal in oldest_first}.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRepository:
    """A model, dataset or Space on Hugging Face that cites a paper."""

    kind: SignalKind  # one of REPOSITORY_KINDS
    name: str  # owner/name
    likes: int = 0

    @property
    def url(self) -> str:
        """Its page."""
        folder = "" if self.kind is SignalKind.MODELS else f"{self.kind}/"
        return f"https://huggingface.co/{folder}{self.name}"


class Health(StrEnum):
    """How the last fetch of a source went."""

    OK = "ok"
    STALE = "stale"  # a weekday response without a paper that we had not seen
    EMPTY = "empty"  # nothing announced: a weekend or a holiday
    TRUNCATED = "truncated"  # the response was cut at a limit or broken off
    FAILED = "failed"  # no usable response
    CHANGED = "changed"  # a response in an unknown format


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """What one source returned for one scope (a category group, a listing day)."""

    source: str
    scope: str
    read_at: datetime
    papers: tuple[Paper, ...] = ()
    signals: tuple[Signal, ...] = ()
    repositories: Mapping[str, tuple[HubRepository, ...]] = field(default_factory=dict)  # by paper id
    health: Health = Health.OK
    note: str = ""  # a sentence for the operator
    etag: str = ""  # for the next conditional request, see FetchState
    last_modified: str = ""
    unseen: int = 0  # how many of the papers were not in the database when they were fetched
    day: date | None = None  # the announcement day of these papers


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchState:
    """A scope's last good response: for conditional requests, and to recognise a stale response."""

    etag: str = ""
    last_modified: str = ""
    read_at: datetime | None = None
    ids: frozenset[str] = frozenset()  # the papers in it
    day: date | None = None  # FetchResult.day of the last one that was OK and had an unseen paper
    usual: float | None = None  # the median of `unseen` over the last days with new papers


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """How much attention a paper gets, and the evidence.

    `value` is in doublings above a usual paper (0 = usual); the rest is evidence for the reader's words.
    """

    value: float
    expected: float  # E: the forecast of its final votes
    low: float = 0.0
    high: float = 0.0
    source: str = ""  # the source with the greatest weight
    kind: SignalKind | None = None
    votes: float | None = None
    hours: float | None = None  # since listing
    usual: float | None = None  # a usual paper's count at this age
    gained: float | None = None  # since yesterday
    usual_gain: float | None = None
    broke_out_from: float | None = None  # the votes when it was sent, if it broke out since
    broke_out_on: date | None = None
    content_prior: bool = False  # votes missing or very young: ordered by authors, code and topic
    author_votes: float | None = None  # mean votes of its best-known author's earlier papers
    order: float | None = None  # sort key of the trending list: how surely it ends among the week's best
    has_voters: bool = True  # False in a field whose papers get no votes: ordered by citations, then by day
    models: int = 0  # on Hugging Face that cite the paper, as the next two: shown, not weighed
    datasets: int = 0
    spaces: int = 0
    is_doubted: bool = False  # many votes for its age, and nothing else supports it: shown to the operator


@dataclass(frozen=True, slots=True)
class Match:
    """A search result: a paper that contains the words, or is similar in meaning."""

    paper: Paper
    similarity: float  # 1 for the best match, near 0 for the weakest
    is_semantic: bool = False  # matched by embedding; does not contain all the words


def clean_paper(paper: Paper) -> Paper:
    """Return *paper* without control, bidi and invisible characters; in links they are percent-encoded."""
    texts: dict[str, str] = {name: getattr(paper, name) for name in _TEXTS}
    lists: dict[str, tuple[str, ...]] = {name: getattr(paper, name) for name in _LISTS}
    links: dict[str, str] = {name: getattr(paper, name) for name in _LINKS}
    if "".join(chain(texts.values(), links.values(), *lists.values())).isprintable():
        return paper
    changes: dict[str, Any] = {name: clean(text) for name, text in texts.items()}
    changes |= {name: _encode_link(link) for name, link in links.items()}
    changes |= {name: tuple(filter(None, map(clean, values))) for name, values in lists.items()}
    return replace(paper, **changes)


def _encode_link(link: str) -> str:
    return "".join(char if char.isprintable() else quote(char, errors="replace") for char in link)
