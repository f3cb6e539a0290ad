"""Order, exploration, exclusions and reasons of a selection, with affinity and heat given as numbers."""

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
from digest.ranking.score import compute_score
from digest.ranking.selection import THRESHOLDS, ExclusionRule, ReaderState, Selection, Selections
from tests.factories import NOW, make_paper, make_subscriber

NEAR, FAR = 5.0, -1.0
PROFILE = Profile(keywords=("sheep",))


def select_from(
    affinity: Sequence[float],
    heat: Sequence[float] = (),
    *,
    relevance: Sequence[float] = (),
    probability: Sequence[float] = (),
    profile: Profile = PROFILE,
    days_old: Sequence[float | None] = (),
    since: float | None = None,
    sent: Sequence[str] = (),
    trending: int = 0,
    picked: int = 6,
    also_new: int = 0,
    mix: Mix = Mix.BALANCED,
    threshold: Threshold = Threshold.USUAL,
) -> Selection:
    """Select from papers a, b, c… with this affinity and heat, `since` days after the last digest."""
    first_seen = [
        None if days is None else NOW - timedelta(days=days) for days in days_old or [0.25] * len(affinity)
    ]
    papers = [
        make_paper(f"Sheep {name}", id=name, first_seen=at)
        for name, at in zip(make_ids(affinity), first_seen, strict=True)
    ]
    [rankings] = Ranker(papers).rank_chunks([profile])
    wanted = probability or [0.9 if value > 0 else 0.1 for value in affinity]
    rankings = replace(
        rankings,
        affinity=np.array([affinity], np.float32),
        probability=np.array([wanted], np.float32),
        preference=np.array([relevance or [0.5] * len(affinity)], np.float32),
        is_judged=np.zeros(1, np.bool_),
        evidence=None,
    )
    preferences = Preferences(
        trending=trending, picked=picked, also_new=also_new, mix=mix, threshold=threshold
    )
    hot = {
        paper.id: Heat(value=value, expected=1, votes=1) for paper, value in zip(papers, heat, strict=False)
    }
    reader = make_subscriber(profile=profile, preferences=preferences)
    cursor = None if since is None else NOW - timedelta(days=since)
    state = ReaderState(reader, {name: Sent(day=NOW.date()) for name in sent}, cursor, NOW.date())
    [selection] = Selections(CandidateArrays(Candidates(tuple(papers), hot)), rankings, [state])
    return selection


def make_ids(papers: Sequence[object]) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[: len(papers)]


def get_ids(selection: Selection, section: Section = Section.PICKED) -> str:
    return "".join(pick.paper.id for pick in selection.picks if pick.section is section)


@given(
    affinity=st.floats(-3, 12, width=32),
    value=st.floats(-6, 9),
    relevance=st.floats(0, 1, width=32),
    mix=st.sampled_from(Mix),
    has_votes=st.booleans(),
)
def test_pick_has_score_and_affinity_rounded_as_stored(
    *, affinity: float, value: float, relevance: float, mix: Mix, has_votes: bool
) -> None:
    [pick] = select_from(
        [affinity], [value] if has_votes else [], relevance=[relevance], picked=0, also_new=1, mix=mix
    ).picks
    assert pick.score == round(compute_score(pick.heat if has_votes else None, relevance, mix), 4)
    assert pick.affinity == round(affinity, 4)


def test_order_is_by_relevance_and_heat() -> None:
    assert get_ids(select_from([NEAR] * 3, [1, 1, 1], relevance=[0.2, 0.6, 0.4])) == "bca"
    assert get_ids(select_from([NEAR] * 3, [1, 3, 2])) == "bca"


def test_mix_decides_how_far_heat_outweighs_relevance() -> None:
    """One paper has a relevance of a half, the other one hardly any but is much hotter."""
    orders = [get_ids(select_from([NEAR] * 2, [0, 3], relevance=[0.5, 0.15], mix=mix)) for mix in Mix]
    assert orders == ["ab", "ab", "ba"]


def test_ties_are_ordered_by_affinity_then_by_id() -> None:
    assert get_ids(select_from([NEAR, NEAR + 2, NEAR, NEAR + 1])) == "bdac"
    assert get_ids(select_from([NEAR] * 4, sent="b"), Section.PICKED) == "acd"


