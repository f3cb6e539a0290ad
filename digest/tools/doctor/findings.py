"""Findings of the doctor's checks."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class CheckLevel(StrEnum):
    """Severity of a finding."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: its severity, what was checked and found, and what to do about it."""

    level: CheckLevel
    check: str
    detail: str
    fix: str = ""


ok = partial(Finding, CheckLevel.OK)  # it needs no action
warn = partial(Finding, CheckLevel.WARN)  # it works, but not as it should
fail = partial(Finding, CheckLevel.FAIL)  # it does not work, or mail will not arrive because of it
