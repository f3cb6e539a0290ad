"""Cursors: opaque texts that say where the next page of a list begins."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from digest.models.errors import InvalidChange

MAX_POSITION = 2**62
Limit = Annotated[int, Field(ge=1, le=500, description="entries of one page")]
CursorText = Annotated[
    str, Field(max_length=60, description="`next_cursor` of the previous page; without it, the first page")
]


class CursorKind(StrEnum):
    """What the number in a cursor counts; a cursor of another list is refused."""

    AFTER = "a"  # entries with a greater number follow: none is skipped or repeated, whatever is added
    BEFORE = "b"  # entries with a smaller number follow, the same
    OFFSET = "o"  # so many entries came before


def encode_cursor(kind: CursorKind, position: int) -> str:
    """Return the cursor of a position."""
    return urlsafe_b64encode(f"{kind}{position}".encode()).decode().rstrip("=")


def decode_before(cursor: str) -> int | None:
    """Return the number before which the page begins, None for the first page. Raises InvalidChange."""
    return decode_cursor(CursorKind.BEFORE, cursor) or None


def encode_next(found: Sequence[Any], limit: int) -> str | None:
    """Return the cursor of what comes before the last of these entries; None if the page is not full."""
    return encode_cursor(CursorKind.BEFORE, found[-1].id) if len(found) == limit else None


def decode_cursor(kind: CursorKind, cursor: str) -> int:
    """Return the position of a cursor, 0 for the first page.

    Raises:
        InvalidChange: the cursor is not of this list.

    """
    if not cursor:
        return 0
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        position = int(text[1:]) if text[1:].isdecimal() else -1
    except ValueError as error:
        raise InvalidChange("This cursor does not belong to this list; start without a cursor.") from error
    if text[:1] != kind or not 0 <= position <= MAX_POSITION:
        raise InvalidChange("This cursor does not belong to this list; start without a cursor.")
    return position
