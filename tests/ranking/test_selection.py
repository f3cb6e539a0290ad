"""An edition holds what is hot, what is mine and what is new, each paper once, and says why not."""

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
from digest.ranking.bm25 import Floats
from digest.ranking.ranker import Ranker
from digest.ranking.selection import THRESHOLDS, Selection, Stopped, select, shared, various
from tests.factories import NOW, paper, subscriber

OCEAN = Profile(keywords=("ocean heat",))


def day_of(size: int = 30) -> list[Paper]:
    """A day on which every fifth paper is about the ocean."""
    titles = ["Ocean heat and currents" if n % 5 == 0 else f"Markets with auction {n}" for n in range(size)]
    return [paper(f"{title} in case {n}", id=f"arxiv:2611.{n:05d}") for n, title in enumerate(titles)]


def heat_for(papers: Sequence[Paper]) -> dict[str, Heat]:
    return {each.id: Heat(value=n / 10, expected=n, votes=n) for n, each in enumerate(papers)}


def edition(
    papers: Sequence[Paper],
    profile: Profile = OCEAN,
    *,
    heat: Mapping[str, Heat] | None = None,
    sent: Mapping[str, Sent] | None = None,
    preferences: Preferences | None = None,
    days_ago: int | None = None,
) -> Selection:
    [ranking] = Ranker(papers).rank([profile])
    return select(
        Candidates(tuple(papers), heat_for(papers) if heat is None else heat),
        ranking,
        subscriber(profile=profile, preferences=preferences),
        sent=sent or {},
        cursor=None if days_ago is None else NOW - timedelta(days=days_ago),
        day=NOW.date(),
    )


def ids(chosen: Selection, section: Section) -> list[str]:
    return [pick.paper.id for pick in chosen.picks if pick.section is section]


def test_the_hottest_are_the_same_for_every_reader() -> None:
    papers = day_of()
    mine, other = edition(papers), edition(papers, Profile(keywords=("auction",)))
    assert ids(mine, Section.TRENDING) == ids(other, Section.TRENDING) == [p.id for p in papers[:-4:-1]]


def test_what_is_picked_is_mine_and_says_why() -> None:
    chosen = edition(day_of())
    picked = [pick for pick in chosen.picks if pick.section is Section.PICKED]
    assert all("Ocean heat" in pick.paper.title for pick in picked)
    assert picked[0].reason.terms == ("ocean heat",)


def test_nothing_is_padded_when_nothing_is_near() -> None:
    chosen = edition(day_of(), Profile(keywords=("category theory",)))
    assert ids(chosen, Section.PICKED) == []


def test_the_readers_threshold_says_how_near_a_pick_must_be() -> None:
    papers = [paper("Ocean heat and currents", id="arxiv:2611.1"), *day_of(60)[1:]]
    papers[7] = paper("Ocean auctions", id="arxiv:2611.2")
    picks = {
        level: set(ids(edition(papers, preferences=Preferences(picked=40, threshold=level)), Section.PICKED))
        for level in Threshold
    }
    assert picks[Threshold.STRICT] <= picks[Threshold.USUAL] <= picks[Threshold.LOOSE]
    assert all(
        pick.affinity >= THRESHOLDS[level]
        for level in Threshold
        for pick in edition(papers, preferences=Preferences(threshold=level)).picks
        if pick.section is Section.PICKED
    )
    assert picks[Threshold.STRICT] < picks[Threshold.LOOSE]


def test_a_reader_without_interests_gets_what_is_hot_and_what_is_new() -> None:
    chosen = edition(day_of(), Profile())
    assert ids(chosen, Section.PICKED) == []
    assert len(ids(chosen, Section.TRENDING)) == 3
    assert len(ids(chosen, Section.ALSO_NEW)) == 10


def test_without_any_votes_nothing_is_called_trending() -> None:
    chosen = edition(day_of(), heat={})
    assert ids(chosen, Section.TRENDING) == []
    assert len(ids(chosen, Section.PICKED)) == 6


def test_while_votes_are_unavailable_listed_papers_still_trend() -> None:
    papers = [replace(each, listed=NOW.date()) if n < 4 else each for n, each in enumerate(day_of())]
    heat = {each.id: Heat(value=n / 10, expected=n, content_prior=True) for n, each in enumerate(papers)}
    assert ids(edition(papers, heat=heat), Section.TRENDING) == [papers[n].id for n in (3, 2, 1)]


