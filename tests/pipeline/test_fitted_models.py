"""What is usual by now: from the store's own readings, as soon as there are enough."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from digest.db import Database
from digest.models import LikedPaper, Paper, Profile, Signal, SignalKind
from digest.pipeline.fitted_models import calibration_of, climate_of, fitted, fitted_calibration, keep
from digest.ranking import score
from digest.trending.baselines import DEFAULT, GrowthCurve
from digest.trending.fit_baselines import refit
from tests.factories import NOW, paper

SHIPPED = DEFAULT.paces[0]


def listed(number: int, *, days_ago: int, authors: tuple[str, ...] = ("Ada Loveless",)) -> Paper:
    made = paper(f"Sheep {number}", id=f"arxiv:2611.{number:05d}", authors=authors)
    day = NOW - timedelta(days=days_ago)
    return replace(made, listed=day.date(), first_seen=day)


def read(of: Paper, final: float, *, ages: tuple[float, ...] = (3, 8, 24, 72, 150)) -> list[Signal]:
    """Votes that arrive as evenly as sand: half of them in half a week."""
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
def lived_in(store: Database) -> Database:
    """A store that has read 240 papers over four weeks, of 10 to 40 votes each."""
    papers = [listed(number, days_ago=8 + number % 20) for number in range(240)]
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(days=30))
        tx.signals.observe(s for n, each in enumerate(papers) for s in read(each, 10 + n % 31))
    return store


def test_a_young_store_uses_the_shipped_figures(store: Database) -> None:
    assert climate_of(store, NOW).paces == DEFAULT.paces
    assert fitted(store, NOW, days=90) == ()


def test_the_last_four_weeks_say_what_is_usual(lived_in: Database) -> None:
    climate = climate_of(lived_in, NOW)
    assert climate.paces[0].mean == pytest.approx(25, abs=1)
    assert climate.paces[0].median == pytest.approx(25, abs=1)
    assert climate.paces[0].grown == SHIPPED.grown
    assert climate.record.authors["ada loveless"].papers == 240


def test_a_curve_is_fitted_from_papers_followed_to_their_end(lived_in: Database) -> None:
    (pace,) = fitted(lived_in, NOW, days=60)
    assert pace.grown_at(24) == pytest.approx(24 / 150, abs=0.03)
    assert pace.grown_at(72) == pytest.approx(72 / 150, abs=0.03)
    assert list(pace.grown) == sorted(pace.grown)
    assert list(pace.spread) == sorted(pace.spread, reverse=True)
    assert pace.as_of == NOW.date()


def test_fitted_figures_are_used_once_kept_and_forgotten_on_request(lived_in: Database) -> None:
    paces = fitted(lived_in, NOW, days=60)
    keep(lived_in, paces)
    assert climate_of(lived_in, NOW).paces[0].grown == paces[0].grown
    keep(lived_in, ())
    assert climate_of(lived_in, NOW).paces[0].grown == SHIPPED.grown


def test_papers_that_were_not_followed_to_their_end_fit_nothing() -> None:
    papers = [listed(number, days_ago=2) for number in range(300)]
    signals = {each.id: read(each, 20, ages=(3, 8, 24)) for each in papers}
    days = {each.id: each.listed for each in papers if each.listed}

    def fit() -> GrowthCurve | None:
        return refit(days, signals, source="huggingface", kind=SignalKind.UPVOTES, as_of=NOW.date())

    assert fit() is None


def test_a_calibration_of_ours_is_used_until_it_is_reset(store: Database) -> None:
    assert calibration_of(store) == score.SHIPPED
    ours = score.Calibration(as_of=NOW.date(), slope=1.5, intercept=-3.0)
    keep(store, (), None, ours)
    assert calibration_of(store) == ours
    keep(store, ())
    assert calibration_of(store) == score.SHIPPED


def test_a_fit_waits_until_readers_liked_enough(store: Database) -> None:
    with store.begin() as tx:
        tx.subscribers.add("ada@example.com", profile=Profile(liked=(LikedPaper("Sheep", "", "a"),)), now=NOW)
    assert fitted_calibration(store, NOW) is None
