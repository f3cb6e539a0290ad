"""Selection of an edition: sections, exclusions, quotas and diversity."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import (
    Candidates,
    Heat,
    LikedPaper,
    Mix,
    Paper,
    Preferences,
    Profile,
    ReasonKind,
    Section,
    Sent,
    Threshold,
)
from digest.ranking.array_types import Floats
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.ranker import Ranker
from digest.ranking.selection import (
    NOT_CHOSEN,
    ExclusionRule,
    ReaderState,
    Selection,
    Selections,
    apply_quotas,
    diversify,
    find_thresholds,
)
from tests.factories import NOW, make_paper, make_subscriber

OCEAN = Profile(keywords=("ocean heat",))


def make_day(size: int = 30) -> list[Paper]:
    """Return papers of which every fifth is about the ocean."""
    titles = ["Ocean heat and currents" if n % 5 == 0 else f"Markets with auction {n}" for n in range(size)]
    return [make_paper(f"{title} in case {n}", id=f"arxiv:2611.{n:05d}") for n, title in enumerate(titles)]


def make_heat(papers: Sequence[Paper]) -> dict[str, Heat]:
    return {paper.id: Heat(value=n / 10, expected=n, votes=n) for n, paper in enumerate(papers)}


def select_edition(
    papers: Sequence[Paper],
    profile: Profile = OCEAN,
    *,
    heat: Mapping[str, Heat] | None = None,
    sent: Mapping[str, Sent] | None = None,
    preferences: Preferences | None = None,
    days_ago: int | None = None,
) -> Selection:
    [rankings] = Ranker(papers).rank_chunks([profile])
    arrays = CandidateArrays(Candidates(tuple(papers), make_heat(papers) if heat is None else heat))
    reader = make_subscriber(profile=profile, preferences=preferences)
    cursor = None if days_ago is None else NOW - timedelta(days=days_ago)
    [selection] = Selections(arrays, rankings, [ReaderState(reader, sent or {}, cursor, NOW.date())])
    return selection


def get_ids(selection: Selection, section: Section) -> list[str]:
    return [pick.paper.id for pick in selection.picks if pick.section is section]


def test_trending_papers_are_the_same_for_every_reader() -> None:
    papers = make_day()
    mine, other = select_edition(papers), select_edition(papers, Profile(keywords=("auction",)))
    assert (
        get_ids(mine, Section.TRENDING) == get_ids(other, Section.TRENDING) == [p.id for p in papers[:-4:-1]]
    )


def test_picks_match_the_profile_and_have_reasons() -> None:
    selection = select_edition(make_day())
    picked = [pick for pick in selection.picks if pick.section is Section.PICKED]
    assert all("Ocean heat" in pick.paper.title for pick in picked)
    assert picked[0].reason.terms == ("ocean heat",)


def test_picked_section_is_not_filled_up() -> None:
    selection = select_edition(make_day(), Profile(keywords=("category theory",)))
    assert get_ids(selection, Section.PICKED) == []


def test_usual_threshold_is_lower_for_who_only_liked_papers() -> None:
    liked = (LikedPaper("Ocean heat and currents"),)
    profiles = [Profile(liked=liked), OCEAN, replace(OCEAN, liked=liked), Profile(categories=("cs.AI",))]
    [rankings] = Ranker(make_day()).rank_chunks(profiles)
    for level, expected in (
        (Threshold.LOOSE, [0.25] * 4),
        (Threshold.USUAL, [0.3, 0.4, 0.4, 0.4]),
        (Threshold.STRICT, [0.6] * 4),
    ):
        assert find_thresholds(rankings, [Preferences(threshold=level)] * 4) == pytest.approx(expected)


def test_threshold_setting_limits_the_picks() -> None:
    papers = [make_paper("Ocean heat and currents", id="arxiv:2611.1"), *make_day(60)[1:]]
    picks = {
        level: set(
            get_ids(
                select_edition(papers, preferences=Preferences(picked=40, threshold=level)), Section.PICKED
            )
        )
        for level in Threshold
    }
    assert set() < picks[Threshold.STRICT] <= picks[Threshold.USUAL] <= picks[Threshold.LOOSE]


def test_reader_without_interests_gets_trending_and_new_papers() -> None:
    selection = select_edition(make_day(), Profile())
    assert get_ids(selection, Section.PICKED) == []
    assert len(get_ids(selection, Section.TRENDING)) == 3
    assert len(get_ids(selection, Section.ALSO_NEW)) == 10


def test_nothing_is_trending_without_votes() -> None:
    selection = select_edition(make_day(), heat={})
    assert get_ids(selection, Section.TRENDING) == []
    assert len(get_ids(selection, Section.PICKED)) == 6


def test_listed_papers_trend_while_votes_are_unavailable() -> None:
    papers = [replace(paper, listed=NOW.date()) if n < 4 else paper for n, paper in enumerate(make_day())]
    heat = {paper.id: Heat(value=n / 10, expected=n, content_prior=True) for n, paper in enumerate(papers)}
    assert get_ids(select_edition(papers, heat=heat), Section.TRENDING) == [papers[n].id for n in (3, 2, 1)]


def test_muted_paper_is_in_no_section() -> None:
    papers = make_day()
    selection = select_edition(papers, replace(OCEAN, muted=("case 29",)))
    assert papers[29].id not in {pick.paper.id for pick in selection.picks}
    assert selection.excluded[papers[29].id] is ExclusionRule.MUTED


def test_sent_paper_is_excluded() -> None:
    papers = make_day()
    selection = select_edition(papers, sent={papers[29].id: Sent(day=NOW.date())})
    assert papers[29].id not in {pick.paper.id for pick in selection.picks}
    assert selection.excluded[papers[29].id] is ExclusionRule.SENT


def test_paper_that_broke_out_is_selected_again() -> None:
    papers = make_day()
    heat = make_heat(papers)
    heat[papers[29].id] = replace(heat[papers[29].id], broke_out_from=3)
    selection = select_edition(papers, heat=heat, sent={papers[29].id: Sent(day=NOW.date())})
    assert get_ids(selection, Section.TRENDING)[0] == papers[29].id


def test_breakout_is_relative_to_what_the_reader_was_sent() -> None:
    papers = make_day()
    heat = make_heat(papers)
    heat[papers[29].id] = replace(heat[papers[29].id], votes=140, expected=200, order=9.0)
    then = Sent(day=NOW.date() - timedelta(days=1), expected=20, votes=12)
    selection = select_edition(papers, heat=heat, sent={papers[29].id: then})
    (again,) = (pick for pick in selection.picks if pick.paper.id == papers[29].id)
    assert (again.heat.broke_out_from, again.heat.broke_out_on) == (12, then.day)
    once = select_edition(papers, heat=heat, sent={papers[29].id: replace(then, resent=True)})
    assert once.excluded[papers[29].id] is ExclusionRule.SENT


def test_paper_from_before_the_last_digest_is_old() -> None:
    papers = [replace(paper, first_seen=NOW - timedelta(days=3)) for paper in make_day()]
    selection = select_edition(papers, days_ago=1)
    assert get_ids(selection, Section.ALSO_NEW) == []
    assert ExclusionRule.OLD in selection.excluded.values()


def test_held_paper_has_the_date_it_was_first_seen() -> None:
    papers = [replace(paper, first_seen=NOW - timedelta(days=3)) for paper in make_day()]
    selection = select_edition(papers, days_ago=4)
    held_since = {pick.reason.held_since for pick in selection.picks if pick.section is Section.ALSO_NEW}
    assert held_since == {NOW.date() - timedelta(days=3)}


def test_no_pick_explores() -> None:
    for mix in Mix:
        selection = select_edition(make_day(100), preferences=Preferences(mix=mix))
        assert not [pick for pick in selection.picks if pick.reason.because is ReasonKind.EXPLORATION]


@given(
    st.integers(1, 25), st.integers(0, 4), st.integers(0, 8), st.integers(0, 12), st.sets(st.integers(0, 24))
)
def test_every_paper_is_picked_once_or_excluded_once(
    size: int, trending: int, picked: int, also_new: int, already_sent: set[int]
) -> None:
    papers = make_day(size)
    sent = {papers[n].id: Sent(day=NOW.date()) for n in already_sent if n < size}
    preferences = Preferences(trending=trending, picked=picked, also_new=also_new)
    liked = replace(OCEAN, liked=(LikedPaper("Markets with auction"),))
    selection = select_edition(papers, liked, sent=sent, preferences=preferences)
    names = [pick.paper.id for pick in selection.picks]
    assert len(names) == len(set(names))
    assert sorted([*names, *selection.excluded]) == [paper.id for paper in papers]
    assert not set(names) & set(sent)
    assert len(get_ids(selection, Section.TRENDING)) <= trending
    assert len(get_ids(selection, Section.PICKED)) <= picked
    assert len(get_ids(selection, Section.ALSO_NEW)) <= also_new


@given(st.permutations(range(12)))
def test_selection_does_not_depend_on_the_order_of_candidates(order: list[int]) -> None:
    papers = make_day(12)
    heat = make_heat(papers)
    first = [pick.paper.id for pick in select_edition(papers, heat=heat).picks]
    again = [pick.paper.id for pick in select_edition([papers[n] for n in order], heat=heat).picks]
    assert first == again


def test_notes_say_why_nothing_was_picked() -> None:
    papers = make_day()
    far = Profile(keywords=("medieval liturgy",))
    assert select_edition(papers, far).notes == ("nothing-near",)
    assert select_edition(papers).notes == select_edition(papers, Profile()).notes == ()
    assert select_edition(papers, far, preferences=Preferences(picked=0)).notes == ()
    hot = {papers[0].id: Heat(value=9, expected=90, votes=90)}
    alone = [papers[0], *(paper for paper in papers if "Ocean" not in paper.title)]
    assert select_edition(alone, heat=hot).notes == ("near-is-trending",)
    assert select_edition([], far).notes == ()


def make_similarity(size: int, *pairs: tuple[int, int, float], default: float = 0.0) -> Floats:
    matrix = np.full((size, size), default, np.float32)
    for first, second, value in pairs:
        matrix[first, second] = matrix[second, first] = value
    np.fill_diagonal(matrix, 1)
    return matrix


@pytest.mark.parametrize(
    ("facets", "places", "expected"),
    [
        ("AAAAAAAABB", 4, [0, 1, 8, 9]),
        ("AAAAAAAAB", 4, [0, 1, 2, 8]),
        ("AAAAB", 3, [0, 1, 4]),
        ("AABBC", 4, [0, 1, 2, 4]),
        ("ABCD", 2, [0, 1]),
        ("AAA", 2, [0, 1]),
        ("AB", 5, [0, 1]),
        ("AB", 0, []),
        ("", 3, []),
    ],
)
def test_quotas_are_equal_and_the_best_of_the_rest_fill_up(
    facets: str, places: int, expected: list[int]
) -> None:
    assert apply_quotas(range(len(facets)), facets, places=places) == expected


@given(st.text("ABC", max_size=12), st.integers(0, 12))
def test_quotas_fill_all_places_and_give_each_interest_its_share(facets: str, places: int) -> None:
    indices = apply_quotas(range(len(facets)), facets, places=places)
    assert indices == sorted(set(indices))
    assert len(indices) == min(places, len(facets))
    counts, available = Counter(facets[index] for index in indices), Counter(facets)
    assert all(counts[facet] >= min(number, places // len(available)) for facet, number in available.items())


def choose_diverse(
    chosen: Sequence[int], best: Sequence[int], similarity: Floats, *, places: int
) -> list[int]:
    """Return what is chosen for one reader, given the papers that are chosen usually."""
    order = [chosen.index(paper) if paper in chosen else NOT_CHOSEN for paper in best]
    [changed] = diversify(
        np.array([order], np.intp), similarity[None], np.array([len(best)]), np.array([places])
    ).tolist()
    return [paper for place, paper in sorted(zip(changed, best, strict=True)) if place < NOT_CHOSEN]


def test_narrow_interest_gets_a_different_paper_instead_of_a_duplicate() -> None:
    duplicate = make_similarity(3, (0, 1, 1.0), (0, 2, 0.2), (1, 2, 0.2))
    assert choose_diverse([7, 8], [7, 8, 9], duplicate, places=2) == [7, 9]


def test_better_paper_stays_although_similar_to_the_first() -> None:
    similar = make_similarity(3, (0, 1, 0.5), (0, 2, 0.2), (1, 2, 0.2))
    assert choose_diverse([7, 8], [7, 8, 9], similar, places=2) == [7, 8]


def test_diversify_compares_with_all_papers_taken() -> None:
    twins = make_similarity(6, (0, 4, 0.9), (1, 5, 0.9), default=0.2)
    assert choose_diverse([0, 1], [0, 1, 2, 3, 4, 5], twins, places=6) == [0, 1, 2, 3, 4, 5]
    close = make_similarity(4, (0, 2, 1.0), (1, 2, 1.0), default=0.2)
    assert choose_diverse([], [0, 1, 2, 3], close, places=3) == [0, 1, 3]


@pytest.mark.parametrize(("mean_similarity", "expected"), [(0.14, [5, 6, 8]), (0.16, [5, 6, 7])])
def test_interest_is_narrow_from_a_mean_similarity(mean_similarity: float, expected: list[int]) -> None:
    """From a mean similarity of 0.15, without that of each paper with itself."""
    assert (
        choose_diverse([5, 6, 8], [5, 6, 7, 8], make_similarity(4, default=mean_similarity), places=3)
        == expected
    )


@pytest.mark.parametrize(("best", "places"), [([], 3), ([4], 3), ([4, 5], 1), ([4, 5], 0)])
def test_single_paper_needs_no_diversity(best: list[int], places: int) -> None:
    assert (
        choose_diverse(best[:places], best, make_similarity(len(best), default=1.0), places=places)
        == best[:places]
    )


@given(st.integers(0, 8), st.integers(0, 8), st.randoms(use_true_random=False))
def test_diversify_keeps_the_number_and_the_best_and_repeats_nothing(
    size: int, places: int, random: Random
) -> None:
    pairs = [(one, other, random.random()) for one in range(size) for other in range(one)]
    result = choose_diverse(
        range(min(size, places)), range(size), make_similarity(size, *pairs), places=places
    )
    assert len(result) == len(set(result)) == min(size, places)
    assert result[:1] == list(range(min(size, places)))[:1]
