"""Learning from feedback: immediate, bounded, visible and reversible."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Facet, LikedPaper, Profile
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.ranking.feedback import (
    MAX_LEARNT_TERMS,
    MAX_OPENED,
    Feedback,
    LessReason,
    forget_term,
    learn_from_feedback,
    reset_learning,
)
from tests.factories import make_paper

WHALES = make_paper("Whale songs in noisy oceans", abstract="We listen.")


def test_more_adds_the_paper_and_its_terms() -> None:
    profile_after = learn_from_feedback(Profile(), WHALES, Feedback.MORE)
    assert [paper.paper_id for paper in profile_after.liked] == [WHALES.id]
    assert dict(profile_after.learnt)["whale songs"] > 0


def test_less_moves_a_paper_to_the_disliked_ones() -> None:
    profile_after = learn_from_feedback(
        learn_from_feedback(Profile(), WHALES, Feedback.MORE), WHALES, Feedback.LESS
    )
    assert not profile_after.liked
    assert [paper.paper_id for paper in profile_after.disliked] == [WHALES.id]


def test_click_counts_only_if_allowed_and_once_per_paper() -> None:
    assert learn_from_feedback(Profile(), WHALES, Feedback.CLICK) == Profile()
    allowed = learn_from_feedback(Profile(), WHALES, Feedback.CLICK, clicks_may_teach=True)
    assert allowed.learnt
    assert not allowed.liked
    assert learn_from_feedback(allowed, WHALES, Feedback.CLICK, clicks_may_teach=True) == allowed


def test_forget_term_and_reset_learning_undo_feedback() -> None:
    profile_after = learn_from_feedback(Profile(keywords=("whales",)), WHALES, Feedback.MORE)
    assert "whale songs" not in dict(forget_term(profile_after, "whale songs").learnt)
    assert reset_learning(profile_after) == Profile(keywords=("whales",))


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(Feedback)), max_size=60))
def test_weights_and_lists_stay_bounded(actions: list[tuple[int, Feedback]]) -> None:
    profile = Profile()
    for number, feedback in actions:
        whales = make_paper(f"Whale {number} songs in sea {number % 7}", id=f"arxiv:{number}")
        profile = learn_from_feedback(profile, whales, feedback, clicks_may_teach=True)
    assert all(-1 <= weight <= 1 for _, weight in profile.learnt)
    assert len(profile.learnt) <= MAX_LEARNT_TERMS
    assert len({paper.paper_id for paper in profile.opened}) == len(profile.opened) <= MAX_OPENED
    assert len(profile.liked) + len(profile.disliked) <= 2 * MAX_LIKED_PAPERS
    assert not {paper.paper_id for paper in profile.liked} & {paper.paper_id for paper in profile.disliked}


def test_judged_paper_keeps_title_abstract_and_id() -> None:
    assert learn_from_feedback(Profile(), WHALES, Feedback.SAVE).liked == (
        LikedPaper(WHALES.title, WHALES.abstract, WHALES.id),
    )


def test_liking_a_disliked_paper_moves_only_that_paper() -> None:
    sleep = make_paper("Sleep")
    profile_after = learn_from_feedback(
        learn_from_feedback(Profile(), WHALES, Feedback.LESS), sleep, Feedback.LESS
    )
    after = learn_from_feedback(profile_after, WHALES, Feedback.MORE)
    assert [paper.paper_id for paper in after.liked] == [WHALES.id]
    assert [paper.paper_id for paper in after.disliked] == [sleep.id]


def test_latest_feedback_counts_for_the_same_text_under_any_id() -> None:
    by_words = Profile(disliked=(LikedPaper(WHALES.title, WHALES.abstract),), liked=(LikedPaper("Sleep"),))
    after = learn_from_feedback(by_words, WHALES, Feedback.MORE)
    assert after.disliked == ()
    assert [paper.title for paper in after.liked] == [WHALES.title, "Sleep"]


def test_reset_learning_removes_disliked_papers_too() -> None:
    assert reset_learning(learn_from_feedback(Profile(), WHALES, Feedback.LESS)) == Profile()


@pytest.mark.parametrize(
    ("feedback", "step", "end"), [("more", 0.2, 1), ("click", 0.05, 1), ("less", -0.2, -1)]
)
def test_weights_add_up_to_the_limit(feedback: Feedback, step: float, end: int) -> None:
    profile, weights = Profile(), []
    for number in range(25):  # a paper counts only once when opened, so each is a different one
        another = replace(WHALES, id=f"arxiv:2611.{number:05d}")
        profile = learn_from_feedback(profile, another, Feedback(feedback), clicks_may_teach=True)
        weights.append(dict(profile.learnt)["whale songs"])
    assert weights == [pytest.approx(max(-1.0, min(1.0, step * number))) for number in range(1, 26)]
    assert weights[-1] == end


def test_term_with_opposite_feedback_is_dropped() -> None:
    wanted = learn_from_feedback(Profile(), WHALES, Feedback.MORE)
    assert learn_from_feedback(wanted, WHALES, Feedback.LESS).learnt == ()


@pytest.mark.parametrize(
    ("title", "keywords", "terms"),
    [
        ("Tide Tables for the Downs by GAN", (), {"tide tables", "downs"}),
        ("Coral reef monitoring with large language models", (), {"coral reef monitoring"}),
        ("WAVE: a survey of quiet and hybrid deep-sea sonar arrays", (), {"quiet", "deep-sea sonar arrays"}),
        ("Deep Quiet Seas", ("acoustics", "language models"), {"acoustics", "deep quiet seas"}),
        ("Reef " * 30, tuple(f"kelp {name}" for name in "abcdefgh"), {f"kelp {name}" for name in "abcdef"}),
    ],
)
def test_paper_teaches_whole_phrases_that_are_special_to_it(
    title: str, keywords: tuple[str, ...], terms: set[str]
) -> None:
    paper = replace(make_paper(title), keywords=keywords)
    assert set(dict(learn_from_feedback(Profile(), paper, Feedback.MORE).learnt)) == terms


@pytest.mark.parametrize("reason", [LessReason.QUALITY, LessReason.SEEN])
def test_less_for_another_reason_than_the_topic_teaches_nothing(reason: LessReason) -> None:
    liked = Profile(keywords=("songs",), liked=(LikedPaper(WHALES.title, WHALES.abstract, WHALES.id),))
    after = learn_from_feedback(liked, WHALES, Feedback.LESS, reason=reason)
    assert after == Profile(keywords=("songs",))


def test_less_for_its_topic_teaches_as_less_without_a_reason() -> None:
    by_topic = learn_from_feedback(Profile(), WHALES, Feedback.LESS, reason=LessReason.TOPIC)
    assert by_topic == learn_from_feedback(Profile(), WHALES, Feedback.LESS)
    assert dict(by_topic.learnt)["whale songs"] < 0


def test_strongest_terms_come_first_and_are_kept() -> None:
    profile = Profile(learnt=(("zoology", -0.9), ("anatomy", 0.9), *((f"w{n:02d}", 0.3) for n in range(70))))
    learnt = learn_from_feedback(profile, WHALES, Feedback.MORE).learnt
    assert learnt[:3] == (("anatomy", 0.9), ("zoology", -0.9), ("w00", 0.3))
    assert len(learnt) == MAX_LEARNT_TERMS
    assert "whale songs" not in dict(learnt)


def test_opened_paper_is_kept_by_title_until_a_reset() -> None:
    opened = learn_from_feedback(Profile(), WHALES, Feedback.CLICK, clicks_may_teach=True)
    assert opened.opened == (LikedPaper(WHALES.title, paper_id=WHALES.id),)
    assert reset_learning(opened) == Profile()


def test_less_never_goes_against_typed_keywords() -> None:
    paper = make_paper("Coral reefs in warm oceans and seagrass meadows")
    profile = Profile(keywords=("coral reef",), facets=(Facet("Sea", ("ocean",)),))
    learnt = dict(learn_from_feedback(profile, paper, Feedback.LESS).learnt)
    assert learnt
    assert not [term for term in learnt if "coral" in term or "reef" in term or "ocean" in term]
