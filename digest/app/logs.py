"""Logging of events with fields to standard error: as lines for people, or JSON for programs.

Log ids, never addresses or tokens. One canonical line per run.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from digest.models.redaction import redact
from digest.models.text import escape_unprintable, replace_unprintable

_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


def configure_logging(
    log_format: Literal["auto", "pretty", "json"] = "auto", *, level: int = logging.INFO
) -> None:
    """Write our events from *level* on, and the warnings of libraries, to standard error."""
    is_pretty = log_format == "pretty" or (log_format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrettyFormatter() if is_pretty else JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("digest").setLevel(level)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # we log what retries did not solve


def get_extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the fields that were passed as `extra`."""
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD_FIELDS}


class JsonFormatter(logging.Formatter):
    """Formats an event as one JSON object, without addresses and tokens."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as a line of JSON."""
        event: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **get_extra_fields(record),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return redact(escape_unprintable(json.dumps(event, default=str, ensure_ascii=False)))


class PrettyFormatter(logging.Formatter):
    """Formats an event as a line for people, without addresses and tokens: time, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the event as a line of text."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        level = "" if record.levelno < logging.WARNING else f" {record.levelname.lower()}:"
        fields = " ".join(f"{name}={value}" for name, value in get_extra_fields(record).items())
        line = f"{time}{level} {record.getMessage()} {fields}".rstrip().replace("\n", " ")
        lines = f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
        return redact(replace_unprintable(lines))
