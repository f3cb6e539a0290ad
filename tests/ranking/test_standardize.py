"""A verdict on a paper of today must not keep tomorrow's picks away."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Paper, Profile, ReasonKind
from digest.ranking.ranker import Ranker
from digest.ranking.standardize import MOST, among_the_unjudged, unstretched

THEMES = ("grasping robots", "video editing", "speech translation", "protein folding")
WORDS = ("fast", "slow", "robust", "sparse", "deep", "shallow", "large", "small", "open", "closed")
PAPERS = [
    Paper(
        id=f"arxiv:2611.{number:05d}",
        title=f"{WORDS[number % 10].title()} {THEMES[number % 4]} {number}",
        abstract=f"We study {THEMES[number % 4]} with {WORDS[number // 4 % 10]} methods, case {number * 7}.",
        categories=("cs.RO",) if number % 4 == 0 else ("cs.LG",),
    )
    for number in range(200)
]
NEAR = 1.6


def near(profile: Profile) -> set[str]:
    """The papers that stand out for this reader, without those they judged."""
    ranking = Ranker(PAPERS).rank([profile])[0]
    judged = {each.paper_id for each in (*profile.liked, *profile.disliked)}
    return {p.id for p, height in zip(PAPERS, ranking.affinity, strict=True) if height >= NEAR} - judged


def judged(paper: Paper) -> LikedPaper:
    return LikedPaper(paper.title, paper.abstract, paper.id)


def test_liking_papers_of_today_leaves_the_others_standing_out() -> None:
    keywords = ("grasping robots",)
    before = near(Profile(keywords=keywords))
    after = near(Profile(keywords=keywords, liked=tuple(judged(paper) for paper in PAPERS[0:12:4])))
    assert len(before) > 20
    assert len(after) > len(before) / 2


def test_a_revised_paper_is_still_the_one_that_was_judged() -> None:
    first = LikedPaper("An Earlier Title", "In other words.", PAPERS[0].id)
    assert near(Profile(keywords=("grasping robots",), liked=(first,)))


def test_less_like_this_does_not_take_a_followed_category_away() -> None:
    followed = near(Profile(categories=("cs.RO",)))
    turned_away = Profile(
        categories=("cs.RO",), disliked=(judged(PAPERS[1]),), learnt=(("video editing", -0.2),)
    )
    assert len(followed) == 50
    assert near(turned_away) == followed


def test_one_paper_that_holds_a_rare_word_does_not_keep_the_others_of_a_small_day_away() -> None:
    rare = Paper(id="arxiv:2611.09999", title="Certified unlearning", abstract="What was learnt once.")
    others = [each for each in PAPERS if "robots" not in each.title]
    day = [replace(each, abstract="We let robots wait.") if n < 12 else each for n, each in enumerate(others)]
    robots, both = (
        Ranker([*day, rare]).rank([Profile(keywords=words)])[0].affinity
        for words in (("robots",), ("robots", "unlearning"))
    )
    assert (robots >= NEAR).sum() >= 5
    assert (both >= NEAR).sum() >= 5
    assert both.argmax() == len(day)


@given(st.lists(st.floats(-5, 30, width=32), min_size=1, max_size=60))
def test_a_scale_that_one_paper_stretched_keeps_its_order_and_is_told_twofold_at_most(
    heights: list[float],
) -> None:
    row = np.array([heights], np.float32)
    [after] = unstretched(row)
    assert (np.diff(after[np.argsort(row[0], kind="stable")]) >= 0).all()
    assert (np.abs(after) >= np.abs(row[0])).all()
    assert (np.abs(after) <= MOST * np.abs(row[0]) * 1.001).all()


def test_a_day_where_nothing_stands_out_so_far_stays_as_it_is() -> None:
    rows = np.random.default_rng(1).standard_normal((3, 500), np.float32)
    assert unstretched(rows) is rows


@given(st.lists(st.floats(-5, 30, width=32), min_size=3, max_size=40), st.data())
def test_the_order_never_changes(heights: list[float], data: st.DataObject) -> None:
    affinity = np.array(heights, np.float32)
    some = data.draw(st.lists(st.integers(0, len(heights) - 1), unique=True))
    after = among_the_unjudged(affinity, some)
    assert (np.diff(after[np.argsort(affinity, kind="stable")]) >= 0).all()


def test_where_nothing_was_judged_nothing_changes() -> None:
    affinity = np.array([0.0, 1.0, 5.0], np.float32)
    assert among_the_unjudged(affinity, []) is affinity
    assert among_the_unjudged(affinity, [0, 1, 2]) is affinity
    assert among_the_unjudged(affinity, [2, 1]) is affinity


def test_a_pick_by_a_liked_paper_names_that_paper_unless_the_readers_own_words_met_it() -> None:
    liked = judged(PAPERS[0])
    for keywords, because in (((), ReasonKind.LIKED), (("grasping",), ReasonKind.TERMS)):
        ranking = Ranker(PAPERS).rank([Profile(keywords=keywords, liked=(liked,))])[0]
        nearest = max((at for at in range(1, len(PAPERS))), key=lambda at: float(ranking.affinity[at]))
        assert ranking.reason(nearest).because is because
        assert ranking.reason(nearest).liked_title == PAPERS[0].title
