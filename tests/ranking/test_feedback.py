"""Verdicts teach at once, within bounds, visibly and reversibly."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper, Profile
from digest.models.subscribers import MOST_LIKED
from digest.ranking.feedback import MOST_LEARNT, MOST_OPENED, Feedback, forget, learn, reset
from tests.factories import paper

WHALES = paper("Whale songs in noisy oceans", abstract="We listen.")


def test_more_like_this_remembers_the_paper_and_its_terms() -> None:
    taught = learn(Profile(), WHALES, Feedback.MORE)
    assert [each.paper_id for each in taught.liked] == [WHALES.id]
    assert dict(taught.learnt)["whale songs"] > 0


def test_less_like_this_moves_a_paper_to_the_other_side() -> None:
    taught = learn(learn(Profile(), WHALES, Feedback.MORE), WHALES, Feedback.LESS)
    assert not taught.liked
    assert [each.paper_id for each in taught.disliked] == [WHALES.id]


def test_a_click_teaches_only_who_allowed_it() -> None:
    assert learn(Profile(), WHALES, Feedback.CLICK) == Profile()
    allowed = learn(Profile(), WHALES, Feedback.CLICK, clicks_may_teach=True)
    assert allowed.learnt
    assert not allowed.liked
    assert learn(allowed, WHALES, Feedback.CLICK, clicks_may_teach=True) == allowed  # once for each paper


def test_a_term_can_be_deleted_and_everything_reset() -> None:
    taught = learn(Profile(keywords=("whales",)), WHALES, Feedback.MORE)
    assert "whale songs" not in dict(forget(taught, "whale songs").learnt)
    assert reset(taught) == Profile(keywords=("whales",))


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(Feedback)), max_size=60))
def test_weights_and_memory_stay_bounded(verdicts: list[tuple[int, Feedback]]) -> None:
    profile = Profile()
    for number, verdict in verdicts:
        seen = paper(f"Whale {number} songs in sea {number % 7}", id=f"arxiv:{number}")
        profile = learn(profile, seen, verdict, clicks_may_teach=True)
    assert all(-1 <= weight <= 1 for _, weight in profile.learnt)
    assert len(profile.learnt) <= MOST_LEARNT
    assert len({each.paper_id for each in profile.opened}) == len(profile.opened) <= MOST_OPENED
    assert len(profile.liked) + len(profile.disliked) <= 2 * MOST_LIKED
    assert not {each.paper_id for each in profile.liked} & {each.paper_id for each in profile.disliked}


def test_what_is_remembered_of_a_paper_is_what_it_says() -> None:
    assert learn(Profile(), WHALES, Feedback.SAVE).liked == (
        LikedPaper(WHALES.title, WHALES.abstract, WHALES.id),
    )


def test_a_paper_liked_after_all_is_disliked_no_longer_and_the_others_still_are() -> None:
    sleep = paper("Sleep")
    taught = learn(learn(Profile(), WHALES, Feedback.LESS), sleep, Feedback.LESS)
    after = learn(taught, WHALES, Feedback.MORE)
    assert [each.paper_id for each in after.liked] == [WHALES.id]
    assert [each.paper_id for each in after.disliked] == [sleep.id]


def test_the_last_word_counts_for_the_same_words_under_whatever_id() -> None:
    by_words = Profile(disliked=(LikedPaper(WHALES.title, WHALES.abstract),), liked=(LikedPaper("Sleep"),))
    after = learn(by_words, WHALES, Feedback.MORE)
    assert after.disliked == ()
    assert [each.title for each in after.liked] == [WHALES.title, "Sleep"]


def test_a_reset_forgets_what_was_disliked_too() -> None:
    assert reset(learn(Profile(), WHALES, Feedback.LESS)) == Profile()


@pytest.mark.parametrize(
    ("verdict", "step", "end"), [("more", 0.2, 1), ("click", 0.05, 1), ("less", -0.2, -1)]
)
def test_verdicts_add_up_step_by_step_until_a_term_weighs_all_it_can(
    verdict: Feedback, step: float, end: int
) -> None:
    profile, weights = Profile(), []
    for number in range(25):  # a paper is opened once only, so each is another one
        another = replace(WHALES, id=f"arxiv:2611.{number:05d}")
        profile = learn(profile, another, Feedback(verdict), clicks_may_teach=True)
        weights.append(dict(profile.learnt)["whale songs"])
    assert weights == [pytest.approx(max(-1.0, min(1.0, step * number))) for number in range(1, 26)]
    assert weights[-1] == end


def test_a_word_both_wanted_and_unwanted_is_forgotten() -> None:
    assert learn(learn(Profile(), WHALES, Feedback.MORE), WHALES, Feedback.LESS).learnt == ()


def test_a_title_teaches_its_expressions_and_its_longer_words_but_no_grammar() -> None:
    taught = learn(Profile(), paper("Tide Tables for the Downs by GAN"), Feedback.MORE)
    assert dict(taught.learnt) == {"tide tables": 0.2, "tide": 0.2, "tables": 0.2}


def test_one_paper_teaches_six_terms_and_its_own_keywords_come_first() -> None:
    said = replace(paper("Deep Quiet Seas Carry Loud Songs Far Beyond Shore"), keywords=("acoustics",))
    taught = learn(Profile(), said, Feedback.MORE)
    assert len(taught.learnt) == 6
    assert "acoustics" in dict(taught.learnt)


def test_the_strongest_terms_come_first_and_stay_when_there_is_no_room() -> None:
    profile = Profile(learnt=(("zoology", -0.9), ("anatomy", 0.9), *((f"w{n:02d}", 0.3) for n in range(70))))
    kept = learn(profile, WHALES, Feedback.MORE).learnt
    assert kept[:3] == (("anatomy", 0.9), ("zoology", -0.9), ("w00", 0.3))
    assert len(kept) == MOST_LEARNT
    assert "whale songs" not in dict(kept)


def test_what_was_opened_is_remembered_by_its_title_until_a_reset() -> None:
    opened = learn(Profile(), WHALES, Feedback.CLICK, clicks_may_teach=True)
    assert opened.opened == (LikedPaper(WHALES.title, paper_id=WHALES.id),)
    assert reset(opened) == Profile()
