"""Scale of affinities: judged papers and outliers do not push other papers below the threshold."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Paper, Profile, ReasonKind
from digest.ranking.ranker import Ranker
from digest.ranking.standardization import MAX_STRETCH, limit_outliers, rescale_to_unjudged

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


def find_near(profile: Profile) -> set[str]:
    """Return the papers that stand out for this reader, without judged ones."""
    ranking = Ranker(PAPERS).rank([profile])[0]
    judged = {paper.paper_id for paper in (*profile.liked, *profile.disliked)}
    return {
        paper.id for paper, affinity in zip(PAPERS, ranking.affinity, strict=True) if affinity >= NEAR
    } - judged


def to_liked(paper: Paper) -> LikedPaper:
    return LikedPaper(paper.title, paper.abstract, paper.id)


def test_liking_papers_of_today_keeps_others_above_the_threshold() -> None:
    keywords = ("grasping robots",)
    before = find_near(Profile(keywords=keywords))
    after = find_near(Profile(keywords=keywords, liked=tuple(to_liked(paper) for paper in PAPERS[0:12:4])))
    assert len(before) > 20
    assert len(after) > len(before) / 2


def test_revised_paper_is_recognized_as_judged() -> None:
    first = LikedPaper("An Earlier Title", "In other words.", PAPERS[0].id)
    assert find_near(Profile(keywords=("grasping robots",), liked=(first,)))


def test_disliked_paper_does_not_outweigh_a_followed_category() -> None:
    followed = find_near(Profile(categories=("cs.RO",)))
    with_disliked = Profile(
        categories=("cs.RO",), disliked=(to_liked(PAPERS[1]),), learnt=(("video editing", -0.2),)
    )
    assert len(followed) == 50
    assert find_near(with_disliked) == followed


def test_one_paper_with_a_rare_word_does_not_hide_the_others() -> None:
    rare = Paper(id="arxiv:2611.09999", title="Certified unlearning", abstract="What was learnt once.")
    others = [paper for paper in PAPERS if "robots" not in paper.title]
    day = [
        replace(paper, abstract="We let robots wait.") if n < 12 else paper for n, paper in enumerate(others)
    ]
    robots, both = (
        Ranker([*day, rare]).rank([Profile(keywords=words)])[0].affinity
        for words in (("robots",), ("robots", "unlearning"))
    )
    assert (robots >= NEAR).sum() >= 5
    assert (both >= NEAR).sum() >= 5
    assert both.argmax() == len(day)


@given(st.lists(st.floats(-5, 30, width=32), min_size=1, max_size=60))
def test_limit_outliers_keeps_the_order_and_stretches_at_most_twofold(
    scores: list[float],
) -> None:
    row = np.array([scores], np.float32)
    [after] = limit_outliers(row)
    assert (np.diff(after[np.argsort(row[0], kind="stable")]) >= 0).all()
    assert (np.abs(after) >= np.abs(row[0])).all()
    assert (np.abs(after) <= MAX_STRETCH * np.abs(row[0]) * 1.001).all()


def test_limit_outliers_returns_ordinary_scores_unchanged() -> None:
    rows = np.random.default_rng(1).standard_normal((3, 500), np.float32)
    assert limit_outliers(rows) is rows


@given(st.lists(st.floats(-5, 30, width=32), min_size=3, max_size=40), st.data())
def test_rescale_to_unjudged_keeps_the_order(scores: list[float], data: st.DataObject) -> None:
    affinity = np.array(scores, np.float32)
    indices = data.draw(st.lists(st.integers(0, len(scores) - 1), unique=True))
    after = rescale_to_unjudged(affinity, indices)
    assert (np.diff(after[np.argsort(affinity, kind="stable")]) >= 0).all()


def test_rescale_to_unjudged_without_judged_papers_changes_nothing() -> None:
    affinity = np.array([0.0, 1.0, 5.0], np.float32)
    assert rescale_to_unjudged(affinity, []) is affinity
    assert rescale_to_unjudged(affinity, [0, 1, 2]) is affinity
    assert rescale_to_unjudged(affinity, [2, 1]) is affinity


def test_reason_is_the_liked_paper_unless_typed_words_match() -> None:
    liked = to_liked(PAPERS[0])
    for keywords, because in (((), ReasonKind.LIKED), (("grasping",), ReasonKind.TERMS)):
        ranking = Ranker(PAPERS).rank([Profile(keywords=keywords, liked=(liked,))])[0]
        nearest = max(range(1, len(PAPERS)), key=lambda index: float(ranking.affinity[index]))
        assert ranking.build_reason(nearest).because is because
        assert ranking.build_reason(nearest).liked_title == PAPERS[0].title
