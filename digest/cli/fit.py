"""`digest fit`: fit growth curves, vote prior and calibration to what this installation has stored."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import echo_err, show_json, show_table
from digest.pipeline.fitted_models import (
    COUNTS,
    fit_own_calibration,
    fit_own_curves,
    fit_own_prior,
    save_fitted_models,
)
from digest.ranking.score import DEFAULT_CALIBRATION, MIN_LIKED, Calibration
from digest.trending.baselines import DEFAULT_BASELINES, GrowthCurve
from digest.trending.fit_baselines import MIN_PAPERS as MIN_CURVE_PAPERS
from digest.trending.fit_prior import MIN_PAPERS as MIN_PRIOR_PAPERS
from digest.trending.prior import Prior

AGES = (3, 8, 24, 48, 72, 168)  # hours
CURVE_HEADERS = ("", "source", "as of", "mean", "median", *(f"{age} h" for age in AGES))
PRIOR_HEADERS = ("", "as of", "authors", "code", "page", "text", "author mean", "author best", "submitter")


@click.command("fit", epilog="Example: digest fit --days 90 --save")
@click.option(
    "--days", type=click.IntRange(28), default=90, show_default=True, help="How many days of votes to use."
)
@click.option("--save", is_flag=True, help="Use the figures from now on; otherwise they are only shown.")
@click.option("--reset", is_flag=True, help="Go back to the built-in figures.")
@now_option
@json_option
def command(*, days: int, save: bool, reset: bool, now: datetime, as_json: bool) -> None:
    """Measure how votes arrive on this installation, and compare with the built-in figures.

    A source gets its own curve from 200 papers that were read from their first day to their last. How
    likely a matching paper is wanted is learnt from 200 picks that readers liked later.
    """
    with open_services() as services:
        curves = () if reset else fit_own_curves(services.store, now, days=days)
        prior = None if reset else fit_own_prior(services.store, now)
        calibration = None if reset else fit_own_calibration(services.store, now)
        if reset or (save and (curves or prior or calibration)):
            save_fitted_models(services.store, curves, prior, calibration)
    if as_json:
        figures = {"prior": prior, "calibration": calibration}
        others = {name: asdict(figure) if figure else None for name, figure in figures.items()}
        show_json({"paces": [asdict(curve) for curve in curves], **others})
        return
    if not reset:
        _show(CURVE_HEADERS, map(_to_curve_row, DEFAULT_BASELINES.curves), map(_to_curve_row, curves))
        _show(
            PRIOR_HEADERS, [_to_prior_row(DEFAULT_BASELINES.prior)], [_to_prior_row(prior)] if prior else []
        )
        rows = [
            (item.as_of, item.slope, item.intercept) for item in (DEFAULT_CALIBRATION, calibration) if item
        ]
        _show(("", "as of", "slope", "intercept"), rows[:1], rows[1:])
    echo_err(_summarize(curves, prior, calibration, save=save, reset=reset))


def _show(
    headers: Sequence[str], shipped: Iterable[Sequence[object]], fitted: Iterable[Sequence[object]]
) -> None:
    show_table(headers, [*(("shipped", *row) for row in shipped), *(("fitted", *row) for row in fitted)])


def _to_prior_row(prior: Prior) -> tuple[object, ...]:
    weights = prior.known
    text = (weights.authors, weights.code, weights.page, weights.text)
    return prior.as_of, *text, weights.author_mean, weights.author_best, weights.submitter


def _to_curve_row(curve: GrowthCurve) -> tuple[object, ...]:
    growth = (f"{curve.reached_share_at(age):.2f}" for age in AGES)
    return curve.source, curve.as_of, f"{curve.mean:.1f}", f"{curve.median:.1f}", *growth


def _summarize(
    curves: tuple[GrowthCurve, ...],
    prior: Prior | None,
    calibration: Calibration | None,
    *,
    save: bool,
    reset: bool,
) -> str:
    if reset:
        return "The built-in figures are in use."
    missing = [
        source for source, kind in COUNTS if not any((p.source, p.kind) == (source, kind) for p in curves)
    ]
    sentences = (
        [f"Too few papers yet (fewer than {MIN_CURVE_PAPERS}) for: {', '.join(missing)}."] if missing else []
    )
    if not prior:
        sentences.append(
            f"Too few papers yet (fewer than {MIN_PRIOR_PAPERS}) for what authors, code and topic promise."
        )
    if not calibration:
        sentences.append(f"Too few picks yet that readers liked (fewer than {MIN_LIKED}) for what they want.")
    if curves or prior or calibration:
        sentences.append(
            "These figures are in use now." if save else "To use these figures: digest fit --save"
        )
    return " ".join(sentences)
