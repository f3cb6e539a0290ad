"""What does a reader's verdict teach? A new profile, every change bounded, visible and reversible."""

from dataclasses import replace
from enum import StrEnum
from itertools import islice

from digest.models import LikedPaper, Paper, Profile
from digest.models.subscribers import MOST_LIKED
from digest.ranking.tokenizer import STOPWORDS, surfaces

STEP = {"more": 0.2, "save": 0.2, "click": 0.05, "less": -0.2}
MOST_OPENED = 100  # the latest that are known to have taught
MOST_LEARNT = 60  # visible terms
TERMS_TAUGHT = 6  # by one paper
FADED = 0.04  # weights below are forgotten


class Feedback(StrEnum):
    """What a reader did with a paper."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    CLICK = "click"  # counts only for readers who allowed it


def learn(profile: Profile, paper: Paper, verdict: Feedback, *, clicks_may_teach: bool = False) -> Profile:
    """The profile after this verdict; the same one if a click must not teach, or taught before."""
    if verdict is Feedback.CLICK and not (clicks_may_teach and _is_unopened(profile, paper)):
        return profile
    taught = replace(profile, learnt=_shifted(profile.learnt, paper, STEP[verdict]))
    return _opened(taught, paper) if verdict is Feedback.CLICK else _remembered(taught, paper, verdict)


def forget(profile: Profile, term: str) -> Profile:
    """The profile without this learnt term."""
    return replace(profile, learnt=tuple(pair for pair in profile.learnt if pair[0] != term))


def reset(profile: Profile) -> Profile:
    """The profile as the reader typed it: nothing learnt, nothing judged."""
    return replace(profile, learnt=(), liked=(), disliked=(), opened=())


def _is_unopened(profile: Profile, paper: Paper) -> bool:
    return all(each.paper_id != paper.id for each in profile.opened)


def _opened(profile: Profile, paper: Paper) -> Profile:
    return replace(
        profile, opened=(LikedPaper(paper.title, paper_id=paper.id), *profile.opened)[:MOST_OPENED]
    )


def _remembered(profile: Profile, paper: Paper, verdict: Feedback) -> Profile:
    judged = LikedPaper(paper.title, paper.abstract, paper.id)
    liked, disliked = (_without(known, judged) for known in (profile.liked, profile.disliked))
    if verdict is Feedback.LESS:
        return replace(profile, liked=liked, disliked=(judged, *disliked)[:MOST_LIKED])
    return replace(profile, liked=(judged, *liked)[:MOST_LIKED], disliked=disliked)


def _without(known: tuple[LikedPaper, ...], judged: LikedPaper) -> tuple[LikedPaper, ...]:
    """The others: the paper itself goes, under whatever id it was told in the same words."""
    return tuple(
        each
        for each in known
        if each.paper_id != judged.paper_id and (each.title, each.abstract) != (judged.title, judged.abstract)
    )


def _shifted(
    learnt: tuple[tuple[str, float], ...], paper: Paper, step: float
) -> tuple[tuple[str, float], ...]:
    weights = dict(learnt)
    for term in _telling(paper):
        weights[term] = min(1.0, max(-1.0, weights.get(term, 0.0) + step))
    kept = sorted(((t, round(w, 3)) for t, w in weights.items() if abs(w) >= FADED), key=_heaviest)
    return tuple(kept[:MOST_LEARNT])


def _telling(paper: Paper) -> tuple[str, ...]:
    shown = surfaces(paper.title)
    pairs = [surface.casefold() for term, surface in shown.items() if " " in term]
    words = [s.casefold() for t, s in shown.items() if " " not in t and len(t) > 3 and t not in STOPWORDS]
    return tuple(islice(dict.fromkeys((*paper.keywords, *pairs, *words)), TERMS_TAUGHT))


def _heaviest(pair: tuple[str, float]) -> tuple[float, str]:
    return -abs(pair[1]), pair[0]
