"""Learning from feedback: each action on a paper gives a new profile, and every change is bounded.

Learnt are the topics that a paper names: its keywords and the phrases of its title, whole and only those that
are special to it. What every thirtieth paper says ("language models") is neither raised nor lowered by one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import chain, islice

from digest.models import LikedPaper, Paper, Profile
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.ranking.field_terms import load_field_terms
from digest.ranking.paragraphs import find_phrases
from digest.ranking.tokenizer import extract_terms
from digest.ranking.topic_matching import MIN_PHRASE_TELL
from digest.ranking.word_forms import fold_sentences

WEIGHT_STEPS = {"more": 0.2, "save": 0.2, "click": 0.05, "less": -0.2}
MAX_OPENED = 100  # latest opened papers that are remembered, so that each is learned from only once
MAX_LEARNT_TERMS = 60
MAX_TERMS_PER_PAPER = 6
MIN_WEIGHT = 0.04  # terms with a smaller weight are dropped
MIN_WORD_LENGTH = 4  # letters of a single word that is learned
MIN_WORD_TELL = 5.0  # what a single word must tell
MAX_PHRASE_WORDS = 3  # of a longer phrase the last words say what it is about


class Feedback(StrEnum):
    """What a reader did with a paper."""

    MORE = "more"
    LESS = "less"
    SAVE = "save"
    CLICK = "click"  # counts only for readers who allowed it


class LessReason(StrEnum):
    """Why a reader wants less like a paper."""

    TOPIC = "topic"
    QUALITY = "quality"  # says nothing about what the paper is about
    SEEN = "seen"  # likewise


def learn_from_feedback(
    profile: Profile,
    paper: Paper,
    feedback: Feedback,
    *,
    reason: LessReason | None = None,
    clicks_may_teach: bool = False,
) -> Profile:
    """Return the profile after this feedback.

    *reason* is why the reader wants less: only the topic, or no reason, teaches anything; for the others the
    paper is just no liked one any more. A click changes nothing unless *clicks_may_teach*, and only the first
    click on a paper counts.
    """
    is_opened = any(opened.paper_id == paper.id for opened in profile.opened)
    if feedback is Feedback.CLICK and (is_opened or not clicks_may_teach):
        return profile
    judged = LikedPaper(paper.title, paper.abstract, paper.id)
    if feedback is Feedback.LESS and reason in {LessReason.QUALITY, LessReason.SEEN}:
        return _remove_judged(profile, judged)
    step = WEIGHT_STEPS[feedback]
    terms = [term for term in _choose_terms(paper) if step > 0 or not _is_typed(profile, term)]
    learned = replace(profile, learnt=_shift_weights(profile.learnt, terms, step))
    if feedback is Feedback.CLICK:
        opened = LikedPaper(paper.title, paper_id=paper.id)
        return replace(learned, opened=(opened, *profile.opened)[:MAX_OPENED])
    learned = _remove_judged(learned, judged)
    if feedback is Feedback.LESS:
        return replace(learned, disliked=(judged, *learned.disliked)[:MAX_LIKED_PAPERS])
    return replace(learned, liked=(judged, *learned.liked)[:MAX_LIKED_PAPERS])


def forget_term(profile: Profile, term: str) -> Profile:
    """Return the profile without this learnt term."""
    return replace(profile, learnt=tuple(pair for pair in profile.learnt if pair[0] != term))


def reset_learning(profile: Profile) -> Profile:
    """Return the profile as the reader typed it, without learnt terms and without judged or opened papers."""
    return replace(profile, learnt=(), liked=(), disliked=(), opened=())


def _remove_judged(profile: Profile, judged: LikedPaper) -> Profile:
    liked, disliked = (_without_paper(papers, judged) for papers in (profile.liked, profile.disliked))
    return replace(profile, liked=liked, disliked=disliked)


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
    """Return the paper's keywords, then the phrases of its title, those that are special to it."""
    phrases = (keyword.strip() for keyword in paper.keywords)
    candidates = chain(phrases, _find_title_phrases(paper.title))
    special = (phrase.casefold() for phrase in candidates if _is_special(phrase))
    return tuple(islice(dict.fromkeys(special), MAX_TERMS_PER_PAPER))


def _find_title_phrases(title: str) -> Iterator[str]:
    """Yield the phrases of a title, without the name that a paper gives itself ("BERT: ...")."""
    name, colon, rest = title.partition(":")
    for phrase in find_phrases(rest if colon and len(name.split()) == 1 else title):
        words = phrase.split()[-MAX_PHRASE_WORDS:]
        if len(words) > 1 or len(words[0]) >= MIN_WORD_LENGTH:
            yield " ".join(words)


def _is_special(phrase: str) -> bool:
    """Return True if fewer than every thirtieth paper say this, or for a single word every 150th."""
    words = [word for sentence in fold_sentences(phrase) for word in sentence]
    return load_field_terms().compute_tell(words) >= (MIN_PHRASE_TELL if len(words) > 1 else MIN_WORD_TELL)