def test_a_muted_word_keeps_a_paper_out_of_every_section() -> None:
    papers = day_of()
    chosen = edition(papers, replace(OCEAN, muted=("case 29",)))
    assert papers[29].id not in {pick.paper.id for pick in chosen.picks}
    assert chosen.stopped[papers[29].id] is Stopped.MUTED


def test_a_paper_is_not_sent_twice() -> None:
    papers = day_of()
    chosen = edition(papers, sent={papers[29].id: Sent(day=NOW.date())})
    assert papers[29].id not in {pick.paper.id for pick in chosen.picks}
    assert chosen.stopped[papers[29].id] is Stopped.SENT


def test_a_paper_that_broke_out_since_comes_once_more() -> None:
    papers = day_of()
    heat = heat_for(papers)
    heat[papers[29].id] = replace(heat[papers[29].id], broke_out_from=3)
    chosen = edition(papers, heat=heat, sent={papers[29].id: Sent(day=NOW.date())})
    assert ids(chosen, Section.TRENDING)[0] == papers[29].id


def test_the_readers_own_ledger_says_what_broke_out() -> None:
    papers = day_of()
    heat = heat_for(papers)
    heat[papers[29].id] = replace(heat[papers[29].id], votes=140, expected=200, order=9.0)
    then = Sent(day=NOW.date() - timedelta(days=1), expected=20, votes=12)
    chosen = edition(papers, heat=heat, sent={papers[29].id: then})
    (again,) = (pick for pick in chosen.picks if pick.paper.id == papers[29].id)
    assert (again.heat.broke_out_from, again.heat.broke_out_on) == (12, then.day)
    once = edition(papers, heat=heat, sent={papers[29].id: replace(then, resent=True)})
    assert once.stopped[papers[29].id] is Stopped.SENT


def test_what_came_before_the_last_digest_is_not_new_again() -> None:
    papers = [replace(each, first_seen=NOW - timedelta(days=3)) for each in day_of()]
    chosen = edition(papers, days_ago=1)
    assert ids(chosen, Section.ALSO_NEW) == []
    assert Stopped.OLD in chosen.stopped.values()


def test_a_paper_kept_over_the_weekend_says_since_when() -> None:
    papers = [replace(each, first_seen=NOW - timedelta(days=3)) for each in day_of()]
    chosen = edition(papers, days_ago=4)
    kept = {pick.reason.held_since for pick in chosen.picks if pick.section is Section.ALSO_NEW}
    assert kept == {NOW.date() - timedelta(days=3)}


def test_one_place_explores_and_says_so() -> None:
    papers = day_of(100)
    chosen = edition(papers)
    marked = [pick for pick in chosen.picks if pick.reason.because is ReasonKind.EXPLORATION]
    assert [pick.section for pick in marked] == [Section.PICKED]


def test_who_wants_only_their_own_gets_no_exploration() -> None:
    chosen = edition(day_of(100), preferences=Preferences(mix=Mix.MINE))
    assert not [pick for pick in chosen.picks if pick.reason.because is ReasonKind.EXPLORATION]


@given(
    st.integers(1, 25), st.integers(0, 4), st.integers(0, 8), st.integers(0, 12), st.sets(st.integers(0, 24))
)
def test_every_paper_is_chosen_once_or_stopped_once(
    size: int, trending: int, picked: int, also_new: int, before: set[int]
) -> None:
    papers = day_of(size)
    sent = {papers[n].id: Sent(day=NOW.date()) for n in before if n < size}
    wants = Preferences(trending=trending, picked=picked, also_new=also_new)
    liked = replace(OCEAN, liked=(LikedPaper("Markets with auction"),))
    chosen = edition(papers, liked, sent=sent, preferences=wants)
    names = [pick.paper.id for pick in chosen.picks]
    assert len(names) == len(set(names))
    assert sorted([*names, *chosen.stopped]) == [each.id for each in papers]
    assert not set(names) & set(sent)
    assert len(ids(chosen, Section.TRENDING)) <= trending
    assert len(ids(chosen, Section.PICKED)) <= picked
    assert len(ids(chosen, Section.ALSO_NEW)) <= also_new


