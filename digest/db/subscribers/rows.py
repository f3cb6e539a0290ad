"""Conversion of subscribers to and from rows. The JSON columns are read as text and validated."""

import secrets
from base64 import b32encode
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.dialects import strip_unstorable
from digest.db.tables import SUBSCRIBER
from digest.models import Preferences, Profile, Schedule, Status, Subscriber
from digest.models.addresses import parse_address

_PROFILE = TypeAdapter(Profile)
_SCHEDULE = TypeAdapter(Schedule)
_PREFERENCES = TypeAdapter(Preferences)

COLUMNS = tuple(
    sa.cast(column, sa.Text).label(column.name)
    if column.name in {"profile", "schedule", "preferences"}
    else column
    for column in SUBSCRIBER.c
)
"""What `to_subscriber` reads."""
ADDRESSEE_COLUMNS = (
    SUBSCRIBER.c.pid.label("reader_pid"),
    SUBSCRIBER.c.address.label("current"),
    SUBSCRIBER.c.mailbox,
    SUBSCRIBER.c.status,
    sa.cast(SUBSCRIBER.c.schedule, sa.Text).label("schedule"),
    sa.cast(SUBSCRIBER.c.preferences, sa.Text).label("preferences"),
    SUBSCRIBER.c.created_at.label("subscribed_at"),
    SUBSCRIBER.c.confirmed_at,
    SUBSCRIBER.c.next_due,
    SUBSCRIBER.c.served_until,
)
"""What `to_addressee` reads beside a delivery: a profile is long and not needed to send a message."""


def create_public_id() -> str:
    """Return a new random public id of small letters and digits, which cannot be guessed."""
    return b32encode(secrets.token_bytes(10)).decode("ascii").lower()


def to_row(subscriber: Subscriber) -> dict[str, Any]:
    """Return the columns of a subscriber without the id, which the database assigns."""
    address = parse_address(subscriber.address)
    confirmed = subscriber.status is Status.CONFIRMED
    return {
        "pid": subscriber.public_id,
        "address": address.display,
        "mailbox": address.mailbox,
        "status": str(subscriber.status),
        "profile": _PROFILE.dump_python(subscriber.profile, mode="json", exclude_defaults=True),
        "schedule": _SCHEDULE.dump_python(subscriber.schedule, mode="json"),
        "preferences": _PREFERENCES.dump_python(subscriber.preferences, mode="json"),
        "created_at": subscriber.created_at,
        "confirmed_at": subscriber.confirmed_at,
        "status_since": subscriber.status_since or subscriber.created_at,
        "asked_at": subscriber.asked_at,
        "next_due": subscriber.next_due if confirmed else None,
        "served_until": subscriber.cursor,
        "frequency": str(subscriber.schedule.frequency),
        "language": subscriber.preferences.language,
    }


def join_keywords(profile: Profile) -> str:
    """Return keywords and named interests as they are searched: in small letters, one a line."""
    words = [*profile.keywords, *(word for facet in profile.facets for word in (*facet.keywords, facet.name))]
    return strip_unstorable("\n".join(word.casefold() for word in dict.fromkeys(words) if word))


def to_subscriber(row: sa.Row[Any]) -> Subscriber:
    """Convert a row of `COLUMNS`."""
    return Subscriber(
        id=row.id,
        public_id=row.pid,
        address=row.address,
        status=Status(row.status),
        profile=_PROFILE.validate_json(row.profile),
        schedule=_parse_schedule(row.schedule),
        preferences=_parse_preferences(row.preferences),
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        status_since=row.status_since,
        asked_at=row.asked_at,
        next_due=row.next_due,
        cursor=row.served_until,
    )


def to_addressee(row: sa.Row[Any]) -> Subscriber | None:
    """Convert the columns of a delivery and of `ADDRESSEE_COLUMNS`; None if it has no subscriber."""
    if row.status is None:
        return None
    return Subscriber(
        id=row.subscriber_id,
        public_id=row.reader_pid,
        address=row.current,
        status=Status(row.status),
        schedule=_parse_schedule(row.schedule),
        preferences=_parse_preferences(row.preferences),
        created_at=row.subscribed_at,
        confirmed_at=row.confirmed_at,
        next_due=row.next_due,
        cursor=row.served_until,
    )


@lru_cache(maxsize=4096)  # most subscribers have one of a few
def _parse_schedule(text: str) -> Schedule:
    return _SCHEDULE.validate_json(text)


@lru_cache(maxsize=4096)
def _parse_preferences(text: str) -> Preferences:
    return _PREFERENCES.validate_json(text)
