"""Send slots: when the edition of a local day is due, across time zones and clock changes."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.models import Frequency, Schedule
from digest.models.errors import ConfigError

MAX_LATENESS = timedelta(hours=12)  # an edition later than this is skipped: the next one is nearer
MAX_ZONE_CHARS = 64  # of a wrong name that a message repeats; the longest right one has 32
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


def parse_timezone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ConfigError: there is none; the message has an example.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, RecursionError) as error:  # RecursionError: of many slashes
        raise ConfigError(
            f"{name[:MAX_ZONE_CHARS]!r} is not a time zone; write one like Europe/Berlin or UTC."
        ) from error


def get_slot(schedule: Schedule, day: date) -> datetime | None:
    """Return when (UTC) the edition of that local day is due, None if that day has no edition."""
    if not _has_edition(schedule, day):
        return None
    return _first_instant(schedule.timezone, datetime.combine(day, schedule.send_at))


class DueSlot(NamedTuple):
    """An edition that is due: the subscriber's local day, and when (UTC) its slot began."""

    day: date
    slot: datetime


def find_due_slot(
    schedule: Schedule, now: datetime, *, max_lateness: timedelta = MAX_LATENESS
) -> DueSlot | None:
    """Return the latest day whose slot passed less than *max_lateness* ago; None if nothing is due."""
    today = get_local_day(schedule, now)
    for day in (today, today - _ONE_DAY):
        slot = get_slot(schedule, day)
        if slot is not None and slot <= now:
            return DueSlot(day, slot) if now - slot < max_lateness else None
    return None


def find_next_slot(schedule: Schedule, after: datetime) -> datetime:
    """Return the first slot strictly after *after* and after a pause of the schedule."""
    day = get_local_day(schedule, after)
    if schedule.paused_until is not None:
        day = max(day, schedule.paused_until)
    while True:
        slot = get_slot(schedule, day)
        if slot is not None and slot > after:
            return slot
        day += _ONE_DAY


def get_current_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the slot that is due now, else the next one."""
    due = find_due_slot(schedule, now)
    return due.slot if due else find_next_slot(schedule, now)


def get_local_day(schedule: Schedule, moment: datetime) -> date:
    """Return the subscriber's local date at a moment."""
    return moment.astimezone(parse_timezone(schedule.timezone)).date()


def _has_edition(schedule: Schedule, day: date) -> bool:
    if schedule.paused_until is not None and day < schedule.paused_until:
        return False
    if schedule.frequency is Frequency.WEEKDAYS:
        return day.weekday() < _SATURDAY
    if schedule.frequency is Frequency.WEEKLY:
        return day.weekday() == schedule.weekday
    return True


@lru_cache(maxsize=65536)
def _first_instant(zone_name: str, local: datetime) -> datetime:
    """Return the first moment (UTC) with that local time, or the first after it if clocks skip it."""
    zone = parse_timezone(zone_name)
    early = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == local:
        return early
    # The local time does not exist: clocks were set forward over it. Find the second of the change.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    seconds = range(int((early - before).total_seconds()) + 1)
    change = bisect_left(
        seconds, x=True, key=lambda n: (before + timedelta(seconds=n)).astimezone(zone).utcoffset() != offset
    )
    return before + timedelta(seconds=change)


def parse_time(text: str) -> time:
    """Parse a time of day like 07:00; seconds and a UTC offset are dropped.

    Raises:
        ConfigError: it is no time; the message has an example.
    """
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a time of day; write one like 07:00.") from error


def get_send_offset(public_id: str, *, spread_over: timedelta) -> timedelta:
    """Return a subscriber's own delay in [0, *spread_over*); stable, so that digests stay a day apart."""
    number = int.from_bytes(blake2b(public_id.encode(), digest_size=4).digest(), "big")
    return spread_over * (number / 2**32)
