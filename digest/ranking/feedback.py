"""Learning from feedback: each action on a paper gives a new profile, and every change is bounded."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import islice

from digest.models import LikedPaper, Paper, Profile
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.ranking.tokenizer import STOPWORDS, extract_terms, get_surface_forms

WEIGHT_STEPS = {"more": 0.2, "save": 0.2, "click": 0.05, "less": -0.2}
MAX_OPENED = 100  # latest opened papers that are remembered, so that each is learned from only once
MAX_LEARNT_TERMS = 60
MAX_TERMS_PER_PAPER = 6
MIN_WEIGHT = 0.04  # terms with a smaller weight are dropped
MIN_WORD_LENGTH = 4  # letters of a single word that is learned


class Feedback(StrEnum):
    """What a reader did with a paper."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    CLICK = "click"  # counts only for readers who allowed it


def learn_from_feedback(
    profile: Profile, paper: Paper, feedback: Feedback, *, clicks_may_teach: bool = False
) -> Profile:
    """Return the profile after this feedback.

    A click changes nothing unless *clicks_may_teach*, and only the first click on a paper counts.
    """
    if feedback is Feedback.CLICK and not (clicks_may_teach and _is_unopened(profile, paper)):
        return profile
    step = WEIGHT_STEPS[feedback]
    terms = [term for term in _choose_terms(paper) if step > 0 or not _is_typed(profile, term)]
    learned = replace(profile, learnt=_shift_weights(profile.learnt, terms, step))
    if feedback is Feedback.CLICK:
        return _add_opened(learned, paper)
    return _add_judged(learned, paper, feedback)


def forget_term(profile: Profile, term: str) -> Profile:
    """Return the profile without this learnt term."""
    return replace(profile, learnt=tuple(pair for pair in profile.learnt if pair[0] != term))


def reset_learning(profile: Profile) -> Profile:
    """Return the profile as the reader typed it, without learnt terms and without judged or opened papers."""
    return replace(profile, learnt=(), liked=(), disliked=(), opened=())


def _is_unopened(profile: Profile, paper: Paper) -> bool:
    return all(opened.paper_id != paper.id for opened in profile.opened)


def _add_opened(profile: Profile, paper: Paper) -> Profile:
    return replace(profile, opened=(LikedPaper(paper.title, paper_id=paper.id), *profile.opened)[:MAX_OPENED])


def _add_judged(profile: Profile, paper: Paper, feedback: Feedback) -> Profile:
    judged = LikedPaper(paper.title, paper.abstract, paper.id)
    liked, disliked = (_without_paper(papers, judged) for papers in (profile.liked, profile.disliked))
    if feedback is Feedback.LESS:
        return replace(profile, liked=liked, disliked=(judged, *disliked)[:MAX_LIKED_PAPERS])
    return replace(profile, liked=(judged, *liked)[:MAX_LIKED_PAPERS], disliked=disliked)


def _without_paper(papers: tuple[LikedPaper, ...], judged: LikedPaper) -> tuple[LikedPaper, ...]:
    """Return the other papers: neither the same id nor the same title and abstract."""
    return tuple(
        paper
        for paper in papers
        if paper.paper_id != judged.paper_id
        and (paper.title, paper.abstract) != (judged.title, judged.abstract)
    )


def _shift_weights(
    learnt: tuple[tuple[str, float], ...], terms: Sequence[str], step: float
) -> tuple[tuple[str, float], ...]:
    weights = dict(learnt)
    for term in terms:
        weights[term] = min(1.0, max(-1.0, weights.get(term, 0.0) + step))
    rounded = ((term, round(weight, 3)) for term, weight in weights.items() if abs(weight) >= MIN_WEIGHT)
    return tuple(sorted(rounded, key=lambda pair: (-abs(pair[1]), pair[0]))[:MAX_LEARNT_TERMS])


def _is_typed(profile: Profile, term: str) -> bool:
    """Return True if the reader typed a word of this term: "less" of one paper is nothing against that."""
    facets = (keyword for facet in profile.facets for keyword in facet.keywords)
    typed = {word for keyword in (*profile.keywords, *facets) for word in extract_terms(keyword)}
    return not typed.isdisjoint(extract_terms(term))


def _choose_terms(paper: Paper) -> tuple[str, ...]:
    """Return the paper's keywords, then the word pairs of its title, then its longer words."""
    surfaces = get_surface_forms(paper.title)
    pairs = [surface.casefold() for term, surface in surfaces.items() if " " in term]
    words = [
        surface.casefold()
        for term, surface in surfaces.items()
        if " " not in term and len(term) >= MIN_WORD_LENGTH and term not in STOPWORDS
    ]
    return tuple(islice(dict.fromkeys((*paper.keywords, *pairs, *words)), MAX_TERMS_PER_PAPER))
