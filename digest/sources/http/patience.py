"""How long does a server want us to wait? Its headers, read into seconds."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # worth another try; every other refusal is final

_SECONDS = re.compile(r"[0-9]{1,9}")  # not isdigit(), which takes ² for one
_LONGEST = 500  # characters of a header: what is longer was not written to be read
_RATE_LIMIT = re.compile(r"\br\s*=\s*([0-9]{1,9})\b.*?\bt\s*=\s*([0-9]{1,9})\b")


def asked_to_wait(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds until the server wants to hear from us, by Retry-After or RateLimit; None: it did not say."""
    if (after := _retry_after(headers.get("retry-after", ""), now)) is not None:
        return after
    return used_up(headers)


def used_up(headers: Mapping[str, str]) -> float | None:
    """Seconds until a used-up allowance is renewed: `RateLimit: "api";r=0;t=120`."""
    match = _RATE_LIMIT.search(headers.get("ratelimit", "")[:_LONGEST])
    return float(match[2]) if match and int(match[1]) == 0 else None


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds, or a date; anything else is not an answer."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:_LONGEST])
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
