"""What authors, code and topic promise, learnt from papers whose votes are known."""

from dataclasses import replace
from datetime import timedelta

from digest.rank.prior import Past, record_of
from digest.rank.regression import ENOUGH, fit_prior
from tests.house import NOW, paper


def ended(number: int) -> Past:
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
    return Past(replace(made, listed=listed, code_url="https://e.org" if has_code else ""), votes)


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
