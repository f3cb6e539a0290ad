"""What happened? Events with fields on standard error: pretty for people, JSON for machines.

Log by id, never by address or token. One canonical line per run.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from digest.models.redaction import discreet

_OWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def set_up(form: Literal["auto", "pretty", "json"] = "auto", *, level: int = logging.INFO) -> None:
    """Send every event of the house to standard error in the given form."""
    pretty = form == "pretty" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Pretty() if pretty else Json())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("digest").setLevel(level)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # what a retry did not mend is said by us


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """What the event carries in `extra`."""
    return {name: value for name, value in record.__dict__.items() if name not in _OWN}


class Json(logging.Formatter):
    """One JSON object per event."""

    def format(self, record: logging.LogRecord) -> str:
        """The event as a line."""
        event: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return discreet(json.dumps(event, default=str, ensure_ascii=False))


class Pretty(logging.Formatter):
    """A line for people: time, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The event as a line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        mark = "" if record.levelno < logging.WARNING else f" {record.levelname.lower()}:"
        fields = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        line = f"{at}{mark} {record.getMessage()} {fields}".rstrip()
        return discreet(f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line)
