"""arXiv's announcement calendar: no new papers on weekends, US holidays and at the end of the year."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SATURDAY = 5
ARXIV_ZONE = "America/New_York"  # arXiv announces by local time there, in summer and in winter
# Days without an announcement that no rule of US holidays gives, from arXiv's own list for 2026.
_EXTRA_DAYS_OFF = {date(2026, 12, 29): "year's end", date(2026, 12, 31): "year's end"}


def get_arxiv_day(now: datetime) -> date:
    """Return the listing day that arXiv's feeds show at *now*: the date in arXiv's own time zone."""
    return now.astimezone(ZoneInfo(ARXIV_ZONE)).date()


def is_announcement_day(day: date) -> bool:
    """Return True if arXiv lists new papers on that day of its own calendar."""
    return not get_silence_reason(day)


def get_silence_reason(day: date) -> str:
    """Return why arXiv lists nothing new that day (`weekend`, `holiday: Thanksgiving`), "" if it does."""
    if day.weekday() >= _SATURDAY:
        return "weekend"
    name = _EXTRA_DAYS_OFF.get(day) or _us_holidays(day.year).get(day)
    return f"holiday: {name}" if name else ""


@lru_cache(maxsize=64)
def _us_holidays(year: int) -> dict[date, str]:
    """Return the days of *year* that fall on the US holidays arXiv observes (its list for 2026)."""
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
    """Move a holiday on a Saturday to Friday, one on a Sunday to Monday."""
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, *, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
