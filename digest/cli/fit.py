"""`digest fit`: learn the trending figures from your own readings."""

from dataclasses import asdict
from datetime import datetime

import click

from digest.cli.house import clock, json_option, now_option, open_house, show_json, show_table, tell
from digest.rank.climate import DEFAULT, Pace
from digest.rank.refit import ENOUGH
from digest.usual import COUNTS, fitted, keep

AGES = (3, 8, 24, 48, 72, 168)


@click.command("fit", epilog="Example: digest fit --days 90 --save")
@click.option("--days", type=click.IntRange(28), default=90, show_default=True, help="Of your own readings.")
@click.option("--save", is_flag=True, help="Use the figures from now on; without it they are only shown.")
@click.option("--reset", is_flag=True, help="Go back to the figures that were shipped.")
@now_option
@json_option
def command(*, days: int, save: bool, reset: bool, now: datetime | None, as_json: bool) -> None:
    """How votes come in, measured on what this installation has read, beside the shipped figures.

    A source gets a curve of its own from 200 papers that were read from their first day to their last.
    """
    with open_house() as house:
        paces = () if reset else fitted(house.store, clock(now), days=days)
        if (save and paces) or reset:
            keep(house.store, paces)
    if as_json:
        show_json([asdict(pace) for pace in paces])
        return
    if not reset:
        show_table(
            HEADERS, [_row("shipped", pace) for pace in DEFAULT.paces] + [_row("fitted", p) for p in paces]
        )
    tell(_said(paces, save=save, reset=reset))


HEADERS = ("", "source", "as of", "mean", "median", *(f"{age} h" for age in AGES))


def _row(whose: str, pace: Pace) -> tuple[object, ...]:
    parts = (f"{pace.grown_at(age):.2f}" for age in AGES)
    return whose, pace.source, pace.as_of, f"{pace.mean:.1f}", f"{pace.median:.1f}", *parts


def _said(paces: tuple[Pace, ...], *, save: bool, reset: bool) -> str:
    if reset:
        return "The shipped figures are in use."
    young = [
        source for source, kind in COUNTS if not any((p.source, p.kind) == (source, kind) for p in paces)
    ]
    told = [f"Too few papers yet (fewer than {ENOUGH}) for: {', '.join(young)}."] if young else []
    if paces:
        told.append("These figures are in use now." if save else "To use these figures: digest fit --save")
    return " ".join(told)
