"""Send slots: when the edition of a local day is due, across time zones and clock changes."""

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.models import Frequency, Schedule, Subscriber
from digest.models.errors import ConfigError

MAX_LATENESS = timedelta(hours=12)  # an edition later than this is skipped: the next one is nearer
MAX_ZONE_CHARS = 64  # of a wrong name that a message repeats; the longest right one has 32
MAX_TIME_CHARS = 40  # of a wrong time that a message repeats
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
_TIME = re.compile(
    r"(?:(?P<hour>\d{2}|[1-9]|0(?=:))(?:[:.](?P<minute>\d{2})(?:[:.]\d{2}(?:[.,]\d{1,9})?)?)?|(?P<digits>\d{3,4}))"
    r" ?(?P<half>am|pm|a\.m\.|p\.m\.)?(?: ?uhr)?",
    re.ASCII,
)
_ZONED_TIME = re.compile(
    r"(\d{1,2}(?:[:.]?\d{2}){0,2}(?: ?[ap]\.?m\.?)?) ?(?:[+\-]\d[\d:]*|(?![ap]\.?m)[a-z][a-z/_+\-\d:]*)"
)


def parse_timezone(name: str) -> ZoneInfo:
    """Return the time zone of that name.

    Raises:
        ConfigError: there is none; the message has an example.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, RecursionError) as error:  # RecursionError: of many slashes
        raise ConfigError(
            "%(zone)s is not a time zone; write one like Europe/Berlin or UTC.",
            zone=repr(name[:MAX_ZONE_CHARS]),
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


@lru_cache(maxsize=4096)  # thousands of readers have the same schedule
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


def is_due_on_confirming(reader: Subscriber) -> bool:
    """Return True if the reader has just confirmed: their first edition waits for no slot."""
    return reader.next_due is not None and reader.next_due == reader.confirmed_at


def find_due_edition(reader: Subscriber, now: datetime) -> DueSlot | None:
    """Return the edition that is due to a reader: at once after confirming, else at the slots."""
    confirmed_at = reader.confirmed_at
    if confirmed_at is not None and is_due_on_confirming(reader) and now - confirmed_at < MAX_LATENESS:
        return DueSlot(get_local_day(reader.schedule, confirmed_at), confirmed_at)
    return find_due_slot(reader.schedule, now)


def find_following_slot(reader: Subscriber, now: datetime) -> datetime:
    """Return the next slot after the edition that is due; one on confirming is the edition of its day."""
    if not is_due_on_confirming(reader):
        return find_next_slot(reader.schedule, now)
    slot_that_day = get_slot(reader.schedule, get_local_day(reader.schedule, reader.confirmed_at or now))
    return find_next_slot(reader.schedule, max(now, slot_that_day or now))


@lru_cache(maxsize=4096)
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


def is_paused(schedule: Schedule, now: datetime) -> bool:
    """Return True if the schedule pauses until a local day that has not come yet."""
    return schedule.paused_until is not None and get_local_day(schedule, now) < schedule.paused_until


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
    """Parse a time of day: 07:30, 7.30, 0730, 7:30 pm, 7 pm; seconds are dropped.

    Raises:
        ConfigError: it is no time, or has a time zone in it; the message has an example.
    """
    words = " ".join(text.lower().split())
    match = _TIME.fullmatch(words)
    hour, minute, half = (match["hour"], match["minute"] or "0", match["half"]) if match else ("", "0", None)
    if match and match["digits"]:
        hour, minute = match["digits"][:-2], match["digits"][-2:]
    try:
        if not half:
            return time(int(hour), int(minute))
        if not 1 <= int(hour) <= 12:
            raise ValueError  # noqa: TRY301  13 pm is as wrong as 25:00
        return time(int(hour) % 12 + 12 * (half[0] == "p"), int(minute))
    except ValueError:
        pass
    if zoned := _ZONED_TIME.fullmatch(words):
        raise ConfigError(
            "%(time)s contains a time zone. Give the time alone, like %(alone)s, and set the time zone by "
            "its name, like Europe/Berlin: timezone for one subscriber, DIGEST_TIMEZONE for all.",
            time=repr(text[:MAX_TIME_CHARS]),
            alone=zoned[1],
        )
    raise ConfigError(
        "%(time)s is not a time of day; write one like 07:00.", time=repr(text[:MAX_TIME_CHARS])
    )


def get_send_offset(public_id: str, *, spread_over: timedelta) -> timedelta:
    """Return a subscriber's own delay in [0, *spread_over*); stable, so that digests stay a day apart."""
    if not spread_over:
        return spread_over
    number = int.from_bytes(blake2b(public_id.encode(), digest_size=4).digest(), "big")
    return spread_over * (number / 2**32)
