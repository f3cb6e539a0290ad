"""A period in a filter: two days of a form, of which each may be missing or nonsense."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The moments between which something lies, and what the form shows again."""

    since: datetime | None = None
    until: datetime | None = None  # not included: the day after the last one
    first_day: str = ""
    last_day: str = ""
    problems: tuple[str, ...] = ()


def parse_period(first: str, last: str) -> Period:
    """Return the period from one day to another, both included; what is no day is left out and said."""
    days = {text: _parse_day(text) for text in (first, last) if text}
    since, until = days.get(first), days.get(last)
    return Period(
        since=since,
        until=until + timedelta(days=1) if until and until.year < date.max.year else None,
        first_day=first if since else "",
        last_day=last if until else "",
        problems=tuple(
            f"{text[:20]} is not a day; write it like 2026-11-23."
            for text, day in days.items()
            if day is None
        ),
    )


def _parse_day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
