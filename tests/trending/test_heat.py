"""Tests of heat: properties that always hold, and the figures of the formula."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp, log2, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Paper, Sent, Signal, SignalKind
from digest.models.papers import REPOSITORY_KINDS
from digest.trending.baselines import DEFAULT_BASELINES
from digest.trending.breakout import BreakoutFinder
from digest.trending.heat import (
    compute_heat,
    forecast_final_votes,
    heat_sort_key,
    sort_by_heat,
    to_doublings,
)
from digest.trending.prior import VoteHistory, build_prior_record, to_final_votes
from tests.factories import NOW, make_paper, make_signal

CURVE = DEFAULT_BASELINES.curves[0]
votes = st.integers(0, 600).map(float)
hours = st.floats(0, 700)


def make_listed_paper(
    title: str = "Counting Sheep in Sublinear Time", *, days_ago: int = 0, paper_id: str = ""
) -> Paper:
    return replace(make_paper(title, id=paper_id), listed=NOW.date() - timedelta(days=days_ago))


TEAM = replace(
    make_listed_paper("Unified Agentic Reasoning", days_ago=30), authors=tuple("ABCDEFGHIJKLMNOPQRST")
)
BARE = replace(
    make_listed_paper("A Note on Commas", days_ago=30), authors=("A",), abstract="We study datasets."
)
papers = st.sampled_from([TEAM, BARE])


def get_heat(of: Paper, *readings: Signal, now: datetime = NOW) -> Heat:
    return compute_heat([of], {of.id: readings}, now)[of.id]


def make_votes_at(of: Paper, value: float, age: float) -> Signal:
    """Return a signal observed so many hours after the listing day began."""
    start = datetime.combine(of.listed or NOW.date(), datetime.min.time(), UTC)
    return replace(make_signal(of, value), observed_at=start + timedelta(hours=age))


def test_the_forecast_without_votes_at_hour_zero_is_the_mean() -> None:
    assert forecast_final_votes(0, 0, CURVE) == pytest.approx(CURVE.mean)


def test_the_example_of_the_docs_holds() -> None:
    hot = make_listed_paper()
    result = get_heat(hot, make_votes_at(hot, 31, 9))
    assert result.expected == pytest.approx(60, abs=3)
    assert result.low == pytest.approx(41, abs=2)
    assert result.high == pytest.approx(90, abs=5)
    assert result.usual == 5
    assert result.hours == 9
    assert result.value == pytest.approx(log2((result.expected + 1) / (CURVE.median + 1)))


@given(papers, votes, votes, hours)
def test_more_votes_never_make_a_paper_cooler(paper: Paper, fewer: float, more: float, age: float) -> None:
    less, greater = (get_heat(paper, make_votes_at(paper, value, age)) for value in sorted((fewer, more)))
    assert less.value <= greater.value
    assert less.expected <= greater.expected
    assert heat_sort_key(less) >= heat_sort_key(greater)


@given(papers, votes, hours, hours)
def test_of_equal_votes_the_younger_paper_is_at_least_as_hot(
    paper: Paper, value: float, one: float, other: float
) -> None:
    young, old = (get_heat(paper, make_votes_at(paper, value, age)) for age in sorted((one, other)))
    assert young.value >= old.value
    assert young.expected >= old.expected
    assert heat_sort_key(young) <= heat_sort_key(old)


@given(st.lists(st.tuples(votes, st.floats(0, 200)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_papers_and_signals_does_not_matter(
    readings: list[tuple[float, float]], random: Random
) -> None:
    papers = [make_listed_paper(paper_id=f"arxiv:2611.{number:05d}", days_ago=9) for number in range(4)]
    signals = {
        peer.id: [make_votes_at(peer, v + index, h) for v, h in readings] for index, peer in enumerate(papers)
    }
    shuffled, reordered = papers[:], {paper_id: series[:] for paper_id, series in signals.items()}
    random.shuffle(shuffled)
    for series in reordered.values():
        random.shuffle(series)
    heat_before = compute_heat(papers, signals, NOW)
    assert compute_heat(shuffled, reordered, NOW) == heat_before
    assert sort_by_heat(shuffled, heat_before) == sort_by_heat(papers, heat_before)


@given(votes, st.floats(0, 9), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_late_run_changes_nothing_while_nothing_was_fetched(
    value: float, age: float, late: timedelta
) -> None:
    paper = make_listed_paper()
    reading = make_votes_at(paper, value, age)
    assert get_heat(paper, reading, now=NOW + late) == get_heat(paper, reading)


def test_signals_observed_later_are_ignored() -> None:
    paper = make_listed_paper()
    first = make_votes_at(paper, 5, 3)
    assert get_heat(paper, first, make_votes_at(paper, 500, 20)) == get_heat(paper, first)


def test_a_listed_paper_without_votes_is_ordered_by_the_prior() -> None:
    team = replace(
        make_listed_paper("Agentic Reasoning at Scale"),
        authors=tuple("ABCDEFGHIJKLMNOP"),
        code_url="https://e.org",
    )
    alone = replace(make_listed_paper("A Note on Commas"), authors=("A",))
    result = compute_heat([team, alone], {}, NOW)
    assert sort_by_heat([alone, team], result) == [team, alone]
    assert result[team.id].content_prior
    assert result[team.id].votes is None
    prediction = DEFAULT_BASELINES.prior.predict(team)
    assert result[team.id].expected == pytest.approx(to_final_votes(CURVE.mean, prediction))


def test_an_unlisted_paper_is_usual_at_best() -> None:
    best = replace(
        make_paper("Unified agentic reinforcement learning"), authors=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    )
    result = get_heat(best)
    assert result.value <= 0
    assert result.content_prior


def test_a_source_that_is_down_lowers_nothing() -> None:
    both, other = make_listed_paper(), make_paper()
    voted = [make_votes_at(both, 40, 8)]
    points = [make_signal(other, 90, kind=SignalKind.POINTS, source="hackernews")]
    alone = compute_heat([both, other], {both.id: voted}, NOW)
    together = compute_heat([both, other], {both.id: voted, other.id: points}, NOW)
    assert together[both.id] == alone[both.id]


def test_a_signal_without_source_counts_as_the_usual_one() -> None:
    paper = make_listed_paper()
    reading = make_votes_at(paper, 30, 8)
    assert get_heat(paper, replace(reading, source="")) == get_heat(paper, reading)


def test_points_make_an_unlisted_paper_hot() -> None:
    papers = [make_paper(id=f"arxiv:2611.1{number:04d}") for number in range(16)]
    signals = {
        peer.id: [make_signal(peer, index, kind=SignalKind.POINTS, source="hackernews")]
        for index, peer in enumerate(papers, 1)
    }
    result = compute_heat(papers, signals, NOW)
    assert sort_by_heat(papers, result) == papers[::-1]
    assert result[papers[-1].id].value > 2
    assert result[papers[-1].id].kind is SignalKind.POINTS
    assert result[papers[0].id].value < 0


def test_a_second_source_adds_a_quarter_of_its_heat() -> None:
    paper, peers = make_listed_paper(), [make_paper(id=f"arxiv:2611.2{number:04d}") for number in range(15)]
    signals: dict[str, Sequence[Signal]] = {
        peer.id: [make_signal(peer, 1, kind=SignalKind.POINTS, source="hackernews")] for peer in peers
    }
    votes_only = get_heat(paper, make_votes_at(paper, 200, 8))
    signals[paper.id] = [
        make_votes_at(paper, 200, 8),
        make_signal(paper, 99, kind=SignalKind.POINTS, source="hackernews"),
    ]
    both = compute_heat([paper, *peers], signals, NOW)[paper.id]
    assert both.value == pytest.approx(votes_only.value + 0.25 * (log2(17) - 1))


def test_stars_count_by_their_gain_and_do_not_change_the_order() -> None:
    old, new = make_paper(), make_paper()
    stars = SignalKind.STARS
    signals = {
        old.id: [make_signal(old, 90_000, kind=stars, source="github", hours_ago=30),
                 make_signal(old, 90_000, kind=stars, source="github")],
        new.id: [make_signal(new, 10, kind=stars, source="github", hours_ago=30),
                 make_signal(new, 300, kind=stars, source="github")],
    }  # fmt: skip
    result, without = compute_heat([old, new], signals, NOW), compute_heat([old, new], {}, NOW)
    assert result[old.id] == without[old.id]
    assert result[new.id].value >= without[new.id].value
    assert result[new.id].order == without[new.id].order


def test_gained_is_the_gain_since_yesterday() -> None:
    paper = make_listed_paper(days_ago=2)
    result = get_heat(paper, make_votes_at(paper, 12, 33), make_votes_at(paper, 60, 57.5))
    assert result.gained == 48
    assert result.usual_gain == pytest.approx(CURVE.usual_gain_at(57.5))
    assert get_heat(paper, make_votes_at(paper, 12, 33)).gained is None


def test_an_old_gain_is_not_one_since_yesterday() -> None:
    paper = make_listed_paper(days_ago=4)
    assert get_heat(paper, make_votes_at(paper, 12, 9), make_votes_at(paper, 60, 32.5)).gained is None
    half_a_day_ago = make_listed_paper(days_ago=2)
    assert (
        get_heat(
            half_a_day_ago, make_votes_at(half_a_day_ago, 12, 21.5), make_votes_at(half_a_day_ago, 60, 45.5)
        ).gained
        == 48
    )


def test_many_votes_that_the_prior_contradicts_are_doubted_and_weigh_less() -> None:
    bare = replace(
        make_listed_paper("A Note on Commas", days_ago=0), authors=("A",), abstract="We study datasets."
    )
    team = replace(
        bare, authors=tuple("ABCDEFGHIJKLMNOPQRST"), code_url="https://e.org", id="arxiv:2611.99999"
    )
    doubted, trusted = (
        get_heat(bare, make_votes_at(bare, 150, 8)),
        get_heat(team, make_votes_at(team, 150, 8)),
    )
    assert doubted.is_doubted
    assert not trusted.is_doubted
    assert doubted.expected < trusted.expected
    assert not get_heat(BARE, make_votes_at(BARE, 20, 8)).is_doubted


def test_heat_is_limited_by_the_ceiling() -> None:
    paper = make_listed_paper()
    result = get_heat(paper, make_votes_at(paper, 5000, 8))
    assert result.value == pytest.approx(to_doublings(CURVE.ceiling, CURVE))


def test_equally_hot_papers_are_ordered_by_id() -> None:
    twins = [make_listed_paper(paper_id=f"arxiv:2611.0{n}001") for n in (3, 1, 2)]
    result = compute_heat(twins, {}, NOW)
    assert [paper.id[-4:] for paper in sort_by_heat(twins, result)] == ["1001", "2001", "3001"]


def add_breakouts(heat: dict[str, Heat], sent: dict[str, Sent]) -> dict[str, Heat]:
    return heat | BreakoutFinder(heat).find(sent, NOW.date())


def test_a_paper_that_broke_out_since_it_was_sent_has_broke_out_from() -> None:
    paper = make_listed_paper(days_ago=1)
    then = Sent(day=date(2026, 11, 22), expected=20, votes=12)
    readings = {paper.id: [make_votes_at(paper, 12, 9), make_votes_at(paper, 140, 32)]}
    result = add_breakouts(compute_heat([paper], readings, NOW), {paper.id: then})[paper.id]
    assert (result.broke_out_from, result.broke_out_on) == (12, date(2026, 11, 22))
    resent = {paper.id: replace(then, resent=True)}
    again = add_breakouts(compute_heat([paper], readings, NOW), resent)[paper.id]
    assert again.broke_out_from is None


def test_only_the_hottest_of_several_is_resent_and_none_within_a_week() -> None:
    first, second = make_listed_paper(days_ago=1), make_listed_paper(paper_id="arxiv:2611.30001", days_ago=1)
    readings = {first.id: [make_votes_at(first, 200, 32)], second.id: [make_votes_at(second, 140, 32)]}
    then = Sent(day=date(2026, 11, 22), expected=20, votes=12)
    sent = {first.id: then, second.id: then}
    result = add_breakouts(compute_heat([first, second], readings, NOW), sent)
    assert [result[paper.id].broke_out_from for paper in (first, second)] == [12, None]
    lately = sent | {"arxiv:2611.00001": replace(then, resent=True, day=date(2026, 11, 20))}
    result = add_breakouts(compute_heat([first, second], readings, NOW), lately)
    assert result[first.id].broke_out_from is None


@pytest.mark.parametrize("votes", [None, 0])
def test_a_paper_sent_before_anybody_voted_did_not_break_out(votes: float | None) -> None:
    paper = make_listed_paper(days_ago=1)
    then = {paper.id: Sent(day=date(2026, 11, 22), expected=20, votes=votes)}
    result = add_breakouts(compute_heat([paper], {paper.id: [make_votes_at(paper, 140, 32)]}, NOW), then)
    assert result[paper.id].broke_out_from is None


def test_no_breakout_outside_the_five_hottest_or_without_thirty_more_votes() -> None:
    paper = make_listed_paper(days_ago=1)
    hotter = [make_listed_paper(paper_id=f"arxiv:2611.3{n:04d}", days_ago=1) for n in range(5)]
    readings = {paper.id: [make_votes_at(paper, 60, 32)]} | {
        other.id: [make_votes_at(other, 300, 32)] for other in hotter
    }
    then = {paper.id: Sent(day=date(2026, 11, 22), expected=10, votes=12)}
    assert add_breakouts(compute_heat([paper, *hotter], readings, NOW), then)[paper.id].broke_out_from is None
    few = {paper.id: Sent(day=date(2026, 11, 22), expected=10, votes=40)}
    assert add_breakouts(compute_heat([paper], readings, NOW), few)[paper.id].broke_out_from is None


def test_the_authors_record_raises_a_young_paper_and_is_in_its_heat() -> None:
    past = [
        VoteHistory(replace(make_listed_paper(days_ago=20), authors=("Ada Loveless",)), 120.0),
        VoteHistory(replace(make_listed_paper(days_ago=20), authors=("Bo Chen",)), 3.0),
        VoteHistory(replace(make_listed_paper(days_ago=20), authors=("Cy Dee",)), 5.0),
    ]
    baselines = replace(DEFAULT_BASELINES, record=build_prior_record(past))
    known, unknown = (replace(make_listed_paper(), authors=(name,)) for name in ("Ada Loveless", "Nobody"))
    result = compute_heat([known, unknown], {}, NOW, baselines=baselines)
    assert result[known.id].author_votes == 120
    assert result[unknown.id].author_votes is None
    assert result[known.id].value > result[unknown.id].value


def test_papers_are_sorted_by_order_then_by_forecast() -> None:
    sure, hot, hotter = (
        Heat(value=0, expected=9, order=2.0),
        Heat(value=1, expected=9),
        Heat(value=1, expected=20),
    )
    assert sorted([hot, hotter, sure], key=heat_sort_key) == [sure, hotter, hot]


def expected_order(forecast: float, hours: float = 0) -> float:
    """Return the order by the formula of docs/trending.md, written independently."""
    above = log2((forecast + 1) / (84 + 1))
    return above if above >= 0 else above * sqrt(CURVE.spread_at(0, 1) / CURVE.spread_at(hours, 1))


@given(papers, st.integers(0, 60), st.floats(0.5, 400))
def test_the_order_of_a_paper_with_votes_follows_the_docs(paper: Paper, value: int, age: float) -> None:
    result = get_heat(paper, make_votes_at(paper, value, age))
    if not result.is_doubted:
        prediction, grown = DEFAULT_BASELINES.prior.predict(paper), CURVE.reached_share_at(age)
        forecast = (value + 6) / (grown + 6 / 18) * exp(0.1 * prediction * max(0, 1 - grown))
        assert result.order == pytest.approx(expected_order(forecast, age))


@given(papers)
def test_the_order_of_a_paper_without_votes_is_the_prior(paper: Paper) -> None:
    result = get_heat(paper)
    assert result.expected == pytest.approx(to_final_votes(18, DEFAULT_BASELINES.prior.predict(paper)))
    assert result.order == pytest.approx(expected_order(result.expected))


def test_a_doubted_paper_has_a_lower_order_too() -> None:
    old = replace(BARE, listed=NOW.date() - timedelta(days=9))
    result = get_heat(old, make_votes_at(old, 150, 170))
    assert result.is_doubted
    grown = CURVE.reached_share_at(170)
    assert result.expected == pytest.approx((150 + 8) / (grown + 8 / 18))
    assert result.order == pytest.approx(expected_order((150 + 8) / (grown + 8 / 18)))


def test_the_forecast_of_an_unlisted_paper_is_a_tenth_of_the_prior() -> None:
    unlisted = replace(BARE, listed=None)
    assert get_heat(unlisted).expected == pytest.approx(get_heat(BARE).expected / 10)


def test_comments_citations_and_repositories_are_ignored() -> None:
    paper = make_listed_paper()
    talk = [
        replace(make_votes_at(paper, 90, 2), kind=kind)
        for kind in (SignalKind.COMMENTS, SignalKind.CITATIONS, *REPOSITORY_KINDS)
    ]
    for votes in ([make_votes_at(paper, 30, 8)], []):
        heat = get_heat(paper, *talk, *votes)
        assert (heat.models, heat.datasets, heat.spaces) == (90, 90, 90), "shown, not weighed"
        assert replace(heat, models=0, datasets=0, spaces=0) == get_heat(paper, *votes)


def test_upvotes_of_another_source_are_not_votes() -> None:
    paper = make_listed_paper()
    elsewhere = replace(make_votes_at(paper, 30, 8), source="alphaxiv")
    assert get_heat(paper, elsewhere).expected == get_heat(paper).expected
    assert get_heat(paper, elsewhere).usual is None


def test_heat_has_source_kind_votes_and_author_votes() -> None:
    paper = make_listed_paper()
    baselines = replace(
        DEFAULT_BASELINES, record=build_prior_record([VoteHistory(make_listed_paper(days_ago=20), 120.0)])
    )
    result = compute_heat([paper], {paper.id: [make_votes_at(paper, 30, 8)]}, NOW, baselines=baselines)[
        paper.id
    ]
    assert (result.source, result.kind, result.votes) == ("huggingface", SignalKind.UPVOTES, 30)
    assert result.author_votes == 120


@pytest.mark.parametrize(("hours", "is_kept"), [(11, True), (13, False)])
def test_a_gain_is_kept_for_half_a_day_after_it_was_observed(hours: float, *, is_kept: bool) -> None:
    paper = make_listed_paper(days_ago=3)
    readings = make_votes_at(paper, 12, 33), make_votes_at(paper, 60, 57)
    assert (
        get_heat(paper, *readings, now=readings[1].observed_at + timedelta(hours=hours)).gained == 48
    ) is is_kept


@pytest.mark.parametrize(
    ("ages", "gained"),
    [
        ((39,), 40),
        ((39.1,), None),
        ((21,), 40),
        ((20.9,), None),
        ((22, 32, 38), 30),
        ((22, 35, 38), 30),
        ((22, 27, 38), 20),
    ],
)
def test_the_daily_gain_is_since_the_signal_nearest_to_a_day_ago(
    ages: Sequence[float], gained: float | None
) -> None:
    paper, votes = make_listed_paper(days_ago=3), (20, 30, 40)
    before = [make_votes_at(paper, votes[index], age) for index, age in enumerate(ages)]
    result = get_heat(
        paper, *before, make_votes_at(paper, 60, 57), now=make_votes_at(paper, 0, 58).observed_at
    )
    assert result.gained == gained


@pytest.mark.parametrize(
    ("seen", "published", "age"), [(4, 9, 4), (None, 9, 9), (None, None, 2), (0.5, 9, 0.5)]
)
def test_an_unlisted_paper_ages_from_first_seen_or_published_or_its_first_vote(
    seen: float | None, published: float | None, age: float
) -> None:
    def ago(hours: float | None) -> datetime | None:
        return None if hours is None else NOW - timedelta(hours=hours)

    paper = replace(make_paper(), first_seen=ago(seen), published=ago(published))
    assert get_heat(paper, make_signal(paper, 5, hours_ago=2), make_signal(paper, 9)).hours == age


def test_a_source_with_its_own_curve_gives_heat_by_it() -> None:
    curve = replace(CURVE, source="alphaxiv", median=3.0, mean=6.0, ceiling=50.0)
    baselines = replace(DEFAULT_BASELINES, curves=(CURVE, curve))
    paper = make_paper()
    morning = NOW.replace(hour=0, minute=0)
    readings = [
        replace(make_signal(paper, value, source="alphaxiv"), observed_at=morning + timedelta(hours=hours))
        for value, hours in ((4, 2), (20, 8))
    ]
    result = compute_heat([paper], {paper.id: readings}, NOW, baselines=baselines)[paper.id]
    assert result.value == pytest.approx(log2(((20 + 2) / (0.4 + 2 / 6) + 1) / (3 + 1)))
    assert (result.source, result.votes) == ("alphaxiv", 20)
    crowded = [replace(signal, value=signal.value * 50) for signal in readings]
    result = compute_heat([paper], {paper.id: crowded}, NOW, baselines=baselines)[paper.id]
    assert result.value == pytest.approx(to_doublings(50, curve))


def test_of_two_equal_sources_the_one_that_lists_papers_is_named() -> None:
    baselines = replace(DEFAULT_BASELINES, curves=(CURVE, replace(CURVE, source="alphaxiv")))
    paper = replace(make_paper(), listed=NOW.date(), first_seen=NOW)
    reading = make_votes_at(paper, 200, 8)
    result = compute_heat(
        [paper], {paper.id: [reading, replace(reading, source="alphaxiv")]}, NOW, baselines=baselines
    )[paper.id]
    assert result.source == "huggingface"
    assert result.value == pytest.approx(1.25 * get_heat(paper, reading).value)


def test_the_hottest_source_gives_the_heat_and_the_others_add_a_quarter() -> None:
    peers = [make_paper() for _ in range(15)]
    baselines = replace(
        DEFAULT_BASELINES, record=build_prior_record([VoteHistory(make_listed_paper(days_ago=20), 120.0)])
    )
    paper = make_listed_paper(days_ago=0)
    signals: dict[str, Sequence[Signal]] = {
        peer.id: [
            make_signal(peer, 1, kind=SignalKind.POINTS, source=source)
            for source in ("hackernews", "lobsters")[: 2 if index < 7 else 1]
        ]
        for index, peer in enumerate(peers)
    }
    signals[paper.id] = [
        make_signal(paper, 99, kind=SignalKind.POINTS, source="hackernews"),
        make_signal(paper, 50, kind=SignalKind.POINTS, source="lobsters"),
        make_votes_at(paper, 12, 8),
    ]
    own = compute_heat([paper], {paper.id: [make_votes_at(paper, 12, 8)]}, NOW, baselines=baselines)[paper.id]
    assert own.value > 0
    result = compute_heat([paper, *peers], signals, NOW, baselines=baselines)[paper.id]
    best, second = log2(17) - 1, log2(9) - 1
    assert result.value == pytest.approx(best + 0.25 * (second + own.value))
    assert result.order == pytest.approx(result.value - to_doublings(84, CURVE))
    assert (result.source, result.kind, result.votes) == ("hackernews", SignalKind.POINTS, 99)
    assert (result.expected, result.author_votes, result.is_doubted) == (own.expected, 120, False)


def test_a_second_source_raises_the_order_as_well() -> None:
    paper, peer = make_listed_paper(), make_paper()
    points = [
        make_signal(voted, value, kind=SignalKind.POINTS, source="hackernews")
        for voted, value in ((paper, 2), (peer, 1))
    ]
    alone = get_heat(paper, make_votes_at(paper, 200, 8))
    both = compute_heat(
        [paper, peer], {paper.id: [make_votes_at(paper, 200, 8), points[0]], peer.id: points[1:]}, NOW
    )[paper.id]
    assert both.value == pytest.approx(alone.value + 0.25 * (log2(3) - 1))
    assert both.order == pytest.approx((alone.order or 0) + 0.25 * (log2(3) - 1))


def test_a_paper_that_is_doubted_stays_so_where_another_source_is_hotter() -> None:
    baselines = replace(DEFAULT_BASELINES, curves=(CURVE, replace(CURVE, source="alphaxiv", ceiling=9_000)))
    bare = replace(
        make_listed_paper("A Note on Commas", days_ago=0), authors=("A",), abstract="We study datasets."
    )
    crowd = make_votes_at(bare, 150, 8)
    readings = [crowd, replace(crowd, source="alphaxiv", value=5_000)]
    result = compute_heat([bare], {bare.id: readings}, NOW, baselines=baselines)[bare.id]
    assert (result.source, result.is_doubted) == ("alphaxiv", True)


def test_a_field_without_voters_is_not_ordered_by_the_votes_of_another() -> None:
    def make(field: str, number: int, *, hours_ago: float = 10.0) -> Paper:
        paper = make_paper(f"{field} {number}", id=f"doi:10.5555/{field}.{number}")
        seen = NOW - timedelta(hours=hours_ago)
        return replace(
            paper, categories=(field,), source="pubmed" if field == "Wool" else "arxiv",
            listed=None, published=seen, first_seen=seen,
        )  # fmt: skip

    voted = [replace(make("cs.LG", n), listed=NOW.date()) for n in range(4)]
    others = [make("Wool", n, hours_ago=10 + 24 * n) for n in range(4)]
    signals = {paper.id: [make_signal(paper, 30 * (n + 1))] for n, paper in enumerate(voted)}
    signals[others[3].id] = [
        Signal(paper_id=others[3].id, kind=SignalKind.CITATIONS, value=3, observed_at=NOW, source="openalex")
    ]
    papers = [*others, *voted]
    heat = compute_heat(papers, signals, NOW)

    assert [heat[paper.id].has_voters for paper in papers] == [False] * 4 + [True] * 4
    assert {heat[paper.id].value for paper in others} == {0.0}  # as usual, whatever authors and topic
    ordered = sort_by_heat(papers, heat)
    assert [*ordered[:4]] == voted[::-1]
    assert ordered[4:] == [others[3], others[0], others[1], others[2]]  # cited, then the newest first
    assert (heat[others[3].id].kind, heat[others[3].id].votes) == (SignalKind.CITATIONS, 3)

    without_votes = compute_heat(papers, {}, NOW)
    assert all(value.has_voters for value in without_votes.values()), "votes are missing for all fields"
