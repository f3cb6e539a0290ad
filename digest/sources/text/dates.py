"""Dates as feeds write them, in any order that has one meaning only. Never raises, linear in the text."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone

MAX_DATE_CHARS = 80
YEARS = range(1500, 2200)  # outside are the "no date" values of programs: year 1, year 9999
_MONTHS = {name: number for number, names in enumerate((
    "jan jän gen ene", "feb fév fev", "mar mär mrt maa", "apr avr abr", "may mai mag mei maj",
    "jun juin giu", "jul juil lug", "aug août ago aout", "sep sept set", "oct okt ott out", "nov",
    "dec dez déc dic"), 1) for name in names.split()}  # fmt: skip
_WEEKDAY = re.compile(r"\b(?:mardi|martes|marted[iì]|maandag)\b")  # begin as March does
_HOUR = re.compile(r"(?<![:\d])(\d{1,2})\s?([ap])\.?m\b")
_TIME = re.compile(
    r"(?:\bt|\b|(?<=\d)t)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([ap]\.?m\b\.?)?"
    # A zone, and no month: "8:00 am Nov 16".
    r"\s*\(?((?:gmt|utc|ut|z)?\s*[+-]\s*\d{1,2}:?\d{2}\b"
    rf"|(?!(?:{'|'.join(_MONTHS)}|june|july|juni|juli|mars)\b)[a-z]{{1,4}}\b)?"
)
_OFFSET = re.compile(r"([+-])\s*(\d{1,2}):?(\d{2})")
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
          "bst": 1, "wet": 0, "cet": 1, "cest": 2, "eet": 2, "eest": 3, "jst": 9}  # fmt: skip
_LONGEST_FIRST = sorted(_MONTHS, key=len, reverse=True)
_WORD = re.compile(r"[^\W\d_]+")
_EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일]")
_NUMBER = re.compile(r"\d+")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})(?!\d)")


def parse_date(text: str) -> datetime | None:
    """Return the moment in UTC; None if *text* is no date, could mean two, or means "no date".

    A date without a time is its midnight, a time without a zone is UTC, and a month without a day its first.
    """
    text = text.strip()
    if not text or len(text) > MAX_DATE_CHARS:
        return None
    if text[:4].isdecimal():
        with suppress(ValueError, OverflowError):
            return _to_utc(datetime.fromisoformat(text.replace("z", "Z")))
    try:
        return _to_utc(_parse_freely(text.casefold()))
    except (ValueError, OverflowError):
        return None


def _to_utc(moment: datetime) -> datetime | None:
    is_epoch = moment.replace(tzinfo=None) == datetime(1970, 1, 1)  # noqa: DTZ001  what a zero becomes
    if moment.year not in YEARS or is_epoch:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _parse_freely(text: str) -> datetime:
    """Parse by parts: the time, then a month in letters or three numbers.

    Raises:
        ValueError: there is no date, or no certain one.
    """
    if text.isdecimal():
        return _parse_digits(text)
    text = _HOUR.sub(r"\1:00 \2m", _WEEKDAY.sub("", text))
    match = _TIME.search(text)
    clock, zone = _parse_clock(match) if match else (time(), UTC)
    rest = f"{text[: match.start()]} {text[match.end() :]}" if match else text
    return datetime.combine(_parse_day(rest), clock, zone)


def _parse_digits(text: str) -> datetime:
    if len(text) in {10, 13}:  # seconds or milliseconds since 1970
        return datetime.fromtimestamp(int(text[:10]), UTC)
    formats = {4: "%Y", 6: "%Y%m", 8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
    return datetime.strptime(text, formats.get(len(text), "")).replace(tzinfo=UTC)


def _parse_clock(match: re.Match[str]) -> tuple[time, timezone]:
    """Return the time and its zone; midnight if there is no such time."""
    hour, minute, second = (int(part or 0) for part in match.group(1, 2, 3))
    if match[4]:
        hour = hour % 12 + (12 if match[4].startswith("p") else 0)
    zone = _parse_zone(match[5] or "")
    if hour > 23 or minute > 59:
        return time(), zone
    return time(hour, minute, min(second, 59)), zone  # a leap second is 60


def _parse_zone(text: str) -> timezone:
    if match := _OFFSET.search(text):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset) if offset < timedelta(hours=24) else UTC
    return timezone(timedelta(hours=_ZONES.get(text, 0)))


def _parse_day(text: str) -> date:
    if match := _EAST_ASIAN.search(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    months = [month for word in _WORD.findall(text) if (month := _find_month(word))]
    if months:
        return _parse_named_month(_NUMBER.findall(text), months[-1])  # the first may be mardi
    if match := _NUMERIC.search(text):
        return _parse_numeric(match[1], match[3], match[4], separator=match[2])
    if match := re.fullmatch(r"\s*(\d{4})[/-](\d{1,2})\s*", text):
        return date(int(match[1]), int(match[2]), 1)
    raise ValueError("no date")


def _find_month(word: str) -> int:
    return next((_MONTHS[name] for name in _LONGEST_FIRST if word.startswith(name)), 0)


def _parse_named_month(numbers: list[str], month: int) -> date:
    year = next((number for number in numbers if len(number) == 4), "")
    others = [number for number in numbers if len(number) <= 2]
    if year:
        return date(int(year), month, int(others[0]) if others else 1)
    if len(others) < 2:
        raise ValueError("no year")
    return date(_to_full_year(others[1]), month, int(others[0]))  # RFC 822: 16 Nov 26


def _parse_numeric(first: str, second: str, third: str, *, separator: str) -> date:
    if len(first) == 4:
        return date(int(first), int(second), int(third))
    if len(third) not in {2, 4} or len(first) > 2:
        raise ValueError("no year")
    year, day, month = _to_full_year(third), int(first), int(second)
    if separator == ".":  # always the day first
        return date(year, month, day)
    if day <= 12 < month:
        day, month = month, day
    elif month <= 12 and day <= 12 and day != month:
        raise ValueError("day or month first?")
    return date(year, month, day)


def _to_full_year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else 2000 + year if year < 69 else 1900 + year
