"""Tests of votes: what they teach, once; the reasons; and that undoing takes back what was taught."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.db import Database
from digest.models import Profile, Subscriber
from digest.ranking.feedback import Feedback, LessReason, learn_from_feedback
from digest.subscribers import Actor
from digest.web.votes import VERDICTS, forget_term_of_votes, undo_vote, vote
from tests.factories import NOW, make_paper, store_subscriber

ACTOR = Actor("reader", NOW)
SHEEP = replace(make_paper("Counting Sheep in Sublinear Time"), keywords=("sheep counting",))
TEAPOTS = replace(make_paper("Teapots Considered Harmful"), keywords=("teapot theory", "sheep counting"))


def add_reader(store: Database, profile: Profile) -> Subscriber:
    with store.begin() as tx:
        return store_subscriber(tx, "ada@example.com", profile=profile, now=NOW)


def load_profile(store: Database, reader: Subscriber) -> Profile:
    with store.begin(write=False) as tx:
        return tx.subscribers.get_by_id(reader.id).profile


def test_a_vote_teaches_once_and_undoing_takes_it_back(any_store: Database) -> None:
    typed = Profile(keywords=("volcanoes",))
    reader = add_reader(any_store, typed)
    for _ in range(3):
        with any_store.begin() as tx:
            vote(tx, reader.public_id, SHEEP, Feedback.MORE, actor=ACTOR)
    assert load_profile(any_store, reader) == learn_from_feedback(typed, SHEEP, Feedback.MORE)
    with any_store.begin() as tx:
        assert undo_vote(tx, reader.public_id, SHEEP, actor=ACTOR) is not None
        assert undo_vote(tx, reader.public_id, SHEEP, actor=ACTOR) is None
        assert tx.votes.list_by_subscriber(reader.id) == ()
    assert load_profile(any_store, reader) == typed


def test_another_vote_replaces_the_former_one(any_store: Database) -> None:
    reader = add_reader(any_store, Profile())
    with any_store.begin() as tx:
        vote(tx, reader.public_id, SHEEP, Feedback.MORE, actor=ACTOR)
        vote(tx, reader.public_id, SHEEP, Feedback.LESS, reason=LessReason.TOPIC, actor=ACTOR)
        (kept,) = tx.votes.list_by_subscriber(reader.id)
    assert (kept.verdict, kept.reason) == ("less", "topic")
    assert load_profile(any_store, reader) == learn_from_feedback(Profile(), SHEEP, Feedback.LESS)


@pytest.mark.parametrize("reason", [LessReason.QUALITY, LessReason.SEEN])
def test_a_reason_that_says_nothing_about_the_topic_teaches_nothing(
    any_store: Database, reason: LessReason
) -> None:
    reader = add_reader(any_store, Profile())
    with any_store.begin() as tx:
        vote(tx, reader.public_id, SHEEP, Feedback.LESS, actor=ACTOR)  # the press that asks for a reason
        vote(tx, reader.public_id, SHEEP, Feedback.LESS, reason=reason, actor=ACTOR)
    assert load_profile(any_store, reader) == Profile()


def test_undoing_puts_a_paper_back_that_was_liked_before(any_store: Database) -> None:
    liked = replace(learn_from_feedback(Profile(), SHEEP, Feedback.MORE), learnt=())
    reader = add_reader(any_store, liked)
    with any_store.begin() as tx:
        vote(tx, reader.public_id, SHEEP, Feedback.LESS, actor=ACTOR)
        undo_vote(tx, reader.public_id, SHEEP, actor=ACTOR)
    assert load_profile(any_store, reader) == liked


def test_a_term_that_was_deleted_since_does_not_come_back(any_store: Database) -> None:
    reader = add_reader(any_store, Profile())
    with any_store.begin() as tx:
        vote(tx, reader.public_id, SHEEP, Feedback.MORE, actor=ACTOR)
        current = tx.subscribers.get_by_id(reader.id)
        for term, _ in current.profile.learnt:
            forget_term_of_votes(tx, reader, term)
        tx.subscribers.save(replace(current, profile=Profile()))
        undo_vote(tx, reader.public_id, SHEEP, actor=ACTOR)
    assert load_profile(any_store, reader) == Profile()


@settings(max_examples=25, deadline=None)
@given(votes=st.lists(st.tuples(st.booleans(), st.sampled_from(VERDICTS)), max_size=6))
def test_the_order_of_votes_on_two_papers_never_leaves_anything_behind(
    store: Database, votes: list[tuple[bool, Feedback]]
) -> None:
    with store.begin(commit=False) as tx:
        reader = store_subscriber(tx, "ada@example.com", profile=Profile(), now=NOW)
        for is_sheep, verdict in votes:
            vote(tx, reader.public_id, SHEEP if is_sheep else TEAPOTS, verdict, actor=ACTOR)
        for paper in (SHEEP, TEAPOTS):
            undo_vote(tx, reader.public_id, paper, actor=ACTOR)
        assert tx.subscribers.get_by_id(reader.id).profile == Profile()
