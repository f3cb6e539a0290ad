"""How does a check end? In OK, WARN or FAIL, with what was found and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class CheckLevel(StrEnum):
    """How a check came out."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, how it stands, and what to do about it."""

    check: str
    verdict: CheckLevel
    detail: str
    fix: str = ""


def ok(check: str, detail: str, fix: str = "") -> Finding:
    """All is well."""
    return Finding(check, CheckLevel.OK, detail, fix)


def warn(check: str, detail: str, fix: str) -> Finding:
    """It works, but not as it should."""
    return Finding(check, CheckLevel.WARN, detail, fix)


def fail(check: str, detail: str, fix: str) -> Finding:
    """It does not work, or mail will not arrive."""
    return Finding(check, CheckLevel.FAIL, detail, fix)
