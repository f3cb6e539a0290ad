"""Votes of readers: what a vote teaches, and what undoing it takes back."""

from dataclasses import replace

from digest import subscribers
from digest.db import Transaction
from digest.models import Paper, Profile, Subscriber
from digest.models.votes import Vote
from digest.ranking.feedback import MIN_WEIGHT, Feedback, LessReason, learn_from_feedback
from digest.subscribers import Actor
from digest.subscribers.saved_papers import save_paper

VERDICTS = (Feedback.MORE, Feedback.LESS, Feedback.SAVE)


def vote(  # noqa: PLR0913  who says what of which paper, and why
    tx: Transaction,
    public_id: str,
    paper: Paper,
    verdict: Feedback,
    *,
    reason: LessReason | None = None,
    actor: Actor,
) -> Vote:
    """Store a vote and learn from it, in place of the reader's former vote on this paper.

    *reason* counts only for "less". Voting the same again changes nothing.
    Raises NotFound if there is no such reader.
    """
    reader = tx.subscribers.get_by_public_id(public_id)
    given = str(reason or "") if verdict is Feedback.LESS else ""
    former = tx.votes.find(reader.id, paper)
    if former and (former.verdict, former.reason) == (verdict, given):
        return former
    before = _take_back(reader.profile, paper, former)
    after = learn_from_feedback(before, paper, verdict, reason=reason if given else None)
    new = Vote(
        paper_id=paper.id,
        verdict=str(verdict),
        reason=given,
        at=actor.now,
        learnt=_compare_weights(before, after),
        replaced=_find_list(before, paper),
    )
    tx.votes.replace(reader.id, paper, new)
    if verdict is Feedback.SAVE:
        save_paper(tx, reader, paper, actor=actor)
    _save(tx, reader, after, actor)
    return new


def undo_vote(tx: Transaction, public_id: str, paper: Paper, *, actor: Actor) -> Vote | None:
    """Delete the reader's vote on a paper with what it taught; return it, or None if there is none."""
    reader = tx.subscribers.get_by_public_id(public_id)
    former = tx.votes.find(reader.id, paper)
    if former is not None:
        tx.votes.replace(reader.id, paper, None)
        if former.verdict == Feedback.SAVE:
            tx.saved_papers.remove(reader.id, paper)
        _save(tx, reader, _take_back(reader.profile, paper, former), actor)
    return former


def forget_term_of_votes(tx: Transaction, reader: Subscriber, term: str) -> None:
    """Record that the reader deleted a term: undoing a vote must not take it back once more."""
    for given in tx.votes.list_by_subscriber(reader.id):
        if term in given.learnt:
            learnt = {name: gained for name, gained in given.learnt.items() if name != term}
            tx.votes.set_learnt(reader.id, given.paper_id, learnt)


def _save(tx: Transaction, reader: Subscriber, profile: Profile, actor: Actor) -> None:
    subscribers.save_settings(tx, replace(reader, profile=profile), actor=actor)


def _take_back(profile: Profile, paper: Paper, former: Vote | None) -> Profile:
    """Return the profile without what a vote taught; what was learnt since then stays."""
    if former is None:
        return profile
    weights = dict(profile.learnt)
    for term, gained in former.learnt.items():
        weights[term] = min(1.0, max(-1.0, weights.get(term, 0.0) - gained))
    kept = ((term, round(weight, 3)) for term, weight in weights.items() if abs(weight) >= MIN_WEIGHT)
    learnt = tuple(sorted(kept, key=lambda pair: (-abs(pair[1]), pair[0])))
    judged = {"liked": profile.liked, "disliked": profile.disliked}
    found = [item for papers in judged.values() for item in papers if item.paper_id == paper.id]
    lists = {
        name: tuple(item for item in papers if item.paper_id != paper.id) for name, papers in judged.items()
    }
    if found and former.replaced:
        lists[former.replaced] = (found[0], *lists[former.replaced])
    return replace(profile, learnt=learnt, liked=lists["liked"], disliked=lists["disliked"])


def _compare_weights(before: Profile, after: Profile) -> dict[str, float]:
    """Return by how much the weight of each term changed."""
    old, new = dict(before.learnt), dict(after.learnt)
    changes = {term: round(new.get(term, 0.0) - old.get(term, 0.0), 3) for term in old | new}
    return {term: change for term, change in changes.items() if change}


def _find_list(profile: Profile, paper: Paper) -> str:
    """Return which list of the profile holds a paper; empty if none does."""
    for name, papers in (("liked", profile.liked), ("disliked", profile.disliked)):
        if any(item.paper_id == paper.id for item in papers):
            return name
    return ""
