"""When is a subscriber's next edition due, and does arXiv announce anything that day?"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from digest.models import Frequency, Schedule
from digest.models.errors import ConfigError

MAX_LATENESS = timedelta(hours=12)  # an edition later than this is skipped: tomorrow's is nearer
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that name; ConfigError with an example when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ConfigError(f"{name!r} is not a time zone; write one like Europe/Berlin or UTC.") from error


def slot_on(schedule: Schedule, day: date) -> datetime | None:
    """The moment (UTC) at which the edition of that local day is due, or None when none is."""
    if not _wants(schedule, day):
        return None
    return _first_instant(schedule.timezone, datetime.combine(day, schedule.send_at))


def due_slot(
    schedule: Schedule, now: datetime, *, max_lateness: timedelta = MAX_LATENESS
) -> tuple[date, datetime] | None:
    """The latest local day whose slot has passed by less than `max_lateness`, with its slot."""
    today = local_day(schedule, now)
    for day in (today, today - _ONE_DAY):
        slot = slot_on(schedule, day)
        if slot is not None and slot <= now:
            return (day, slot) if now - slot < max_lateness else None
    return None


def next_slot(schedule: Schedule, after: datetime) -> datetime:
    """The first slot strictly after a moment; a pause without editions is skipped over."""
    day = local_day(schedule, after)
    if schedule.paused_until is not None:
        day = max(day, schedule.paused_until)
    while True:
        slot = slot_on(schedule, day)
        if slot is not None and slot > after:
            return slot
        day += _ONE_DAY


def local_day(schedule: Schedule, moment: datetime) -> date:
    """The date on the reader's wall at a moment."""
    return moment.astimezone(zone_of(schedule.timezone)).date()


def _wants(schedule: Schedule, day: date) -> bool:
    if schedule.paused_until is not None and day < schedule.paused_until:
        return False
    if schedule.frequency is Frequency.WEEKDAYS:
        return day.weekday() < _SATURDAY
    if schedule.frequency is Frequency.WEEKLY:
        return day.weekday() == schedule.weekday
    return True


@lru_cache(maxsize=65536)
def _first_instant(zone_name: str, wall: datetime) -> datetime:
    """The first moment at which the wall clock shows `wall`, or, in a gap, the first one after it."""
    zone = zone_of(zone_name)
    early = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early
    # The wall time does not exist: clocks jumped over it. Find the second of the jump.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = before.astimezone(zone).utcoffset()
    seconds = range(int((early - before).total_seconds()) + 1)
    jump = bisect_left(
        seconds, x=True, key=lambda n: (before + timedelta(seconds=n)).astimezone(zone).utcoffset() != offset
    )
    return before + timedelta(seconds=jump)


def parse_time(text: str) -> time:
    """A time of day like 07:00; ConfigError with an example when it is none."""
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a time of day; write one like 07:00.") from error
