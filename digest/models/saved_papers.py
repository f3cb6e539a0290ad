"""Papers that a subscriber saved, and the Zotero library to which they go."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from digest.models.papers import Paper

MAX_SAVED_PAPERS = 5_000  # of one subscriber
MAX_NOTE_CHARS = 2_000
MAX_TAGS = 20  # of one paper
MAX_TAG_CHARS = 50
# The wait after each failed attempt to send papers to Zotero; the last one repeats.
ZOTERO_RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (2, 10, 60, 360, 1440))
_SEPARATOR = re.compile(r"[,;\n]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPaper:
    """A paper as one subscriber saved it."""

    paper: Paper
    saved_at: datetime
    note: str = ""
    tags: tuple[str, ...] = ()
    zotero_at: datetime | None = None  # when their Zotero library took it


class ZoteroProblem(StrEnum):
    """Why papers are not in a Zotero library."""

    REFUSED = "refused"  # the key, which was deleted
    UNREADABLE = "unreadable"  # the sealed key, so that it must be entered again
    UNREACHABLE = "unreachable"  # for now; the papers are sent again
    REJECTED = "rejected"  # some papers, which are not sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoteroAccount:
    """A subscriber's Zotero library. The key is sealed, see `sealing`."""

    subscriber_id: int
    library: str  # `users/NUMBER` or `groups/NUMBER`
    sealed_key: str = field(repr=False)
    connected_at: datetime
    attempts: int = 0  # failed ones since the last success
    next_at: datetime | None = None  # when papers are sent next; None: nothing waits, or the key was refused
    problem: str = ""  # a ZoteroProblem, a blank, and what Zotero said; empty: none


def parse_tags(text: str) -> tuple[str, ...]:
    """Return the tags in a text with commas, each once and in its order, without blanks and `#`."""
    tags = (" ".join(tag.split()).lstrip("#").strip()[:MAX_TAG_CHARS] for tag in _SEPARATOR.split(text))
    return tuple({tag.casefold(): tag for tag in tags if tag}.values())[:MAX_TAGS]
