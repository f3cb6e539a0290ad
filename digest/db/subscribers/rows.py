"""How does a subscriber look as a row? Profile, schedule and preferences are JSON, checked on the way out."""

import secrets
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.models import Preferences, Profile, Schedule, Status, Subscriber
from digest.models.addresses import parse_address

_PROFILE = TypeAdapter(Profile)
_SCHEDULE = TypeAdapter(Schedule)
_PREFERENCES = TypeAdapter(Preferences)


def new_pid() -> str:
    """A public id that cannot be guessed and says nothing."""
    return secrets.token_urlsafe(12)


def row_of(subscriber: Subscriber) -> dict[str, Any]:
    """The columns of a subscriber; the id is the database's own."""
    address = parse_address(subscriber.address)
    confirmed = subscriber.status is Status.CONFIRMED
    return {
        "pid": subscriber.pid,
        "address": address.shown,
        "mailbox": address.mailbox,
        "status": str(subscriber.status),
        "profile": _PROFILE.dump_python(subscriber.profile, mode="json", exclude_defaults=True),
        "schedule": _SCHEDULE.dump_python(subscriber.schedule, mode="json"),
        "preferences": _PREFERENCES.dump_python(subscriber.preferences, mode="json"),
        "profile_revision": subscriber.profile_revision,
        "created_at": subscriber.created_at,
        "confirmed_at": subscriber.confirmed_at,
        "status_since": subscriber.status_since or subscriber.created_at,
        "asked_at": subscriber.asked_at,
        "next_due": subscriber.next_due if confirmed else None,
        "served_until": subscriber.cursor,
    }


def subscriber_of(row: sa.Row[Any]) -> Subscriber:
    """The subscriber of a whole row."""
    return _person(row, _PROFILE.validate_python(row.profile))


def addressee_of(row: sa.Row[Any]) -> Subscriber:
    """The subscriber of a row as a mail needs them: what they like is long, and is left out."""
    return _person(row, Profile())


def _person(row: sa.Row[Any], profile: Profile) -> Subscriber:
    return Subscriber(
        id=row.id,
        pid=row.pid,
        address=row.address,
        status=Status(row.status),
        profile=profile,
        schedule=_SCHEDULE.validate_python(row.schedule),
        preferences=_PREFERENCES.validate_python(row.preferences),
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        profile_revision=row.profile_revision,
        status_since=row.status_since,
        asked_at=row.asked_at,
        next_due=row.next_due,
        cursor=row.served_until,
    )
