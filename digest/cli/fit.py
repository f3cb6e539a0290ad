"""`digest fit`: learn the trending figures from your own readings."""

from dataclasses import asdict
from datetime import datetime

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_json, show_table, tell
from digest.pipeline.fitted_models import COUNTS, fitted, fitted_calibration, fitted_prior, keep
from digest.ranking.score import LIKED, SHIPPED, Calibration
from digest.trending.baselines import DEFAULT, GrowthCurve
from digest.trending.fit_baselines import ENOUGH
from digest.trending.fit_prior import ENOUGH as PAPERS
from digest.trending.prior import Prior

AGES = (3, 8, 24, 48, 72, 168)


@click.command("fit", epilog="Example: digest fit --days 90 --save")
@click.option("--days", type=click.IntRange(28), default=90, show_default=True, help="Of your own readings.")
@click.option("--save", is_flag=True, help="Use the figures from now on; without it they are only shown.")
@click.option("--reset", is_flag=True, help="Go back to the figures that were shipped.")
@now_option
@json_option
def command(*, days: int, save: bool, reset: bool, now: datetime | None, as_json: bool) -> None:
    """How votes come in, measured on what this installation has read, beside the shipped figures.

    A source gets a curve of its own from 200 papers that were read from their first day to their last;
    how likely a near paper is wanted is learnt from 200 picks that readers came to like.
    """
    with open_services() as services:
        paces = () if reset else fitted(services.store, clock(now), days=days)
        prior = None if reset else fitted_prior(services.store, clock(now))
        wanted = None if reset else fitted_calibration(services.store, clock(now))
        if reset or (save and (paces or prior or wanted)):
            keep(services.store, paces, prior, wanted)
    if as_json:
        figures = {"prior": prior, "calibration": wanted}
        told = {name: asdict(each) if each else None for name, each in figures.items()}
        show_json({"paces": [asdict(pace) for pace in paces], **told})
        return
    if not reset:
        show_table(HEADERS, [_row("shipped", p) for p in DEFAULT.paces] + [_row("fitted", p) for p in paces])
        show_table(
            WEIGHTS, [_weights("shipped", DEFAULT.prior), *([_weights("fitted", prior)] if prior else [])]
        )
        calibrations = [("shipped", SHIPPED), *([("fitted", wanted)] if wanted else [])]
        show_table(
            ("", "as of", "slope", "intercept"),
            [(whose, each.as_of, each.slope, each.intercept) for whose, each in calibrations],
        )
    tell(_said(paces, prior, wanted, save=save, reset=reset))


WEIGHTS = ("", "as of", "authors", "code", "page", "text", "author mean", "author best", "submitter")


def _weights(whose: str, prior: Prior) -> tuple[object, ...]:
    known = prior.known
    text = (known.authors, known.code, known.page, known.text)
    return whose, prior.as_of, *text, known.author_mean, known.author_best, known.submitter


HEADERS = ("", "source", "as of", "mean", "median", *(f"{age} h" for age in AGES))


def _row(whose: str, pace: GrowthCurve) -> tuple[object, ...]:
    parts = (f"{pace.grown_at(age):.2f}" for age in AGES)
    return whose, pace.source, pace.as_of, f"{pace.mean:.1f}", f"{pace.median:.1f}", *parts


def _said(
    paces: tuple[GrowthCurve, ...],
    prior: Prior | None,
    wanted: Calibration | None,
    *,
    save: bool,
    reset: bool,
) -> str:
    if reset:
        return "The shipped figures are in use."
    young = [
        source for source, kind in COUNTS if not any((p.source, p.kind) == (source, kind) for p in paces)
    ]
    told = [f"Too few papers yet (fewer than {ENOUGH}) for: {', '.join(young)}."] if young else []
    if not prior:
        told.append(f"Too few papers yet (fewer than {PAPERS}) for what authors, code and topic promise.")
    if not wanted:
        told.append(f"Too few picks yet that readers liked (fewer than {LIKED}) for what they want.")
    if paces or prior or wanted:
        told.append("These figures are in use now." if save else "To use these figures: digest fit --save")
    return " ".join(told)
