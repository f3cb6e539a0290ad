"""What do the commands share? The house they open, and how they talk to people and to programs."""

import gc
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from digest.app import logs
from digest.app.services import Services
from digest.app.services import open_services as open_app
from digest.app.settings import load

YEARS = (1990, 2200)  # before arXiv there is nothing, and calendars end
MANY_VALUES = 50_000  # made and not yet ended, before circular garbage is looked for


@contextmanager
def open_services(*, log_level: int = logging.WARNING, **given: Any) -> Iterator[Services]:
    """The house as the environment describes it; closed again however the command ends.

    What a command has to say it says itself: the log speaks only of what went wrong.
    """
    settings = load(**given)
    logs.set_up(settings.log_format, level=log_level)
    services = open_app(settings)
    tune_gc()
    try:
        yield services
    finally:
        services.close()


def tune_gc() -> None:
    """Have Python search for circular garbage more rarely, and never among what was imported.

    A run makes hundreds of thousands of small values that end by themselves; searching them all again and
    again takes a sixth of the time of planning (`python -m bench.whole`).
    """
    gc.freeze()
    gc.set_threshold(MANY_VALUES, 20, 100)


class MomentParam(click.ParamType[datetime]):
    """An ISO 8601 moment; without a zone it is UTC."""

    name = "iso8601"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware moment, or a usage error with an example."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a moment; write one like 2026-11-23T07:00:00Z.", param, ctx)
        if not YEARS[0] <= moment.year <= YEARS[1]:
            self.fail(f"{value!r} is too far away; the years {YEARS[0]} to {YEARS[1]} are known.", param, ctx)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class DayParam(click.DateTime):
    """A day, shown as DATE in the help."""

    name = "date"

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002  click asks
        """The word that stands for it in the help."""
        return "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Midnight of that day, or a usage error with an example."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a day; write one like 2026-11-23.", param, ctx)


now_option = click.option(
    "--now",
    type=MomentParam(),
    default=None,
    help="Act as if it were this moment (ISO 8601). Default: the clock.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")


def clock(now: datetime | None) -> datetime:
    """The given moment, or this one: the only place where a command asks the clock."""
    return now or datetime.now(UTC)


def ticking(now: datetime | None) -> Callable[[], datetime]:
    """A clock that begins at the given moment, or at this one, and goes on."""
    beginning, started = clock(now), time.monotonic()
    return lambda: beginning + timedelta(seconds=time.monotonic() - started)


def spoken() -> int:
    """How much the log says of a run: in a terminal the command says it itself, elsewhere a line does."""
    return logging.WARNING if sys.stderr.isatty() else logging.INFO
