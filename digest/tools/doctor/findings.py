"""Findings of the doctor's checks."""

from dataclasses import dataclass
from enum import StrEnum


class CheckLevel(StrEnum):
    """Severity of a finding."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was checked, its state, and what to do about it."""

    check: str
    level: CheckLevel
    detail: str
    fix: str = ""


def ok(check: str, detail: str, fix: str = "") -> Finding:
    """Build a finding that needs no action."""
    return Finding(check, CheckLevel.OK, detail, fix)


def warn(check: str, detail: str, fix: str) -> Finding:
    """Build a finding of something that works, but not as it should."""
    return Finding(check, CheckLevel.WARN, detail, fix)


def fail(check: str, detail: str, fix: str) -> Finding:
    """Build a finding of something that does not work, or by which mail will not arrive."""
    return Finding(check, CheckLevel.FAIL, detail, fix)
