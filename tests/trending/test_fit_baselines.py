"""Tests of fitting growth curves and baselines to signals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from math import log

import numpy as np
import pytest

from digest.models import Signal, SignalKind
from digest.trending.baselines import DEFAULT_BASELINES, GrowthCurve
from digest.trending.fit_baselines import MIN_PAPERS, MIN_SPREAD, fit_growth_curve, update_baselines
from digest.trending.heat import forecast_final_votes
from digest.trending.prior import VoteHistory
from tests.factories import NOW, make_paper

TODAY = NOW.date()
DAY = date(2026, 10, 5)
START = datetime.combine(DAY, time(), UTC)
FINALS = [float(10 + n % 41) for n in range(MIN_PAPERS)]
AGES = (2, 8, 24, 72, 150)


def make_vote_signal(name: str, hours: float, value: float, *, source: str = "huggingface") -> Signal:
    kind = SignalKind.UPVOTES
    return Signal(
        paper_id=name, kind=kind, value=value, observed_at=START + timedelta(hours=hours), source=source
    )


def grow_evenly(final: float, hours: float) -> float:
    """Return the votes after so many hours if all come evenly within 150 hours."""
    return final * min(1.0, hours / 150)


SignalsByPaper = Mapping[str, Sequence[Signal]]


def make_signals(
    finals: Sequence[float] = FINALS,
    ages: Sequence[float] = AGES,
    growth: Callable[[float, float], float] = grow_evenly,
) -> dict[str, list[Signal]]:
    return {
        f"p{n:03d}": [make_vote_signal(f"p{n:03d}", hours, growth(final, hours)) for hours in ages]
        for n, final in enumerate(finals)
    }


def try_fit(signals: SignalsByPaper, before: GrowthCurve | None = None) -> GrowthCurve | None:
    listed = dict.fromkeys(signals, DAY)
    return fit_growth_curve(
        listed, signals, source="huggingface", kind=SignalKind.UPVOTES, as_of=TODAY, before=before
    )


def fit_curve(signals: SignalsByPaper, before: GrowthCurve | None = None) -> GrowthCurve:
    curve = try_fit(signals, before)
    assert curve is not None
    return curve


def test_a_curve_has_the_share_of_final_votes_at_each_age() -> None:
    curve = fit_curve(make_signals())
    assert curve.hours == curve.cohort_hours
    assert list(curve.hours) == [0, *AGES]
    assert curve.grown == pytest.approx([0, *(age / 150 for age in AGES)])
    assert list(curve.spread_hours) == [*AGES]
    assert (curve.source, curve.kind, curve.as_of) == ("huggingface", SignalKind.UPVOTES, TODAY)


def test_mean_median_and_ceiling_are_those_of_the_final_counts() -> None:
    curve = fit_curve(make_signals())
    assert curve.mean == pytest.approx(np.mean(FINALS))
    assert curve.median == pytest.approx(np.median(FINALS))
    assert curve.ceiling == pytest.approx(np.quantile(FINALS, 0.995))


def test_usual_and_crowded_are_quantiles_of_the_counts_at_each_age() -> None:
    curve = fit_curve(make_signals())
    assert curve.usual == pytest.approx([0, *(np.median(FINALS) * age / 150 for age in AGES)])
    crowded = [np.quantile(FINALS, 0.95) * age / 150 for age in AGES]
    assert curve.crowded == pytest.approx([crowded[0], *crowded])
    assert fit_curve(make_signals(), DEFAULT_BASELINES.curves[0]).crowded == pytest.approx([10, *crowded])


def test_the_curve_is_a_ratio_of_sums() -> None:
    """Half of the papers end with one vote, at once; the others with 99: the ratio is that of the sums."""

    def growth(final: float, hours: float) -> float:
        return final if final == 1 else grow_evenly(final, hours)

    curve = fit_curve(make_signals([1.0, 99.0] * (MIN_PAPERS // 2), growth=growth))
    assert curve.reached_share_at(24) == pytest.approx((1 + 99 * 24 / 150) / 100)


def test_a_count_that_falls_again_does_not_lower_the_curve() -> None:
    curve = fit_curve(
        make_signals(growth=lambda final, hours: 2 * final if hours == 24 else grow_evenly(final, hours))
    )
    assert curve.grown[3:] == (1, 1, 1)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_curve_waits_for_two_hundred_papers(missing: int) -> None:
    assert (try_fit(make_signals(FINALS[missing:])) is None) == bool(missing)


@pytest.mark.parametrize(("ages", "is_known"), [((24, 150), False), ((8, 24, 150), True)])
def test_a_curve_needs_three_ages(*, ages: Sequence[float], is_known: bool) -> None:
    assert (try_fit(make_signals(ages=ages)) is not None) is is_known


def test_an_age_with_too_few_papers_is_left_out() -> None:
    signals = make_signals()
    signals["p000"] = [
        signal for signal in signals["p000"] if signal.observed_at != START + timedelta(hours=24)
    ]
    assert fit_curve(signals).hours == (0, 2, 8, 72, 150)


@pytest.mark.parametrize(("last", "is_final"), [(131, False), (132, True), (264, True), (265, False)])
def test_a_signal_after_five_and_a_half_days_is_the_final_count(*, last: float, is_final: bool) -> None:
    assert (try_fit(make_signals(ages=(*AGES[:-1], last))) is not None) is is_final


def test_the_first_late_signal_is_final_and_signals_outside_the_week_are_ignored() -> None:
    curve = fit_curve(make_signals(ages=(*AGES, 180, 200), growth=lambda final, hours: final * hours / 150))
    assert curve.mean == pytest.approx(np.mean(FINALS))
    assert curve.hours[-2:] == (150, 180)
    early = fit_curve(make_signals(ages=(-5, 0, *AGES)))
    assert early.hours == (0, *AGES)


def test_other_sources_and_kinds_and_the_order_of_signals_change_nothing() -> None:
    signals = make_signals()
    mixed = {
        name: [
            *(replace(signal, value=999, kind=SignalKind.COMMENTS) for signal in series),
            *(replace(signal, value=999, source="alphaxiv") for signal in series),
            *reversed(series),
        ]
        for name, series in signals.items()
    }
    assert fit_curve(mixed) == fit_curve(signals)
    assert fit_growth_curve(
        dict.fromkeys([*signals, "never read"], DAY),
        signals,
        source="huggingface",
        kind=SignalKind.UPVOTES,
        as_of=TODAY,
    ) == fit_curve(signals)


def test_signals_near_an_age_are_grouped_with_it() -> None:
    """23 and 25 hours are about 24; the curve stands at their mean."""
    signals = {
        name: [
            replace(signal, observed_at=signal.observed_at + timedelta(hours=(-1, 1)[n % 2]))
            if signal.observed_at == START + timedelta(hours=24)
            else signal
            for signal in series
        ]
        for n, (name, series) in enumerate(make_signals().items())
    }
    assert fit_curve(signals).hours == pytest.approx((0, *AGES))


def test_the_spread_is_the_error_of_the_forecast_and_never_grows_with_age() -> None:
    """Half of the papers end with twice, the others with half of their early votes."""

    def growth(final: float, hours: float) -> float:
        return 100.0 if hours < 24 else final

    finals = [200.0, 50.0] * (MIN_PAPERS // 2)
    curve = fit_curve(make_signals(finals, growth=growth))
    course = forecast_final_votes(100, 2, curve)
    strays = [log((final + 1) / (course + 1)) for final in finals]
    assert curve.spread[0] == curve.spread_hot[0] == pytest.approx(np.std(strays))
    assert curve.spread[-1] == pytest.approx(MIN_SPREAD)
    assert list(curve.spread) == sorted(curve.spread, reverse=True)


def test_hot_papers_have_their_own_spread_if_there_are_enough() -> None:
    """Most papers grow evenly; a tenth, or slightly fewer, have a high forecast, which half of them miss."""

    def growth(final: float, hours: float) -> float:
        return 50.0 if final >= 50 and hours < 24 else grow_evenly(final, hours) if final < 50 else final

    many = fit_curve(make_signals([*[3.0] * 180, *[50.0, 100.0] * 10], growth=growth))
    few = fit_curve(make_signals([*[3.0] * 181, *[50.0, 100.0] * 9, 100.0], growth=growth))
    assert many.spread_hot[0] != pytest.approx(many.spread[0])
    assert few.spread_hot == few.spread


@pytest.mark.parametrize(("days_ago", "counts"), [(2, False), (3, True), (31, True), (32, False)])
def test_update_baselines_uses_four_weeks_of_settled_papers(*, days_ago: int, counts: bool) -> None:
    papers = [replace(make_paper(), listed=TODAY - timedelta(days=days_ago)) for _ in FINALS]
    past = [VoteHistory(paper, final) for paper, final in zip(papers, FINALS, strict=True)]
    curve = update_baselines(DEFAULT_BASELINES, past, TODAY).curves[0]
    if not counts:
        assert curve == DEFAULT_BASELINES.curves[0]
        return
    assert curve.mean == pytest.approx(np.mean(FINALS))
    assert curve.median == pytest.approx(np.median(FINALS))
    assert curve.ceiling == pytest.approx(np.quantile(FINALS, 0.995))
    assert curve.as_of == TODAY
    assert curve.grown == DEFAULT_BASELINES.curves[0].grown


def test_too_few_recent_papers_keep_the_curves_but_update_the_authors_record() -> None:
    other = replace(DEFAULT_BASELINES.curves[0], source="alphaxiv")
    baselines = replace(DEFAULT_BASELINES, curves=(*DEFAULT_BASELINES.curves, other))
    papers = [replace(make_paper(), listed=TODAY - timedelta(days=9)) for _ in FINALS]
    past = [VoteHistory(paper, 20.0) for paper in papers]
    updated = update_baselines(
        baselines, [*past[1:], VoteHistory(replace(make_paper(), listed=None), 20.0)], TODAY
    )
    assert updated.curves == baselines.curves
    assert updated.record.authors["ada loveless"].papers >= MIN_PAPERS - 1
    assert update_baselines(baselines, past, TODAY).curves[1:] == (other,)
