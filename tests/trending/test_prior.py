"""What a paper promises before anybody voted."""

from dataclasses import replace
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.trending.prior import (
    FARTHEST,
    NOBODY,
    Name,
    Prior,
    PriorRecord,
    VoteHistory,
    Weights,
    promised,
    record_of,
    shipped,
    terms_of,
)
from tests.factories import NOW, paper

PRIOR = shipped()


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=60))
def test_whatever_a_paper_says_it_promises_within_bounds(text: str, authors: list[str]) -> None:
    promise = PRIOR.promise(paper(text, abstract=text, authors=authors))
    assert -FARTHEST <= promise <= FARTHEST


def test_more_authors_code_and_a_page_promise_more() -> None:
    one = paper(authors=("Ada Loveless",))
    many = replace(one, authors=tuple("ABCDEFGHIJ"))
    assert PRIOR.promise(one) < PRIOR.promise(many) < PRIOR.promise(replace(many, code_url="https://e.org"))
    assert PRIOR.promise(many) < PRIOR.promise(replace(many, project_url="https://e.org"))


def test_terms_are_words_and_pairs_of_words() -> None:
    assert terms_of("State-of-the-art RL!") == {"state-of-the-art", "rl", "state-of-the-art rl"}


def test_people_are_measured_against_their_own_day_and_few_papers_prove_little() -> None:
    day = replace(paper(authors=("Ada",)), listed=NOW.date())
    rival = replace(paper(authors=("Bo",)), listed=NOW.date())
    once = record_of([VoteHistory(day, 100), VoteHistory(rival, 10)])
    often = record_of([VoteHistory(day, 100), VoteHistory(rival, 10)] * 5)
    assert 0 < once.authors["ada"].standing(3) < often.authors["ada"].standing(3)
    assert once.authors["bo"].standing(3) < 0
    assert once.votes_of(day) == 100
    assert NOBODY.votes_of(day) is None


SILENT = Weights(base=0, authors=0, code=0, page=0, text=0)
TELLING = replace(SILENT, author_mean=0.1, author_best=0.2, submitter=0.4)
BY_PEOPLE = Prior(as_of=NOW.date(), plain=SILENT, known=TELLING, lowest_quartile=0, terms={})


def test_people_we_know_promise_what_they_kept_before_and_strangers_nothing() -> None:
    record = PriorRecord(
        {"ada": Name(7, 20, 10)}, {"bo": Name(5, 20, 20)}
    )  # above their days by 10 and 20 in all
    ours = replace(paper(authors=("Ada", "Eve")), submitter="bo")
    assert BY_PEOPLE.promise(ours, record) == pytest.approx(0.1 * 1 / 2 + 0.2 * 1 + 0.4 * 2)
    assert BY_PEOPLE.promise(replace(ours, submitter="cy"), record) == pytest.approx(0.1 * 1 / 2 + 0.2 * 1)
    assert BY_PEOPLE.promise(paper(authors=("Eve",)), record) == 0
    assert BY_PEOPLE.promise(paper(authors=()), record) == 0


def test_while_nobody_is_known_the_weights_are_those_that_ask_for_nobody() -> None:
    asks_for_people = replace(BY_PEOPLE, plain=replace(SILENT, base=0.5), known=replace(TELLING, base=-1))
    assert asks_for_people.promise(paper()) == 0.5
    assert asks_for_people.promise(paper(authors=("Eve",)), PriorRecord({"ada": Name(1, 1, 0)})) == -1


def test_who_submits_papers_is_remembered_as_authors_are() -> None:
    day = [replace(paper(authors=("Ada",)), listed=NOW.date(), submitter=name) for name in ("bo", "bo", "")]
    record = record_of([VoteHistory(each, votes) for each, votes in zip(day, (100, 20, 10), strict=True)])
    assert record.submitters.keys() == {"bo"}
    assert (record.submitters["bo"].papers, record.submitters["bo"].votes) == (2, 60)
    assert record.submitters["bo"].above == pytest.approx(log(101 / 21))


def test_words_promise_what_they_weigh_and_many_of_them_less_each() -> None:
    telling = replace(SILENT, text=1.0)
    by_words = replace(BY_PEOPLE, plain=telling, terms={"sheep": 0.8, "sheep nap": 0.2, "goats": 9})
    assert by_words.promise(paper("Sheep", abstract="")) == pytest.approx(0.8)
    assert by_words.promise(paper("Sheep", abstract="nap")) == pytest.approx((0.8 + 0.2) / sqrt(2))
    assert by_words.promise(paper("Cows", abstract="")) == 0


def test_a_promise_of_one_doubling_is_twice_the_mean() -> None:
    assert promised(18, log(2)) == pytest.approx(36)
