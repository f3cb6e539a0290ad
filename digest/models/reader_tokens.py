"""Subscribers' own tokens of the API, without the token itself."""

from dataclasses import dataclass
from datetime import datetime

MAX_READER_TOKENS = 10  # of one subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderToken:
    """A token by which a program acts for one subscriber."""

    id: int
    subscriber_id: int
    name: str
    shown: str  # its beginning, by which people tell their tokens apart
    may_write: bool  # vote and save; every token may read
    created_at: datetime
    used_at: datetime | None = None
