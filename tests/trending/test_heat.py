"""How hot is a paper? What must be true of every answer, and the numbers a reader is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp, log2, sqrt
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Heat, Paper, Sent, Signal, SignalKind
from digest.trending.baselines import DEFAULT
from digest.trending.heat import doublings, expected, heat_of, hotness, trending_order
from digest.trending.prior import VoteHistory, promised, record_of
from tests.factories import NOW, paper, signal

PACE = DEFAULT.paces[0]
votes = st.integers(0, 600).map(float)
hours = st.floats(0, 700)


def listed(title: str = "Counting Sheep in Sublinear Time", *, days_ago: int = 0, id: str = "") -> Paper:  # noqa: A002
    return replace(paper(title, id=id), listed=NOW.date() - timedelta(days=days_ago))


TEAM = replace(listed("Unified Agentic Reasoning", days_ago=30), authors=tuple("ABCDEFGHIJKLMNOPQRST"))
BARE = replace(listed("A Note on Commas", days_ago=30), authors=("A",), abstract="We study datasets.")
papers = st.sampled_from([TEAM, BARE])


def heat(of: Paper, *readings: Signal, now: datetime = NOW) -> Heat:
    return heat_of([of], {of.id: readings}, now)[of.id]


def at(of: Paper, value: float, age: float) -> Signal:
    """A reading so many hours after the listing day began."""
    start = datetime.combine(of.listed or NOW.date(), datetime.min.time(), UTC)
    return replace(signal(of, value), observed_at=start + timedelta(hours=age))


def test_a_paper_without_votes_at_hour_zero_is_on_course_for_the_usual_mean() -> None:
    assert expected(0, 0, PACE) == pytest.approx(PACE.mean)


def test_the_example_of_the_docs_holds() -> None:
    hot = listed()
    told = heat(hot, at(hot, 31, 9))
    assert told.expected == pytest.approx(60, abs=3)
    assert told.low == pytest.approx(41, abs=2)
    assert told.high == pytest.approx(90, abs=5)
    assert told.usual == 5
    assert told.hours == 9
    assert told.value == pytest.approx(log2((told.expected + 1) / (PACE.median + 1)))


@given(papers, votes, votes, hours)
def test_more_votes_never_make_a_paper_cooler(one: Paper, some: float, more: float, age: float) -> None:
    less, greater = (heat(one, at(one, value, age)) for value in sorted((some, more)))
    assert less.value <= greater.value
    assert less.expected <= greater.expected
    assert hotness(less) >= hotness(greater)


@given(papers, votes, hours, hours)
def test_of_equal_votes_the_younger_paper_is_at_least_as_hot(
    this: Paper, value: float, one: float, other: float
) -> None:
    young, old = (heat(this, at(this, value, age)) for age in sorted((one, other)))
    assert young.value >= old.value
    assert young.expected >= old.expected
    assert hotness(young) <= hotness(old)


@given(st.lists(st.tuples(votes, st.floats(0, 200)), max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_papers_and_readings_does_not_matter(
    readings: list[tuple[float, float]], random: Random
) -> None:
    papers = [listed(id=f"arxiv:2611.{number:05d}", days_ago=9) for number in range(4)]
    signals = {each.id: [at(each, v + place, h) for v, h in readings] for place, each in enumerate(papers)}
    shuffled, turned = papers[:], {name: each[:] for name, each in signals.items()}
    random.shuffle(shuffled)
    for each in turned.values():
        random.shuffle(each)
    heat_before = heat_of(papers, signals, NOW)
    assert heat_of(shuffled, turned, NOW) == heat_before
    assert trending_order(shuffled, heat_before) == trending_order(papers, heat_before)


@given(votes, st.floats(0, 9), st.timedeltas(timedelta(0), timedelta(days=3)))
def test_a_late_run_changes_nothing_while_nothing_was_read(value: float, age: float, late: timedelta) -> None:
    one = listed()
    reading = at(one, value, age)
    assert heat(one, reading, now=NOW + late) == heat(one, reading)


def test_readings_made_later_do_not_exist_yet() -> None:
    one = listed()
    first = at(one, 5, 3)
    assert heat(one, first, at(one, 500, 20)) == heat(one, first)


def test_a_listed_paper_without_votes_is_ordered_by_its_promise() -> None:
    team = replace(
        listed("Agentic Reasoning at Scale"), authors=tuple("ABCDEFGHIJKLMNOP"), code_url="https://e.org"
    )
    alone = replace(listed("A Note on Commas"), authors=("A",))
    told = heat_of([team, alone], {}, NOW)
    assert trending_order([alone, team], told) == [team, alone]
    assert told[team.id].content_prior
    assert told[team.id].votes is None
    promise = DEFAULT.prior.promise(team)
    assert told[team.id].expected == pytest.approx(promised(PACE.mean, promise))


def test_a_paper_on_nobodys_list_is_usual_at_best() -> None:
    best = replace(
        paper("Unified agentic reinforcement learning"), authors=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    )
    told = heat(best)
    assert told.value <= 0
    assert told.content_prior


def test_a_source_that_is_down_lowers_nothing() -> None:
    both, other = listed(), paper()
    voted = [at(both, 40, 8)]
    points = [signal(other, 90, kind=SignalKind.POINTS, source="hackernews")]
    alone = heat_of([both, other], {both.id: voted}, NOW)
    together = heat_of([both, other], {both.id: voted, other.id: points}, NOW)
    assert together[both.id] == alone[both.id]


def test_a_count_that_names_no_source_is_taken_for_the_usual_one() -> None:
    one = listed()
    reading = at(one, 30, 8)
    assert heat(one, replace(reading, source="")) == heat(one, reading)


def test_points_bring_a_paper_in_that_no_list_has() -> None:
    papers = [paper(id=f"arxiv:2611.1{number:04d}") for number in range(16)]
    signals = {
        each.id: [signal(each, place, kind=SignalKind.POINTS, source="hackernews")]
        for place, each in enumerate(papers, 1)
    }
    told = heat_of(papers, signals, NOW)
    assert trending_order(papers, told) == papers[::-1]
    assert told[papers[-1].id].value > 2
    assert told[papers[-1].id].kind is SignalKind.POINTS
    assert told[papers[0].id].value < 0


def test_a_second_source_adds_a_quarter_of_its_heat() -> None:
    one, peers = listed(), [paper(id=f"arxiv:2611.2{number:04d}") for number in range(15)]
    signals: dict[str, Sequence[Signal]] = {
        each.id: [signal(each, 1, kind=SignalKind.POINTS, source="hackernews")] for each in peers
    }
    votes_only = heat(one, at(one, 200, 8))
    signals[one.id] = [at(one, 200, 8), signal(one, 99, kind=SignalKind.POINTS, source="hackernews")]
    both = heat_of([one, *peers], signals, NOW)[one.id]
    assert both.value == pytest.approx(votes_only.value + 0.25 * (log2(17) - 1))


def test_stars_count_by_what_they_gained_and_lead_no_list() -> None:
    old, new = paper(), paper()
    stars = SignalKind.STARS
    signals = {
        old.id: [signal(old, 90_000, kind=stars, source="github", hours_ago=30),
                 signal(old, 90_000, kind=stars, source="github")],
        new.id: [signal(new, 10, kind=stars, source="github", hours_ago=30),
                 signal(new, 300, kind=stars, source="github")],
    }  # fmt: skip
    told, without = heat_of([old, new], signals, NOW), heat_of([old, new], {}, NOW)
    assert told[old.id] == without[old.id]
    assert told[new.id].value >= without[new.id].value
    assert told[new.id].order == without[new.id].order


def test_what_was_gained_since_yesterday_is_told() -> None:
    one = listed(days_ago=2)
    told = heat(one, at(one, 12, 33), at(one, 60, 57.5))
    assert told.gained == 48
    assert told.usual_gain == pytest.approx(PACE.usual_gain(57.5))
    assert heat(one, at(one, 12, 33)).gained is None


def test_a_gain_of_days_ago_is_none_since_yesterday() -> None:
    one = listed(days_ago=4)
    assert heat(one, at(one, 12, 9), at(one, 60, 32.5)).gained is None
    half_a_day_ago = listed(days_ago=2)
    assert heat(half_a_day_ago, at(half_a_day_ago, 12, 21.5), at(half_a_day_ago, 60, 45.5)).gained == 48


def test_a_crowd_around_a_paper_that_nothing_speaks_for_is_doubted_and_weighs_less() -> None:
    bare = replace(listed("A Note on Commas", days_ago=0), authors=("A",), abstract="We study datasets.")
    team = replace(
        bare, authors=tuple("ABCDEFGHIJKLMNOPQRST"), code_url="https://e.org", id="arxiv:2611.99999"
    )
    doubted, trusted = heat(bare, at(bare, 150, 8)), heat(team, at(team, 150, 8))
    assert doubted.is_doubted
    assert not trusted.is_doubted
    assert doubted.expected < trusted.expected
    assert not heat(BARE, at(BARE, 20, 8)).is_doubted


def test_no_paper_counts_for_more_than_the_hottest_of_a_month() -> None:
    one = listed()
    told = heat(one, at(one, 5000, 8))
    assert told.value == pytest.approx(doublings(PACE.ceiling, PACE))


def test_equally_hot_papers_stand_in_the_order_of_their_ids() -> None:
    twins = [listed(id=f"arxiv:2611.0{n}001") for n in (3, 1, 2)]
    told = heat_of(twins, {}, NOW)
    assert [each.id[-4:] for each in trending_order(twins, told)] == ["1001", "2001", "3001"]


def test_a_paper_that_broke_out_since_it_was_sent_says_so() -> None:
    one = listed(days_ago=1)
    then = Sent(day=date(2026, 11, 22), expected=20, votes=12)
    readings = {one.id: [at(one, 12, 9), at(one, 140, 32)]}
    told = heat_of([one], readings, NOW, sent={one.id: then})[one.id]
    assert (told.broke_out_from, told.broke_out_on) == (12, date(2026, 11, 22))
    again = heat_of([one], readings, NOW, sent={one.id: replace(then, resent=True)})[one.id]
    assert again.broke_out_from is None


def test_of_several_only_the_hottest_comes_again_and_none_within_a_week() -> None:
    first, second = listed(days_ago=1), listed(id="arxiv:2611.30001", days_ago=1)
    readings = {first.id: [at(first, 200, 32)], second.id: [at(second, 140, 32)]}
    then = Sent(day=date(2026, 11, 22), expected=20, votes=12)
    sent = {first.id: then, second.id: then}
    told = heat_of([first, second], readings, NOW, sent=sent)
    assert [told[each.id].broke_out_from for each in (first, second)] == [12, None]
    lately = sent | {"arxiv:2611.00001": replace(then, resent=True, day=date(2026, 11, 20))}
    told = heat_of([first, second], readings, NOW, sent=lately)
    assert told[first.id].broke_out_from is None


@pytest.mark.parametrize("votes", [None, 0])
def test_what_was_sent_before_anybody_voted_did_not_break_out(votes: float | None) -> None:
    one = listed(days_ago=1)
    then = {one.id: Sent(day=date(2026, 11, 22), expected=20, votes=votes)}
    told = heat_of([one], {one.id: [at(one, 140, 32)]}, NOW, sent=then)
    assert told[one.id].broke_out_from is None


def test_no_breakout_outside_the_five_hottest_or_without_thirty_more_votes() -> None:
    one = listed(days_ago=1)
    hotter = [listed(id=f"arxiv:2611.3{n:04d}", days_ago=1) for n in range(5)]
    readings = {one.id: [at(one, 60, 32)]} | {each.id: [at(each, 300, 32)] for each in hotter}
    then = {one.id: Sent(day=date(2026, 11, 22), expected=10, votes=12)}
    assert heat_of([one, *hotter], readings, NOW, sent=then)[one.id].broke_out_from is None
    few = {one.id: Sent(day=date(2026, 11, 22), expected=10, votes=40)}
    assert heat_of([one], readings, NOW, sent=few)[one.id].broke_out_from is None


def test_the_authors_record_lifts_a_young_paper_and_is_told() -> None:
    past = [
        VoteHistory(replace(listed(days_ago=20), authors=("Ada Loveless",)), 120.0),
        VoteHistory(replace(listed(days_ago=20), authors=("Bo Chen",)), 3.0),
        VoteHistory(replace(listed(days_ago=20), authors=("Cy Dee",)), 5.0),
    ]
    climate = replace(DEFAULT, record=record_of(past))
    known, unknown = (replace(listed(), authors=(name,)) for name in ("Ada Loveless", "Nobody"))
    told = heat_of([known, unknown], {}, NOW, climate=climate)
    assert told[known.id].author_votes == 120
    assert told[unknown.id].author_votes is None
    assert told[known.id].value > told[unknown.id].value


def test_the_list_is_led_by_what_most_surely_ends_among_the_best_and_then_by_what_is_on_course_for_more() -> (
    None
):
    sure, hot, hotter = (
        Heat(value=0, expected=9, order=2.0),
        Heat(value=1, expected=9),
        Heat(value=1, expected=20),
    )
    assert sorted([hot, hotter, sure], key=hotness) == [sure, hotter, hot]


def ordered(hoped: float, hours: float = 0) -> float:
    """The order of the docs: doublings above the bar; below it the older forecast hopes for less."""
    above = log2((hoped + 1) / (84 + 1))
    return above if above >= 0 else above * sqrt(PACE.spread_at(0, 1) / PACE.spread_at(hours, 1))


@given(papers, st.integers(0, 60), st.floats(0.5, 400))
def test_the_order_of_a_voted_paper_is_the_one_of_the_docs(one: Paper, value: int, age: float) -> None:
    told = heat(one, at(one, value, age))
    if not told.is_doubted:
        promise, grown = DEFAULT.prior.promise(one), PACE.grown_at(age)
        hoped = (value + 6) / (grown + 6 / 18) * exp(0.1 * promise * max(0, 1 - grown))
        assert told.order == pytest.approx(ordered(hoped, age))


@given(papers)
def test_the_order_of_a_paper_without_votes_is_what_it_promises(one: Paper) -> None:
    told = heat(one)
    assert told.expected == pytest.approx(promised(18, DEFAULT.prior.promise(one)))
    assert told.order == pytest.approx(ordered(told.expected))


def test_a_doubted_paper_is_held_back_in_the_order_too() -> None:
    old = replace(BARE, listed=NOW.date() - timedelta(days=9))
    told = heat(old, at(old, 150, 170))
    assert told.is_doubted
    grown = PACE.grown_at(170)
    assert told.expected == pytest.approx((150 + 8) / (grown + 8 / 18))
    assert told.order == pytest.approx(ordered((150 + 8) / (grown + 8 / 18)))


def test_a_paper_on_nobodys_list_is_on_course_for_a_tenth_of_what_it_promises() -> None:
    unlisted = replace(BARE, listed=None)
    assert heat(unlisted).expected == pytest.approx(heat(BARE).expected / 10)


def test_comments_and_citations_say_nothing_and_hide_nothing() -> None:
    one = listed()
    talk = [replace(at(one, 90, 2), kind=kind) for kind in (SignalKind.COMMENTS, SignalKind.CITATIONS)]
    assert heat(one, *talk, at(one, 30, 8)) == heat(one, at(one, 30, 8))
    assert heat(one, *talk) == heat(one)


def test_upvotes_of_another_source_are_not_the_lists_votes() -> None:
    one = listed()
    elsewhere = replace(at(one, 30, 8), source="alphaxiv")
    assert heat(one, elsewhere).expected == heat(one).expected
    assert heat(one, elsewhere).usual is None


def test_the_votes_say_where_and_what_they_are_and_whose_paper_it_is() -> None:
    one = listed()
    climate = replace(DEFAULT, record=record_of([VoteHistory(listed(days_ago=20), 120.0)]))
    told = heat_of([one], {one.id: [at(one, 30, 8)]}, NOW, climate=climate)[one.id]
    assert (told.source, told.kind, told.votes) == ("huggingface", SignalKind.UPVOTES, 30)
    assert told.author_votes == 120


@pytest.mark.parametrize(("hours", "is_told"), [(11, True), (13, False)])
def test_a_gain_is_told_for_half_a_day_after_it_was_read(hours: float, *, is_told: bool) -> None:
    one = listed(days_ago=3)
    readings = at(one, 12, 33), at(one, 60, 57)
    assert (
        heat(one, *readings, now=readings[1].observed_at + timedelta(hours=hours)).gained == 48
    ) is is_told


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
def test_what_came_since_yesterday_is_told_by_the_reading_nearest_to_a_day_ago(
    ages: Sequence[float], gained: float | None
) -> None:
    one, votes = listed(days_ago=3), (20, 30, 40)
    before = [at(one, votes[place], age) for place, age in enumerate(ages)]
    told = heat(one, *before, at(one, 60, 57), now=at(one, 0, 58).observed_at)
    assert told.gained == gained


@pytest.mark.parametrize(
    ("seen", "published", "age"), [(4, 9, 4), (None, 9, 9), (None, None, 2), (0.5, 9, 0.5)]
)
def test_a_paper_on_no_list_ages_from_when_it_was_first_seen_or_published_or_voted_for(
    seen: float | None, published: float | None, age: float
) -> None:
    def ago(hours: float | None) -> datetime | None:
        return None if hours is None else NOW - timedelta(hours=hours)

    one = replace(paper(), first_seen=ago(seen), published=ago(published))
    assert heat(one, signal(one, 5, hours_ago=2), signal(one, 9)).hours == age


def test_a_source_with_a_curve_of_its_own_tells_heat_by_it() -> None:
    curve = replace(PACE, source="alphaxiv", median=3.0, mean=6.0, ceiling=50.0)
    climate = replace(DEFAULT, paces=(PACE, curve))
    one = paper()
    morning = NOW.replace(hour=0, minute=0)
    readings = [
        replace(signal(one, value, source="alphaxiv"), observed_at=morning + timedelta(hours=hours))
        for value, hours in ((4, 2), (20, 8))
    ]
    told = heat_of([one], {one.id: readings}, NOW, climate=climate)[one.id]
    assert told.value == pytest.approx(log2(((20 + 2) / (0.4 + 2 / 6) + 1) / (3 + 1)))
    assert (told.source, told.votes) == ("alphaxiv", 20)
    crowded = [replace(each, value=each.value * 50) for each in readings]
    told = heat_of([one], {one.id: crowded}, NOW, climate=climate)[one.id]
    assert told.value == pytest.approx(doublings(50, curve))


def test_of_two_equal_sources_the_one_that_lists_papers_is_named() -> None:
    climate = replace(DEFAULT, paces=(PACE, replace(PACE, source="alphaxiv")))
    one = replace(paper(), listed=NOW.date(), first_seen=NOW)
    reading = at(one, 200, 8)
    told = heat_of([one], {one.id: [reading, replace(reading, source="alphaxiv")]}, NOW, climate=climate)[
        one.id
    ]
    assert told.source == "huggingface"
    assert told.value == pytest.approx(1.25 * heat(one, reading).value)


def test_a_paper_hotter_elsewhere_is_told_from_there_and_the_others_add_a_quarter() -> None:
    peers = [paper() for _ in range(15)]
    climate = replace(DEFAULT, record=record_of([VoteHistory(listed(days_ago=20), 120.0)]))
    one = listed(days_ago=0)
    signals: dict[str, Sequence[Signal]] = {
        each.id: [
            signal(each, 1, kind=SignalKind.POINTS, source=source)
            for source in ("hackernews", "lobsters")[: 2 if place < 7 else 1]
        ]
        for place, each in enumerate(peers)
    }
    signals[one.id] = [
        signal(one, 99, kind=SignalKind.POINTS, source="hackernews"),
        signal(one, 50, kind=SignalKind.POINTS, source="lobsters"),
        at(one, 12, 8),
    ]
    own = heat_of([one], {one.id: [at(one, 12, 8)]}, NOW, climate=climate)[one.id]
    assert own.value > 0
    told = heat_of([one, *peers], signals, NOW, climate=climate)[one.id]
    best, second = log2(17) - 1, log2(9) - 1
    assert told.value == pytest.approx(best + 0.25 * (second + own.value))
    assert told.order == pytest.approx(told.value - doublings(84, PACE))
    assert (told.source, told.kind, told.votes) == ("hackernews", SignalKind.POINTS, 99)
    assert (told.expected, told.author_votes, told.is_doubted) == (own.expected, 120, False)


def test_a_second_source_lifts_a_paper_in_the_list_as_well_by_however_little() -> None:
    one, peer = listed(), paper()
    points = [
        signal(each, value, kind=SignalKind.POINTS, source="hackernews")
        for each, value in ((one, 2), (peer, 1))
    ]
    alone = heat(one, at(one, 200, 8))
    both = heat_of([one, peer], {one.id: [at(one, 200, 8), points[0]], peer.id: points[1:]}, NOW)[one.id]
    assert both.value == pytest.approx(alone.value + 0.25 * (log2(3) - 1))
    assert both.order == pytest.approx((alone.order or 0) + 0.25 * (log2(3) - 1))


def test_a_paper_that_is_doubted_stays_so_where_another_source_is_hotter() -> None:
    climate = replace(DEFAULT, paces=(PACE, replace(PACE, source="alphaxiv", ceiling=9_000)))
    bare = replace(listed("A Note on Commas", days_ago=0), authors=("A",), abstract="We study datasets.")
    crowd = at(bare, 150, 8)
    readings = [crowd, replace(crowd, source="alphaxiv", value=5_000)]
    told = heat_of([bare], {bare.id: readings}, NOW, climate=climate)[bare.id]
    assert (told.source, told.is_doubted) == ("alphaxiv", True)
