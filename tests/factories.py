"""Builders of test data: papers, signals and subscribers around one fixed moment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

from digest.db import Transaction
from digest.models import Paper, Preferences, Profile, Schedule, Signal, SignalKind, Status, Subscriber
from digest.models.administrators import Administrator, AdminToken, Role

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday

_numbers = count(1)


def make_paper(
    title: str = "Counting Sheep in Sublinear Time",
    *,
    id: str = "",  # noqa: A002  the noun's own word
    abstract: str = "We count sheep in sublinear time and sleep well.",
    authors: Sequence[str] = ("Ada Loveless", "Bo Chen"),
    categories: Sequence[str] = ("cs.LG",),
    version: int = 1,
    first_seen: datetime | None = NOW - timedelta(hours=6),
) -> Paper:
    """Return a paper; every call returns another one unless *id* is given."""
    number = id or f"arxiv:2611.{next(_numbers):05d}"
    return Paper(
        id=number,
        title=title,
        abstract=abstract,
        url=f"https://arxiv.org/abs/{number.removeprefix('arxiv:')}",
        published=NOW - timedelta(hours=20),
        authors=tuple(authors),
        categories=tuple(categories),
        version=version,
        first_seen=first_seen,
    )


def make_signal(
    of: Paper,
    value: float,
    *,
    kind: SignalKind = SignalKind.UPVOTES,
    hours_ago: float = 0,
    source: str = "huggingface",
) -> Signal:
    """Return one signal of a paper, observed *hours_ago* before NOW."""
    return Signal(
        paper_id=of.id, kind=kind, value=value, observed_at=NOW - timedelta(hours=hours_ago), source=source
    )


def store_subscriber(
    tx: Transaction,
    address: str,
    *,
    profile: Profile | None = None,
    schedule: Schedule | None = None,
    preferences: Preferences | None = None,
    status: Status = Status.UNCONFIRMED,
    now: datetime,
    next_due: datetime | None = None,
) -> Subscriber:
    """Add a subscriber to the database, or return the existing one with this mailbox, unchanged."""
    newcomer = make_subscriber(address, id=0, profile=profile, schedule=schedule, preferences=preferences)
    confirmed_at = now if status is Status.CONFIRMED else None
    newcomer = replace(newcomer, status=status, confirmed_at=confirmed_at, next_due=next_due)
    return tx.subscribers.add(newcomer, now=now)


def make_subscriber(
    address: str = "ada@example.com",
    *,
    id: int = 1,  # noqa: A002  the noun's own word
    status: Status = Status.CONFIRMED,
    profile: Profile | None = None,
    schedule: Schedule | None = None,
    preferences: Preferences | None = None,
) -> Subscriber:
    """Return a confirmed subscriber, with an empty profile unless one is given."""
    return Subscriber(
        id=id,
        public_id=f"reader{id:04d}",
        address=address,
        status=status,
        profile=profile or Profile(),
        schedule=schedule or Schedule(),
        preferences=preferences or Preferences(),
        created_at=NOW - timedelta(days=30),
        confirmed_at=NOW - timedelta(days=30),
    )


def make_admin_token(person: Administrator) -> AdminToken:
    """Return a person's token for the API, which may only read and does not expire."""
    return AdminToken(
        public_id=f"token-of-{person.public_id}",
        administrator=person,
        name="export",
        hint="digest_admin_1234…",
        scope=Role.VIEWER,
        created_at=NOW,
        expires_at=None,
    )
