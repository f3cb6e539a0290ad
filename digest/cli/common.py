"""Set-up, options and clock that the commands share."""

import gc
import getpass
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from digest.app import logs
from digest.app.services import Services
from digest.app.services import open_services as open_app_services
from digest.app.settings import find_misspelled_variables, load_settings
from digest.cli.output import echo_err
from digest.models.errors import InvalidChange

VALID_YEARS = (1990, 2200)  # first and last; there are no papers from before arXiv, and far dates overflow
GC_THRESHOLD = 50_000  # objects allocated and not freed before the youngest generation is collected


@contextmanager
def open_services(*, log_level: int = logging.WARNING, **overrides: Any) -> Iterator[Services]:
    """Open the services that the environment configures; close them however the command ends.

    *overrides* replace single settings. Commands print their results themselves, so by default the log has
    only warnings.
    """
    settings = load_settings(**overrides)
    for name, suggestion in find_misspelled_variables().items():
        echo_err(f"There is no setting {name}{f'; did you mean {suggestion}?' if suggestion else '.'}")
    logs.configure_logging(settings.log_format, level=log_level)
    services = open_app_services(settings)
    tune_gc()
    try:
        yield services
    finally:
        services.close()


def confirm(question: str) -> None:
    """Ask a question and go on only after a yes. Call it outside of transactions: somebody may take long.

    Raises:
        click.Abort: no.
        InvalidChange: nobody can answer, as in a script.

    """
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        echo_err("")
        raise InvalidChange("Nothing was done, as nobody said yes. In a script, add --yes.") from None


def tune_gc() -> None:
    """Run the cyclic garbage collector less often, and never over imported modules.

    A run makes hundreds of thousands of small objects that reference counting frees; scanning them again and
    again takes a sixth of the time of planning (`python -m bench.whole`).
    """
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 100)


class DatetimeParam(click.ParamType[datetime]):
    """An ISO 8601 date and time; without a time zone it is UTC."""

    name = "iso8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return an aware datetime in UTC, or fail with a usage error that shows an example."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment; write one like 2026-11-23T07:00:00Z.", param, ctx)
        if not VALID_YEARS[0] <= moment.year <= VALID_YEARS[1]:
            self.fail(
                f"{value!r} is too far away; the years {VALID_YEARS[0]} to {VALID_YEARS[1]} are known.",
                param,
                ctx,
            )
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class DayParam(click.ParamType[datetime]):
    """A date, shown as DATE in the help."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return midnight of that date, or fail with a usage error that shows an example."""
        try:
            return value if isinstance(value, datetime) else datetime.strptime(value, "%Y-%m-%d")  # noqa: DTZ007
        except ValueError:
            self.fail(f"{value!r} is not a day; write one like 2026-11-23.", param, ctx)


now_option = click.option(
    "--now",
    type=DatetimeParam(),
    default=lambda: datetime.now(UTC),
    help="Act as if this were the current time (ISO 8601). Default: the clock.",
)
INPUT_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")


def get_actor_name() -> str:
    """Return the name for the audit log: `cli:` and the login name of whoever typed the command."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"


def start_clock(now: datetime) -> Callable[[], datetime]:
    """Return a clock that starts at *now* and runs on."""
    started = time.monotonic()
    return lambda: now + timedelta(seconds=time.monotonic() - started)


def get_log_level() -> int:
    """Return the log level of a run: only outside a terminal does its result go to the log."""
    return logging.WARNING if sys.stderr.isatty() else logging.INFO