@given(st.permutations(range(12)))
def test_the_order_of_the_candidates_changes_nothing(order: list[int]) -> None:
    papers = day_of(12)
    heat = heat_for(papers)
    first = [pick.paper.id for pick in edition(papers, heat=heat).picks]
    again = [pick.paper.id for pick in edition([papers[n] for n in order], heat=heat).picks]
    assert first == again


def test_who_said_what_they_care_about_is_told_why_nothing_was_picked() -> None:
    papers = day_of()
    far = Profile(keywords=("medieval liturgy",))
    assert edition(papers, far).notes == ("nothing-near",)
    assert edition(papers).notes == edition(papers, Profile()).notes == ()
    assert edition(papers, far, preferences=Preferences(picked=0)).notes == ()
    hot = {papers[0].id: Heat(value=9, expected=90, votes=90)}
    alone = [papers[0], *(each for each in papers if "Ocean" not in each.title)]
    assert edition(alone, heat=hot).notes == ("near-is-trending",)
    assert edition([], far).notes == ()


def alike(size: int, *pairs: tuple[int, int, float], usual: float = 0.0) -> Floats:
    table = np.full((size, size), usual, np.float32)
    for one, other, likeness in pairs:
        table[one, other] = table[other, one] = likeness
    np.fill_diagonal(table, 1)
    return table


@pytest.mark.parametrize(
    ("facets", "room", "places"),
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
def test_each_interest_has_its_share_and_the_best_of_the_rest_fill_up(
    facets: str, room: int, places: list[int]
) -> None:
    assert shared(range(len(facets)), facets, room=room) == places


@given(st.text("ABC", max_size=12), st.integers(0, 12))
def test_no_place_stays_empty_and_no_interest_with_enough_papers_gets_less_than_its_part(
    facets: str, room: int
) -> None:
    places = shared(range(len(facets)), facets, room=room)
    assert places == sorted(set(places))
    assert len(places) == min(room, len(facets))
    got, there = Counter(facets[place] for place in places), Counter(facets)
    assert all(got[each] >= min(number, room // len(there)) for each, number in there.items())


def test_a_narrow_reader_gets_another_paper_instead_of_the_same_one_again() -> None:
    same_again = alike(3, (0, 1, 1.0), (0, 2, 0.2), (1, 2, 0.2))
    assert various([7, 8], [7, 8, 9], same_again, room=2) == [7, 9]


def test_a_much_better_paper_stays_though_it_is_rather_like_the_first() -> None:
    rather_like = alike(3, (0, 1, 0.5), (0, 2, 0.2), (1, 2, 0.2))
    assert various([7, 8], [7, 8, 9], rather_like, room=2) == [7, 8]


def test_every_further_paper_is_held_against_all_that_were_taken() -> None:
    twins = alike(6, (0, 4, 0.9), (1, 5, 0.9), usual=0.2)
    assert various([0, 1], [0, 1, 2, 3, 4, 5], twins, room=6) == [0, 1, 2, 3, 4, 5]
    close = alike(4, (0, 2, 1.0), (1, 2, 1.0), usual=0.2)
    assert various([], [0, 1, 2, 3], close, room=3) == [0, 1, 3]


@pytest.mark.parametrize(("likeness", "places"), [(0.14, [5, 6, 8]), (0.16, [5, 6, 7])])
def test_only_a_reader_whose_best_papers_are_much_alike_is_narrow(likeness: float, places: list[int]) -> None:
    """On average they are alike from 0.15 on, each with every other but not with itself."""
    assert various([5, 6, 8], [5, 6, 7, 8], alike(4, usual=likeness), room=3) == places


@pytest.mark.parametrize(("best", "room"), [([], 3), ([4], 3), ([4, 5], 1), ([4, 5], 0)])
def test_one_paper_alone_repeats_nothing(best: list[int], room: int) -> None:
    assert various(best[:room], best, alike(len(best), usual=1.0), room=room) == best[:room]


@given(st.integers(0, 8), st.integers(0, 8), st.randoms(use_true_random=False))
def test_variety_takes_as_many_papers_begins_with_the_best_and_takes_none_twice(
    size: int, room: int, chance: Random
) -> None:
    pairs = [(one, other, chance.random()) for one in range(size) for other in range(one)]
    places = various(range(min(size, room)), range(size), alike(size, *pairs), room=room)
    assert len(places) == len(set(places)) == min(size, room)
    assert places[:1] == list(range(min(size, room)))[:1]
