"""Tests of fitting the prior to papers with known votes."""

from dataclasses import replace
from datetime import timedelta
from math import sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.trending.fit_prior import MIN_PAPERS, MIN_TERM_PAPERS, TERM_PENALTY, _ridge, fit_prior
from digest.trending.prior import VoteHistory, build_prior_record
from tests.factories import NOW, make_paper


def make_history(number: int) -> VoteHistory:
    """Return a paper: code doubles its votes, the word `agents` triples them, Ada quadruples them."""
    has_code, agents, ada = number % 2 == 0, number % 3 == 0, number % 7 == 0
    made = make_paper(
        f"{'Agents' if agents else 'Commas'} and other matters",
        id=f"arxiv:2611.{number:05d}",
        abstract=f"We report number {number % 5}.",
        authors=("Ada Loveless" if ada else f"Author {number}", "Bo Chen"),
    )
    votes = 6.0 * (2 if has_code else 1) * (3 if agents else 1) * (4 if ada else 1)
    listed = (NOW - timedelta(days=1 + number % 50)).date()
    return VoteHistory(replace(made, listed=listed, code_url="https://e.org" if has_code else ""), votes)


PAST = [make_history(number) for number in range(MIN_PAPERS + 50)]


def test_fewer_than_a_thousand_papers_give_no_prior() -> None:
    assert fit_prior(PAST[: MIN_PAPERS - 1], NOW.date()) is None


def test_features_with_more_votes_raise_the_prediction() -> None:
    prior = fit_prior(PAST, NOW.date())
    assert prior is not None
    one = replace(make_paper("Commas and other matters", authors=("Nobody", "Bo Chen")), code_url="")
    assert prior.predict(one) < prior.predict(replace(one, code_url="https://e.org"))
    assert prior.predict(one) < prior.predict(replace(one, title="Agents and other matters"))
    record = build_prior_record(PAST)
    known = replace(one, authors=("Ada Loveless", "Bo Chen"))
    assert prior.predict(known, record) > prior.predict(one, record) + 0.3
    assert prior.as_of == NOW.date()


def test_the_order_of_papers_does_not_matter() -> None:
    one, other = fit_prior(PAST, NOW.date()), fit_prior(PAST[::-1], NOW.date())
    assert one is not None
    assert other is not None
    assert abs(one.plain.code - other.plain.code) < 0.02
    assert abs(one.known.author_mean - other.known.author_mean) < 0.05


def make_submitted_history(number: int) -> VoteHistory:
    """Return a paper of a new author; those submitted by Una get four times the votes."""
    made = make_paper("Commas", id=f"arxiv:2611.{number:05d}", abstract="", authors=(f"Author {number}",))
    by_una = number % 4 == 0
    return VoteHistory(
        replace(made, listed=NOW.date(), submitter="una" if by_una else ""), 24.0 if by_una else 6.0
    )


def test_a_thousand_papers_give_a_prior() -> None:
    assert fit_prior(PAST[:MIN_PAPERS], NOW.date()) is not None


def test_a_known_submitter_raises_the_prediction() -> None:
    past = [make_submitted_history(number) for number in range(MIN_PAPERS)]
    prior, record = fit_prior(past, NOW.date()), build_prior_record(past)
    assert prior is not None
    one = make_paper("Commas", abstract="", authors=("Nobody",))
    assert prior.predict(replace(one, submitter="una"), record) > prior.predict(one, record) + 1
    assert prior.known.author_mean == prior.known.author_best == 0  # each author wrote one paper: their own
    assert prior.plain.submitter == 0  # who knows no record knows no submitter


def test_a_quarter_of_the_papers_is_below_the_lowest_quartile() -> None:
    prior = fit_prior(PAST, NOW.date())
    assert prior is not None
    predictions = np.array([prior.predict(history.paper) for history in PAST])
    assert np.mean(predictions < prior.lowest_quartile - 0.05) <= 0.25
    assert np.mean(predictions < prior.lowest_quartile + 0.05) >= 0.25


def test_very_rare_and_very_common_terms_are_left_out() -> None:
    def make_history_with_terms(number: int) -> VoteHistory:
        is_read = number % 3 == 0
        words = {"everywhere": True, "half": number % 2, "read": is_read}
        words |= {"rare": number < MIN_TERM_PAPERS - 1, "seldom": number < MIN_TERM_PAPERS}
        title = ". ".join(word for word, is_said in words.items() if is_said)
        made = make_paper(title, id=f"arxiv:2611.{number:05d}", abstract="")
        return VoteHistory(replace(made, listed=NOW.date()), 50.0 if is_read else 5.0)

    prior = fit_prior([make_history_with_terms(number) for number in range(MIN_PAPERS)], NOW.date())
    assert prior is not None
    assert {"read", "seldom"} <= prior.terms.keys()
    assert prior.terms.keys().isdisjoint({"everywhere", "half", "rare"})
    assert prior.terms["read"] > 0.5 > abs(prior.terms["seldom"])
    assert all(weight == round(weight, 2) for weight in prior.terms.values())


@given(st.lists(st.sets(st.sampled_from("abcde"), max_size=5), min_size=2, max_size=12), st.randoms())
def test_term_weights_are_those_of_ridge_regression(texts: list[set[str]], dice: Random) -> None:
    """The normal equations give the same; a term counts 1 / root of the number of known terms in its text."""
    target = np.array([dice.uniform(-3, 3) for _ in texts])
    known = [text & {*"abc"} for text in texts]
    matrix = np.array([[(term in text) / sqrt(len(text) or 1) for term in "abc"] for text in known])
    expected = np.linalg.solve(
        matrix.T @ matrix + TERM_PENALTY * np.eye(3), matrix.T @ (target - target.mean())
    )
    assert [*_ridge(texts, target, "abc").values()] == pytest.approx(expected, abs=1e-4)
