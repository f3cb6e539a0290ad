"""What a paper promises before anybody voted."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digest.rank.prior import FARTHEST, NOBODY, Past, record_of, shipped, terms_of
from tests.house import NOW, paper

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
    once = record_of([Past(day, 100), Past(rival, 10)])
    often = record_of([Past(day, 100), Past(rival, 10)] * 5)
    assert 0 < once.authors["ada"].standing(3) < often.authors["ada"].standing(3)
    assert once.authors["bo"].standing(3) < 0
    assert once.votes_of(day) == 100
    assert NOBODY.votes_of(day) is None
