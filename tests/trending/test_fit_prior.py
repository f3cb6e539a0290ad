"""What authors, code and topic promise, learnt from papers whose votes are known."""

from dataclasses import replace
from datetime import timedelta
from math import sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.trending.fit_prior import ENOUGH, RAREST, WORD_PENALTY, _ridge, fit_prior
from digest.trending.prior import VoteHistory, record_of
from tests.factories import NOW, paper


def ended(number: int) -> VoteHistory:
    """Code doubles the votes, the word `agents` triples them, and Ada is always read."""
    has_code, agents, ada = number % 2 == 0, number % 3 == 0, number % 7 == 0
    made = paper(
        f"{'Agents' if agents else 'Commas'} and other matters",
        id=f"arxiv:2611.{number:05d}",
        abstract=f"We report number {number % 5}.",
        authors=("Ada Loveless" if ada else f"Author {number}", "Bo Chen"),
    )
    votes = 6.0 * (2 if has_code else 1) * (3 if agents else 1) * (4 if ada else 1)
    listed = (NOW - timedelta(days=1 + number % 50)).date()
    return VoteHistory(replace(made, listed=listed, code_url="https://e.org" if has_code else ""), votes)


PAST = [ended(number) for number in range(ENOUGH + 50)]


def test_fewer_than_a_thousand_papers_teach_nothing() -> None:
    assert fit_prior(PAST[: ENOUGH - 1], NOW.date()) is None


def test_what_drew_votes_promises_votes() -> None:
    prior = fit_prior(PAST, NOW.date())
    assert prior is not None
    one = replace(paper("Commas and other matters", authors=("Nobody", "Bo Chen")), code_url="")
    assert prior.promise(one) < prior.promise(replace(one, code_url="https://e.org"))
    assert prior.promise(one) < prior.promise(replace(one, title="Agents and other matters"))
    record = record_of(PAST)
    known = replace(one, authors=("Ada Loveless", "Bo Chen"))
    assert prior.promise(known, record) > prior.promise(one, record) + 0.3
    assert prior.as_of == NOW.date()


def test_the_same_papers_in_another_order_teach_the_same() -> None:
    one, other = fit_prior(PAST, NOW.date()), fit_prior(PAST[::-1], NOW.date())
    assert one is not None
    assert other is not None
    assert abs(one.plain.code - other.plain.code) < 0.02
    assert abs(one.known.author_mean - other.known.author_mean) < 0.05


def sent_in(number: int) -> VoteHistory:
    """Nobody's work twice, all alike but for who sent it in: what Una sends is read four times as often."""
    made = paper("Commas", id=f"arxiv:2611.{number:05d}", abstract="", authors=(f"Author {number}",))
    by_una = number % 4 == 0
    return VoteHistory(
        replace(made, listed=NOW.date(), submitter="una" if by_una else ""), 24.0 if by_una else 6.0
    )


def test_just_enough_papers_teach() -> None:
    assert fit_prior(PAST[:ENOUGH], NOW.date()) is not None


def test_who_sends_in_what_is_read_promises_more_than_who_is_unknown() -> None:
    past = [sent_in(number) for number in range(ENOUGH)]
    prior, record = fit_prior(past, NOW.date()), record_of(past)
    assert prior is not None
    one = paper("Commas", abstract="", authors=("Nobody",))
    assert prior.promise(replace(one, submitter="una"), record) > prior.promise(one, record) + 1
    assert prior.known.author_mean == prior.known.author_best == 0  # each author wrote one paper: their own
    assert prior.plain.submitter == 0  # who knows no record knows no submitter


def test_no_more_than_a_quarter_of_the_papers_promise_less_than_the_lowest_quartile() -> None:
    prior = fit_prior(PAST, NOW.date())
    assert prior is not None
    promises = np.array([prior.promise(each.paper) for each in PAST])
    assert np.mean(promises < prior.lowest_quartile - 0.05) <= 0.25
    assert np.mean(promises < prior.lowest_quartile + 0.05) >= 0.25


def test_words_that_hardly_any_or_half_of_all_papers_say_are_not_learnt() -> None:
    def said(number: int) -> VoteHistory:
        is_read = number % 3 == 0
        words = {"everywhere": True, "half": number % 2, "read": is_read}
        words |= {"rare": number < RAREST - 1, "seldom": number < RAREST}
        title = ". ".join(word for word, is_said in words.items() if is_said)
        made = paper(title, id=f"arxiv:2611.{number:05d}", abstract="")
        return VoteHistory(replace(made, listed=NOW.date()), 50.0 if is_read else 5.0)

    prior = fit_prior([said(number) for number in range(ENOUGH)], NOW.date())
    assert prior is not None
    assert {"read", "seldom"} <= prior.terms.keys()
    assert prior.terms.keys().isdisjoint({"everywhere", "half", "rare"})
    assert prior.terms["read"] > 0.5 > abs(prior.terms["seldom"])
    assert all(weight == round(weight, 2) for weight in prior.terms.values())


@given(st.lists(st.sets(st.sampled_from("abcde"), max_size=5), min_size=2, max_size=12), st.randoms())
def test_the_words_are_weighed_by_ridge_regression(texts: list[set[str]], dice: Random) -> None:
    """As the normal equations give it: a word counts one by the root of how many known ones its text has."""
    target = np.array([dice.uniform(-3, 3) for _ in texts])
    known = [text & {*"abc"} for text in texts]
    matrix = np.array([[(term in text) / sqrt(len(text) or 1) for term in "abc"] for text in known])
    expected = np.linalg.solve(
        matrix.T @ matrix + WORD_PENALTY * np.eye(3), matrix.T @ (target - target.mean())
    )
    assert [*_ridge(texts, target, "abc").values()] == pytest.approx(expected, abs=1e-4)