def test_ties_fill_all_places() -> None:
    selection = select_from([NEAR] * 8, picked=0, also_new=3)
    assert get_ids(selection, Section.ALSO_NEW) == "abc"
    assert get_ids(select_from([NEAR] * 8, picked=1)) == "a"
    assert get_ids(select_from([NEAR] * 8, picked=0)) == ""


@pytest.mark.parametrize("threshold", Threshold)
def test_paper_at_the_threshold_is_picked(threshold: Threshold) -> None:
    minimum = THRESHOLDS[threshold]
    assert (
        get_ids(select_from([NEAR] * 2, probability=[minimum, minimum - 0.001], threshold=threshold)) == "a"
    )


def test_also_new_is_by_nearness_or_by_heat_without_interests() -> None:
    relevance, heat = [0.9, 0.5, 0.1], [0, 2, 9]
    personal = select_from([3, 2, 1], heat, relevance=relevance, picked=0, also_new=3)
    impersonal = select_from([0, 0, 0], heat, relevance=relevance, picked=0, also_new=3, profile=Profile())
    assert get_ids(personal, Section.ALSO_NEW) == "abc"
    assert get_ids(impersonal, Section.ALSO_NEW) == "cba"


def test_no_pick_is_hotter_but_less_wanted_than_one_left_out() -> None:
    """No place is kept for a paper that only others like."""
    heat = [*[0] * 6, 0.1, 0.2]
    selection = select_from([NEAR] * 8, heat, relevance=[0.9] * 5 + [0.1] * 3, picked=5)
    assert sorted(get_ids(selection)) == [*"abcde"]
    assert {pick.reason.because for pick in selection.picks} == {ReasonKind.TERMS}


def test_exclusions_tell_no_room_from_old_and_below_threshold() -> None:
    new_far, old_near, old_far = 0.25, 2, 2
    days_old = [old_near, new_far, old_near, old_far]
    excluded = select_from([NEAR, FAR, NEAR - 1, FAR], days_old=days_old, since=1, picked=1).excluded
    assert excluded == {
        "b": ExclusionRule.BELOW_THRESHOLD,
        "c": ExclusionRule.NO_ROOM,
        "d": ExclusionRule.OLD,
    }


def test_exclusions_without_interests_never_name_the_threshold() -> None:
    new, old = 0.25, 2
    nobody = select_from([NEAR, FAR], days_old=[new, old], since=1, profile=Profile(), trending=0, also_new=0)
    assert nobody.excluded == {"a": ExclusionRule.NO_ROOM, "b": ExclusionRule.OLD}


def test_every_section_has_its_kind_of_reason() -> None:
    picks = select_from([NEAR, FAR, FAR], [0, 0, 5], trending=1, picked=1, also_new=1).picks
    assert [(pick.paper.id, pick.section, pick.reason.because) for pick in picks] == [
        ("c", Section.TRENDING, ReasonKind.TREND),
        ("a", Section.PICKED, ReasonKind.TERMS),
        ("b", Section.ALSO_NEW, ReasonKind.TERMS),
    ]


@pytest.mark.parametrize(
    ("days_old", "since", "is_held"),
    [
        (2, 3, True),  # first seen while this reader's digest was paused
        (1, 3, False),  # of yesterday: every daily digest has these
        (2, 1, False),  # was there at the last digest
        (2, None, False),  # a first digest holds nothing back
        (None, 3, False),  # was never stored
    ],
)
def test_held_since_is_set_only_if_a_digest_was_paused(
    *, days_old: float | None, since: float | None, is_held: bool
) -> None:
    """Both as a pick and as a new paper."""
    [picked] = select_from([NEAR], days_old=[days_old], since=since).picks
    new = select_from([FAR], days_old=[days_old], since=since, also_new=1).picks
    expected = NOW.date() - timedelta(days=2) if is_held else None
    assert picked.reason.held_since == expected
    assert [pick.reason.held_since for pick in new] == ([] if since == 1 else [expected])
    assert {pick.reason.because for pick in new} <= {ReasonKind.TERMS}
