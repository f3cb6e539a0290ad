"""What is usual is measured anew from papers that were followed from their first days to their last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from math import log

import numpy as np
import pytest

from digest.models import Signal, SignalKind
from digest.trending.baselines import DEFAULT, GrowthCurve
from digest.trending.fit_baselines import ENOUGH, LEAST_SPREAD, refit, rolled
from digest.trending.heat import expected
from digest.trending.prior import VoteHistory
from tests.factories import NOW, paper

TODAY = NOW.date()
DAY = date(2026, 10, 5)
START = datetime.combine(DAY, time(), UTC)
FINALS = [float(10 + n % 41) for n in range(ENOUGH)]
AGES = (2, 8, 24, 72, 150)


def votes(name: str, hours: float, value: float, *, source: str = "huggingface") -> Signal:
    kind = SignalKind.UPVOTES
    return Signal(
        paper_id=name, kind=kind, value=value, observed_at=START + timedelta(hours=hours), source=source
    )


def evenly(final: float, hours: float) -> float:
    """Votes that come as evenly as sand, all of them within 150 hours."""
    return final * min(1.0, hours / 150)


Followed = Mapping[str, Sequence[Signal]]


def followed(
    finals: Sequence[float] = FINALS,
    ages: Sequence[float] = AGES,
    growth: Callable[[float, float], float] = evenly,
) -> dict[str, list[Signal]]:
    return {
        f"p{n:03d}": [votes(f"p{n:03d}", hours, growth(final, hours)) for hours in ages]
        for n, final in enumerate(finals)
    }


def fit(signals: Followed, before: GrowthCurve | None = None) -> GrowthCurve | None:
    listed = dict.fromkeys(signals, DAY)
    return refit(listed, signals, source="huggingface", kind=SignalKind.UPVOTES, as_of=TODAY, before=before)


def fitted(signals: Followed, before: GrowthCurve | None = None) -> GrowthCurve:
    pace = fit(signals, before)
    assert pace is not None
    return pace


def test_a_curve_tells_which_part_of_its_votes_a_paper_has_at_each_age_it_was_read_at() -> None:
    pace = fitted(followed())
    assert pace.hours == pace.cohort_hours
    assert list(pace.hours) == [0, *AGES]
    assert pace.grown == pytest.approx([0, *(age / 150 for age in AGES)])
    assert list(pace.spread_hours) == [*AGES]
    assert (pace.source, pace.kind, pace.as_of) == ("huggingface", SignalKind.UPVOTES, TODAY)


def test_the_final_counts_tell_mean_median_and_ceiling() -> None:
    pace = fitted(followed())
    assert pace.mean == pytest.approx(np.mean(FINALS))
    assert pace.median == pytest.approx(np.median(FINALS))
    assert pace.ceiling == pytest.approx(np.quantile(FINALS, 0.995))


def test_the_counts_at_an_age_tell_what_is_usual_and_what_one_paper_in_twenty_has() -> None:
    pace = fitted(followed())
    assert pace.usual == pytest.approx([0, *(np.median(FINALS) * age / 150 for age in AGES)])
    crowded = [np.quantile(FINALS, 0.95) * age / 150 for age in AGES]
    assert pace.crowded == pytest.approx([crowded[0], *crowded])
    assert fitted(followed(), DEFAULT.paces[0]).crowded == pytest.approx([10, *crowded])


def test_many_votes_make_the_curve_and_not_many_papers() -> None:
    """Half of the papers end with one vote, at once; the others with 99: the ratio is that of the sums."""

    def growth(final: float, hours: float) -> float:
        return final if final == 1 else evenly(final, hours)

    pace = fitted(followed([1.0, 99.0] * (ENOUGH // 2), growth=growth))
    assert pace.grown_at(24) == pytest.approx((1 + 99 * 24 / 150) / 100)


def test_a_count_that_falls_again_grows_the_curve_no_further_and_lowers_it_nowhere() -> None:
    pace = fitted(followed(growth=lambda final, hours: 2 * final if hours == 24 else evenly(final, hours)))
    assert pace.grown[3:] == (1, 1, 1)


@pytest.mark.parametrize("missing", [0, 1])
def test_a_curve_waits_for_two_hundred_papers(missing: int) -> None:
    assert (fit(followed(FINALS[missing:])) is None) == bool(missing)


@pytest.mark.parametrize(("ages", "is_known"), [((24, 150), False), ((8, 24, 150), True)])
def test_a_curve_needs_three_ages(*, ages: Sequence[float], is_known: bool) -> None:
    assert (fit(followed(ages=ages)) is not None) is is_known


def test_an_age_that_too_few_papers_were_read_at_is_left_out() -> None:
    signals = followed()
    signals["p000"] = [each for each in signals["p000"] if each.observed_at != START + timedelta(hours=24)]
    assert fitted(signals).hours == (0, 2, 8, 72, 150)


@pytest.mark.parametrize(("last", "is_final"), [(131, False), (132, True), (264, True), (265, False)])
def test_a_paper_was_followed_to_its_end_if_read_once_more_after_five_and_a_half_days(
    *, last: float, is_final: bool
) -> None:
    assert (fit(followed(ages=(*AGES[:-1], last))) is not None) is is_final


def test_the_first_late_reading_is_the_end_and_older_ones_are_no_age() -> None:
    pace = fitted(followed(ages=(*AGES, 180, 200), growth=lambda final, hours: final * hours / 150))
    assert pace.mean == pytest.approx(np.mean(FINALS))
    assert pace.hours[-2:] == (150, 180)
    early = fitted(followed(ages=(-5, 0, *AGES)))
    assert early.hours == (0, *AGES)


def test_readings_of_other_sources_and_kinds_and_the_order_they_come_in_change_nothing() -> None:
    signals = followed()
    mixed = {
        name: [
            *(replace(each, value=999, kind=SignalKind.COMMENTS) for each in some),
            *(replace(each, value=999, source="alphaxiv") for each in some),
            *reversed(some),
        ]
        for name, some in signals.items()
    }
    assert fitted(mixed) == fitted(signals)
    assert refit(
        dict.fromkeys([*signals, "never read"], DAY),
        signals,
        source="huggingface",
        kind=SignalKind.UPVOTES,
        as_of=TODAY,
    ) == fitted(signals)


def test_readings_around_an_age_are_taken_for_it() -> None:
    """23 and 25 hours are about 24; the curve stands at their mean."""
    signals = {
        name: [
            replace(each, observed_at=each.observed_at + timedelta(hours=(-1, 1)[n % 2]))
            if each.observed_at == START + timedelta(hours=24)
            else each
            for each in some
        ]
        for n, (name, some) in enumerate(followed().items())
    }
    assert fitted(signals).hours == pytest.approx((0, *AGES))


def test_the_spread_tells_how_far_papers_stray_from_their_course_and_never_widens_with_age() -> None:
    """Half of the papers end with twice, half with half of what their first votes promised."""

    def growth(final: float, hours: float) -> float:
        return 100.0 if hours < 24 else final

    finals = [200.0, 50.0] * (ENOUGH // 2)
    pace = fitted(followed(finals, growth=growth))
    course = expected(100, 2, pace)
    strays = [log((final + 1) / (course + 1)) for final in finals]
    assert pace.spread[0] == pace.spread_hot[0] == pytest.approx(np.std(strays))
    assert pace.spread[-1] == pytest.approx(LEAST_SPREAD)
    assert list(pace.spread) == sorted(pace.spread, reverse=True)


def test_hot_papers_stray_in_their_own_way_where_there_are_enough_of_them() -> None:
    """The calm ones come evenly; a tenth or hardly fewer are on course for much, and half of them fail."""

    def growth(final: float, hours: float) -> float:
        return 50.0 if final >= 50 and hours < 24 else evenly(final, hours) if final < 50 else final

    many = fitted(followed([*[3.0] * 180, *[50.0, 100.0] * 10], growth=growth))
    few = fitted(followed([*[3.0] * 181, *[50.0, 100.0] * 9, 100.0], growth=growth))
    assert many.spread_hot[0] != pytest.approx(many.spread[0])
    assert few.spread_hot == few.spread


@pytest.mark.parametrize(("days_ago", "counts"), [(2, False), (3, True), (31, True), (32, False)])
def test_four_weeks_of_settled_papers_say_what_is_usual_now(*, days_ago: int, counts: bool) -> None:
    some = [replace(paper(), listed=TODAY - timedelta(days=days_ago)) for _ in FINALS]
    past = [VoteHistory(each, votes) for each, votes in zip(some, FINALS, strict=True)]
    pace = rolled(DEFAULT, past, TODAY).paces[0]
    if not counts:
        assert pace == DEFAULT.paces[0]
        return
    assert pace.mean == pytest.approx(np.mean(FINALS))
    assert pace.median == pytest.approx(np.median(FINALS))
    assert pace.ceiling == pytest.approx(np.quantile(FINALS, 0.995))
    assert pace.as_of == TODAY
    assert pace.grown == DEFAULT.paces[0].grown


def test_too_few_recent_papers_leave_what_was_usual_and_still_tell_who_wrote_what() -> None:
    other = replace(DEFAULT.paces[0], source="alphaxiv")
    climate = replace(DEFAULT, paces=(*DEFAULT.paces, other))
    some = [replace(paper(), listed=TODAY - timedelta(days=9)) for _ in FINALS]
    past = [VoteHistory(each, 20.0) for each in some]
    told = rolled(climate, [*past[1:], VoteHistory(replace(paper(), listed=None), 20.0)], TODAY)
    assert told.paces == climate.paces
    assert told.record.authors["ada loveless"].papers >= ENOUGH - 1
    assert rolled(climate, past, TODAY).paces[1:] == (other,)
