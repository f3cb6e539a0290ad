"""Tests of the models that are fitted on an installation's own data."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import LikedPaper, Paper, Profile, Signal, SignalKind
from digest.pipeline.fitted_models import (
    fit_own_calibration,
    fit_own_curves,
    load_baselines,
    load_calibration,
    save_fitted_models,
)
from digest.ranking import score
from digest.trending.baselines import DEFAULT_BASELINES, GrowthCurve
from digest.trending.fit_baselines import fit_growth_curve
from tests.factories import NOW, make_paper, store_subscriber

SHIPPED = DEFAULT_BASELINES.curves[0]


def make_listed_paper(number: int, *, days_ago: int, authors: tuple[str, ...] = ("Ada Loveless",)) -> Paper:
    paper = make_paper(f"Sheep {number}", id=f"arxiv:2611.{number:05d}", authors=authors)
    day = NOW - timedelta(days=days_ago)
    return replace(paper, listed=day.date(), first_seen=day)


def make_signals(of: Paper, final: float, *, ages: tuple[float, ...] = (3, 8, 24, 72, 150)) -> list[Signal]:
    """Return signals whose votes arrive evenly over 150 hours."""
    assert of.listed
    start = datetime.combine(of.listed, time(), UTC)
    return [
        Signal(
            paper_id=of.id,
            kind=SignalKind.UPVOTES,
            value=round(final * min(1.0, age / 150)),
            observed_at=start + timedelta(hours=age),
            source="huggingface",
        )
        for age in ages
    ]


@pytest.fixture
def store_with_history(store: Database) -> Database:
    """A database with 240 papers of four weeks, with 10 to 40 votes each."""
    papers = [make_listed_paper(number, days_ago=8 + number % 20) for number in range(240)]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(days=30))
        tx.signals.add(s for n, paper in enumerate(papers) for s in make_signals(paper, 10 + n % 31))
    return store


def test_an_empty_database_uses_the_shipped_figures(store: Database) -> None:
    assert load_baselines(store, NOW).curves == DEFAULT_BASELINES.curves
    assert fit_own_curves(store, NOW, days=90) == ()


def test_baselines_follow_the_last_four_weeks(store_with_history: Database) -> None:
    baselines = load_baselines(store_with_history, NOW)
    assert baselines.curves[0].mean == pytest.approx(25, abs=1)
    assert baselines.curves[0].median == pytest.approx(25, abs=1)
    assert baselines.curves[0].grown == SHIPPED.grown
    assert baselines.record.authors["ada loveless"].papers == 240


def test_a_curve_is_fitted_from_papers_followed_to_their_end(store_with_history: Database) -> None:
    (curve,) = fit_own_curves(store_with_history, NOW, days=60)
    assert curve.reached_share_at(24) == pytest.approx(24 / 150, abs=0.03)
    assert curve.reached_share_at(72) == pytest.approx(72 / 150, abs=0.03)
    assert list(curve.grown) == sorted(curve.grown)
    assert list(curve.spread) == sorted(curve.spread, reverse=True)
    assert curve.as_of == NOW.date()


def test_each_source_has_a_curve_of_its_own_and_counts_that_never_settle_have_none(
    store_with_history: Database,
) -> None:
    others = {
        "hackernews": SignalKind.POINTS,
        "openalex": SignalKind.CITATIONS,
        "semanticscholar": SignalKind.CITATIONS,
        "huggingface-repos": SignalKind.MODELS,
    }
    with store_with_history.begin() as tx:
        for number in range(240):
            paper = make_listed_paper(number, days_ago=8 + number % 20)
            # The first hour tells when the paper was first seen there, from which its age is counted.
            readings = make_signals(paper, 100, ages=(1, 3, 8, 24, 72, 150))
            faster = [replace(s, value=min(90, s.value * 3)) for s in readings]
            for source, kind in others.items():
                tx.signals.add(replace(s, source=source, kind=kind) for s in faster)

    votes, points = fit_own_curves(store_with_history, NOW, days=60)

    assert (votes.source, points.source, points.kind) == ("huggingface", "hackernews", SignalKind.POINTS)
    assert points.reached_share_at(24) > 2 * votes.reached_share_at(24)


def test_fitted_curves_are_used_once_saved_and_until_reset(store_with_history: Database) -> None:
    curves = fit_own_curves(store_with_history, NOW, days=60)
    save_fitted_models(store_with_history, curves)
    assert load_baselines(store_with_history, NOW).curves[0].grown == curves[0].grown
    save_fitted_models(store_with_history, ())
    assert load_baselines(store_with_history, NOW).curves[0].grown == SHIPPED.grown


def test_no_curve_is_fitted_from_papers_too_young() -> None:
    papers = [make_listed_paper(number, days_ago=2) for number in range(300)]
    signals = {paper.id: make_signals(paper, 20, ages=(3, 8, 24)) for paper in papers}
    days = {paper.id: paper.listed for paper in papers if paper.listed}

    def fit() -> GrowthCurve | None:
        return fit_growth_curve(
            days, signals, source="huggingface", kind=SignalKind.UPVOTES, as_of=NOW.date()
        )

    assert fit() is None


def test_a_saved_calibration_is_used_until_reset(store: Database) -> None:
    assert load_calibration(store) == score.DEFAULT_CALIBRATION
    own = score.Calibration(as_of=NOW.date(), slope=1.5, intercept=-3.0)
    save_fitted_models(store, (), None, own)
    assert load_calibration(store) == own
    save_fitted_models(store, ())
    assert load_calibration(store) == score.DEFAULT_CALIBRATION


def test_no_calibration_is_fitted_from_too_few_likes(store: Database) -> None:
    with store.begin() as tx:
        store_subscriber(
            tx, "ada@example.com", profile=Profile(liked=(LikedPaper("Sheep", "", "a"),)), now=NOW
        )
    assert fit_own_calibration(store, NOW) is None
