"""When arXiv announces new papers, and why it is silent on a day: weekends, US holidays, year's end."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SATURDAY = 5
ARXIV_ZONE = "America/New_York"  # arXiv announces by the wall clock there, in summer and in winter
# Days without a mailing that no rule of US holidays gives, from arXiv's own list for 2026.
_EXTRA_SILENT_DAYS = {date(2026, 12, 29): "year's end", date(2026, 12, 31): "year's end"}


def arxiv_day(now: datetime) -> date:
    """The listing day that arXiv's feeds show at a moment: its own date, from midnight there."""
    return now.astimezone(ZoneInfo(ARXIV_ZONE)).date()


def arxiv_announces(day: date) -> bool:
    """Whether arXiv lists new papers on that day of its own calendar."""
    return not arxiv_silence(day)


def arxiv_silence(day: date) -> str:
    """Why arXiv lists nothing new on a day (`weekend`, `holiday: Thanksgiving`), or an empty string."""
    if day.weekday() >= _SATURDAY:
        return "weekend"
    name = _EXTRA_SILENT_DAYS.get(day) or _us_holidays(day.year).get(day)
    return f"holiday: {name}" if name else ""


@lru_cache(maxsize=64)
def _us_holidays(year: int) -> dict[date, str]:
    """The US holidays on which arXiv's list (2026) has no mailing, for any year."""
    return {
        date(year, 1, 1): "New Year's Day",
        _nth_weekday(year, 1, weekday=0, nth=3): "Martin Luther King Day",
        _observed(date(year, 6, 19)): "Juneteenth",
        _observed(date(year, 7, 4)): "Independence Day",
        _nth_weekday(year, 9, weekday=0, nth=1): "Labor Day",
        _nth_weekday(year, 11, weekday=3, nth=4): "Thanksgiving",
        _observed(date(year, 12, 25)): "Christmas",
    }


def _observed(day: date) -> date:
    """A holiday on a Saturday is kept on Friday, one on a Sunday on Monday."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, *, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
