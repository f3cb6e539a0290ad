"""Tests of the prior: predictions for papers without votes."""

from dataclasses import replace
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.trending.prior import (
    EMPTY_RECORD,
    MAX_PREDICTION,
    Prior,
    PriorRecord,
    TextWeights,
    TrackRecord,
    VoteHistory,
    Weights,
    build_prior_record,
    extract_terms,
    load_shipped_prior,
    to_final_votes,
)
from tests.factories import NOW, make_paper

PRIOR = load_shipped_prior()


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=60))
def test_the_prediction_is_within_bounds(text: str, authors: list[str]) -> None:
    predict = PRIOR.predict(make_paper(text, abstract=text, authors=authors))
    assert -MAX_PREDICTION <= predict <= MAX_PREDICTION


def test_more_authors_code_and_a_page_raise_the_prediction() -> None:
    one = make_paper(authors=("Ada Loveless",))
    many = replace(one, authors=tuple("ABCDEFGHIJ"))
    assert PRIOR.predict(one) < PRIOR.predict(many) < PRIOR.predict(replace(many, code_url="https://e.org"))
    assert PRIOR.predict(many) < PRIOR.predict(replace(many, project_url="https://e.org"))


def test_terms_are_words_and_pairs_of_words() -> None:
    assert extract_terms("State-of-the-art RL!") == {"state-of-the-art", "rl", "state-of-the-art rl"}


def test_track_records_are_relative_to_the_day_and_shrunk_for_few_papers() -> None:
    day = replace(make_paper(authors=("Ada",)), listed=NOW.date())
    rival = replace(make_paper(authors=("Bo",)), listed=NOW.date())
    once = build_prior_record([VoteHistory(day, 100), VoteHistory(rival, 10)])
    often = build_prior_record([VoteHistory(day, 100), VoteHistory(rival, 10)] * 5)
    assert 0 < once.authors["ada"].shrunken_mean(3) < often.authors["ada"].shrunken_mean(3)
    assert once.authors["bo"].shrunken_mean(3) < 0
    assert once.get_author_votes(day) == 100
    assert EMPTY_RECORD.get_author_votes(day) is None


SILENT = Weights(base=0, authors=0, code=0, page=0, text=0)
TELLING = replace(SILENT, author_mean=0.1, author_best=0.2, submitter=0.4)
BY_PEOPLE = Prior(as_of=NOW.date(), plain=SILENT, known=TELLING, lowest_quartile=0, terms={})


def test_known_people_add_their_track_record_and_unknown_ones_nothing() -> None:
    record = PriorRecord(
        {"ada": TrackRecord(7, 20, 10)}, {"bo": TrackRecord(5, 20, 20)}
    )  # above their days by 10 and 20 in all
    ours = replace(make_paper(authors=("Ada", "Eve")), submitter="bo")
    assert BY_PEOPLE.predict(ours, record) == pytest.approx(0.1 * 1 / 2 + 0.2 * 1 + 0.4 * 2)
    assert BY_PEOPLE.predict(replace(ours, submitter="cy"), record) == pytest.approx(0.1 * 1 / 2 + 0.2 * 1)
    assert BY_PEOPLE.predict(make_paper(authors=("Eve",)), record) == 0
    assert BY_PEOPLE.predict(make_paper(authors=()), record) == 0


def test_an_empty_record_uses_the_plain_weights() -> None:
    asks_for_people = replace(BY_PEOPLE, plain=replace(SILENT, base=0.5), known=replace(TELLING, base=-1))
    assert asks_for_people.predict(make_paper()) == 0.5
    assert (
        asks_for_people.predict(make_paper(authors=("Eve",)), PriorRecord({"ada": TrackRecord(1, 1, 0)}))
        == -1
    )


def test_submitters_have_track_records_like_authors() -> None:
    day = [
        replace(make_paper(authors=("Ada",)), listed=NOW.date(), submitter=name) for name in ("bo", "bo", "")
    ]
    record = build_prior_record(
        [VoteHistory(paper, votes) for paper, votes in zip(day, (100, 20, 10), strict=True)]
    )
    assert record.submitters.keys() == {"bo"}
    assert (record.submitters["bo"].papers, record.submitters["bo"].votes) == (2, 60)
    assert record.submitters["bo"].above == pytest.approx(log(101 / 21))


def test_terms_add_their_weight_divided_by_the_root_of_their_number() -> None:
    telling = replace(SILENT, text=1.0)
    by_words = replace(BY_PEOPLE, plain=telling, terms={"sheep": 0.8, "sheep nap": 0.2, "goats": 9})
    assert by_words.predict(make_paper("Sheep", abstract="")) == pytest.approx(0.8)
    assert by_words.predict(make_paper("Sheep", abstract="nap")) == pytest.approx((0.8 + 0.2) / sqrt(2))
    assert by_words.predict(make_paper("Cows", abstract="")) == 0


def test_a_prediction_of_log_2_is_twice_the_mean() -> None:
    assert to_final_votes(18, log(2)) == pytest.approx(36)


def test_weights_of_texts_are_kept_for_one_prior_only() -> None:
    paper, weights = make_paper("Agents and benchmarks"), TextWeights()
    other = replace(PRIOR, terms={"agents": 7.0})

    assert weights.weigh([paper], PRIOR) == weights.weigh([paper], PRIOR) == [PRIOR.weigh_text(paper)]
    assert weights.weigh([paper], other) == [7.0]
    assert weights.weigh([replace(paper, title="Sheep")], other) == [0.0]
