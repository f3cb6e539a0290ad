"""Verdicts teach at once, within bounds, visibly and reversibly."""

from hypothesis import given
from hypothesis import strategies as st

from digest.model import Profile
from digest.rank.learning import MOST_LEARNT, MOST_LIKED, MOST_OPENED, Verdict, forget, learn, reset
from tests.house import paper

WHALES = paper("Whale songs in noisy oceans", abstract="We listen.")


def test_more_like_this_remembers_the_paper_and_its_terms() -> None:
    taught = learn(Profile(), WHALES, Verdict.MORE)
    assert [each.paper_id for each in taught.liked] == [WHALES.id]
    assert dict(taught.learnt)["whale songs"] > 0


def test_less_like_this_moves_a_paper_to_the_other_side() -> None:
    taught = learn(learn(Profile(), WHALES, Verdict.MORE), WHALES, Verdict.LESS)
    assert not taught.liked
    assert [each.paper_id for each in taught.disliked] == [WHALES.id]


def test_a_click_teaches_only_who_allowed_it() -> None:
    assert learn(Profile(), WHALES, Verdict.CLICK) == Profile()
    allowed = learn(Profile(), WHALES, Verdict.CLICK, clicks_may_teach=True)
    assert allowed.learnt
    assert not allowed.liked
    assert learn(allowed, WHALES, Verdict.CLICK, clicks_may_teach=True) == allowed  # once for each paper


def test_a_term_can_be_deleted_and_everything_reset() -> None:
    taught = learn(Profile(keywords=("whales",)), WHALES, Verdict.MORE)
    assert "whale songs" not in dict(forget(taught, "whale songs").learnt)
    assert reset(taught) == Profile(keywords=("whales",))


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(Verdict)), max_size=60))
def test_weights_and_memory_stay_bounded(verdicts: list[tuple[int, Verdict]]) -> None:
    profile = Profile()
    for number, verdict in verdicts:
        seen = paper(f"Whale {number} songs in sea {number % 7}", id=f"arxiv:{number}")
        profile = learn(profile, seen, verdict, clicks_may_teach=True)
    assert all(-1 <= weight <= 1 for _, weight in profile.learnt)
    assert len(profile.learnt) <= MOST_LEARNT
    assert len({each.paper_id for each in profile.opened}) == len(profile.opened) <= MOST_OPENED
    assert len(profile.liked) + len(profile.disliked) <= 2 * MOST_LIKED
    assert not {each.paper_id for each in profile.liked} & {each.paper_id for each in profile.disliked}
