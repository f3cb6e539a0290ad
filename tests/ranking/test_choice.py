"""Which of two papers goes first, and what is said of the other? With nearness and heat given as numbers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Candidates, Heat, Mix, Preferences, Profile, ReasonKind, Section, Sent, Threshold
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.ranker import Ranker
from digest.ranking.score import score
from digest.ranking.selection import THRESHOLDS, Selection, Stopped, select
from tests.factories import NOW, paper, subscriber

NEAR, FAR = 5.0, -1.0
TOLD = Profile(keywords=("sheep",))


def chosen(
    affinity: Sequence[float],
    heat: Sequence[float] = (),
    *,
    relevance: Sequence[float] = (),
    profile: Profile = TOLD,
    days_old: Sequence[float | None] = (),
    since: float | None = None,
    as_columns: bool = False,
    sent: Sequence[str] = (),
    trending: int = 0,
    picked: int = 6,
    also_new: int = 0,
    mix: Mix = Mix.BALANCED,
    threshold: Threshold = Threshold.USUAL,
) -> Selection:
    """The edition of papers a, b, c… that are so near and so hot; `since` days after the last one."""
    seen = [
        None if days is None else NOW - timedelta(days=days) for days in days_old or [0.25] * len(affinity)
    ]
    papers = [
        paper(f"Sheep {name}", id=name, first_seen=at) for name, at in zip(ids(affinity), seen, strict=True)
    ]
    [ranking] = Ranker(papers).rank([profile])
    likely = relevance or [0.5] * len(affinity)
    ranking = replace(
        ranking, affinity=np.array(affinity, np.float32), relevance=np.array(likely, np.float32)
    )
    wants = Preferences(trending=trending, picked=picked, also_new=also_new, mix=mix, threshold=threshold)
    hot = {each.id: Heat(value=value, expected=1, votes=1) for each, value in zip(papers, heat, strict=False)}
    day = Candidates(tuple(papers), hot)
    return select(
        CandidateArrays(day) if as_columns else day,
        ranking,
        subscriber(profile=profile, preferences=wants),
        sent={name: Sent(day=NOW.date()) for name in sent},
        cursor=None if since is None else NOW - timedelta(days=since),
        day=NOW.date(),
    )


def ids(papers: Sequence[object]) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[: len(papers)]


def told(selection: Selection, section: Section = Section.PICKED) -> str:
    return "".join(pick.paper.id for pick in selection.picks if pick.section is section)


@given(
    affinity=st.floats(-3, 12, width=32),
    value=st.floats(-6, 9),
    relevance=st.floats(0, 1, width=32),
    mix=st.sampled_from(Mix),
    has_votes=st.booleans(),
)
def test_a_pick_carries_its_score_and_its_nearness_as_the_ledger_keeps_them(
    *, affinity: float, value: float, relevance: float, mix: Mix, has_votes: bool
) -> None:
    [pick] = chosen(
        [affinity], [value] if has_votes else [], relevance=[relevance], picked=0, also_new=1, mix=mix
    ).picks
    assert pick.score == round(score(pick.heat if has_votes else None, relevance, mix), 4)
    assert pick.affinity == round(affinity, 4)


def test_of_equally_hot_papers_the_likelier_comes_first_and_of_equally_likely_ones_the_hotter() -> None:
    assert told(chosen([NEAR] * 3, [1, 1, 1], relevance=[0.2, 0.6, 0.4])) == "bca"
    assert told(chosen([NEAR] * 3, [1, 3, 2])) == "bca"


def test_the_slider_says_how_far_heat_outweighs_interest() -> None:
    """One paper is wanted for half sure, another hardly but is much hotter."""
    orders = [told(chosen([NEAR] * 2, [0, 3], relevance=[0.5, 0.15], mix=mix)) for mix in Mix]
    assert orders == ["ab", "ab", "ba"]


def test_equally_good_papers_come_by_nearness_then_by_id() -> None:
    assert told(chosen([NEAR, NEAR + 2, NEAR, NEAR + 1])) == "bdac"
    assert told(chosen([NEAR] * 4, sent="b"), Section.PICKED) == "acd"


def test_equals_fill_every_place_there_is_room_for() -> None:
    selection = chosen([NEAR] * 8, picked=0, also_new=3)
    assert told(selection, Section.ALSO_NEW) == "abc"
    assert told(chosen([NEAR] * 8, picked=1)) == "a"
    assert told(chosen([NEAR] * 8, picked=0)) == ""


@pytest.mark.parametrize("threshold", Threshold)
def test_a_paper_right_at_the_threshold_is_near_enough(threshold: Threshold) -> None:
    least = THRESHOLDS[threshold]
    assert told(chosen([least, least - 0.001], threshold=threshold)) == "a"


def test_what_else_is_new_comes_nearest_first_and_without_interests_the_hottest_first() -> None:
    relevance, heat = [0.9, 0.5, 0.1], [0, 0.1, 0.2]
    mine = chosen([3, 2, 1], heat, relevance=relevance, picked=0, also_new=3)
    anybodys = chosen([0, 0, 0], heat, relevance=relevance, picked=0, also_new=3, profile=Profile())
    assert told(mine, Section.ALSO_NEW) == "abc"
    assert told(anybodys, Section.ALSO_NEW) == "cba"


def test_the_last_place_goes_to_the_hottest_of_those_that_just_missed() -> None:
    selection = chosen(
        [9, 8, 7, 6, 5, 4, 3, 2], [*[0] * 6, 0.1, 0.2], relevance=[0.9] * 5 + [0.1] * 3, picked=5
    )
    assert told(selection) == "abcdh"
    assert selection.picks[-1].reason.because is ReasonKind.EXPLORATION
    assert selection.stopped["e"] is Stopped.NO_ROOM


@pytest.mark.parametrize(("picked", "explores"), [(4, False), (5, True)])
def test_who_wants_few_picks_gets_the_best_in_every_place(*, picked: int, explores: bool) -> None:
    marked = [
        pick.reason.because is ReasonKind.EXPLORATION for pick in chosen([NEAR] * 9, picked=picked).picks
    ]
    assert len(marked) == picked
    assert any(marked) is explores


def test_a_reader_with_room_to_spare_explores_nothing() -> None:
    marked = [pick.reason.because is ReasonKind.EXPLORATION for pick in chosen([NEAR] * 5, picked=6).picks]
    assert marked == [False] * 5


def test_what_had_no_room_is_told_from_what_was_old_and_what_was_not_near() -> None:
    new_far, old_near, old_far = 0.25, 2, 2
    days_old = [old_near, new_far, old_near, old_far]
    stopped = chosen([NEAR, FAR, NEAR - 1, FAR], days_old=days_old, since=1, picked=1).stopped
    assert stopped == {"b": Stopped.BELOW_THRESHOLD, "c": Stopped.NO_ROOM, "d": Stopped.OLD}


def test_who_named_no_interests_is_told_of_room_and_never_of_nearness() -> None:
    new, old = 0.25, 2
    nobody = chosen([NEAR, FAR], days_old=[new, old], since=1, profile=Profile(), trending=0, also_new=0)
    assert nobody.stopped == {"a": Stopped.NO_ROOM, "b": Stopped.OLD}


def test_every_section_says_why_a_paper_stands_in_it() -> None:
    picks = chosen([NEAR, FAR, FAR], [0, 0, 5], trending=1, picked=1, also_new=1).picks
    assert [(pick.paper.id, pick.section, pick.reason.because) for pick in picks] == [
        ("c", Section.TRENDING, ReasonKind.TREND),
        ("a", Section.PICKED, ReasonKind.TERMS),
        ("b", Section.ALSO_NEW, ReasonKind.NEW),
    ]


@pytest.mark.parametrize(
    ("days_old", "since", "is_held"),
    [
        (2, 3, True),  # announced while this reader's digest paused
        (1, 3, False),  # yesterday's: every daily digest brings these
        (2, 1, False),  # was already there when the last one was made
        (2, None, False),  # a first digest kept nothing
        (None, 3, False),  # no store saw it come
    ],
)
def test_a_paper_says_since_when_it_was_kept_only_if_a_digest_paused(
    *, days_old: float | None, since: float | None, is_held: bool
) -> None:
    """Whether it was picked or is merely new."""
    [picked] = chosen([NEAR], days_old=[days_old], since=since).picks
    new = chosen([FAR], days_old=[days_old], since=since, also_new=1).picks
    kept = NOW.date() - timedelta(days=2) if is_held else None
    assert picked.reason.held_since == kept
    assert [pick.reason.held_since for pick in new] == ([] if since == 1 else [kept])
    assert {pick.reason.because for pick in new} <= {ReasonKind.NEW}


def test_a_day_made_once_for_many_readers_gives_each_the_same_edition() -> None:
    one, many = (
        chosen([5, 1, 3], [1, 2, 3], trending=1, also_new=3, as_columns=made) for made in (False, True)
    )
    assert [replace(pick, paper=pick.paper) for pick in one.picks] == list(many.picks)
    assert one.stopped == many.stopped
