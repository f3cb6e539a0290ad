"""May a reader see what a language model says? One plain sentence in the paper's own words, or nothing."""

import re

from digest.mail.summary import LONGEST, split
from digest.models import Paper
from digest.models.text import clean

SHORTEST = 20  # characters
LEAST_SHARED = 0.6  # of its longer words: a sentence about something else shares next to none
STEM = 5  # letters, so that `counting` and `counted` are one word
LINK_OR_MARKUP = re.compile(
    r"[<>{}\[\]`@|\\]|://|\bwww\.|\w\.[^\W\d_]{2}",
    re.IGNORECASE,  # a.bc may be a host: mail programs link it
)
WORD = re.compile(r"[^\W\d_]{4,}")
# Small words that turn a finding round or make it larger: the paper's own, as its numbers must be.
TURNS = re.compile(
    r"\b(?:no|not|never|none|neither|nor|cannot|without|fail(?:s|ed|ing)?|hardly|barely|"
    r"two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"(?:hundred|thousand|million|billion|trillion)s?|half|twice|thrice|(?:double|triple)[sd]?|tenfold)\b"
)
SHORT_NOT = re.compile(r"n[’']t\b")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def trusted(told: str, paper: Paper) -> str:
    """The sentence, if it is plain, short, and says nothing that title and abstract do not; else nothing."""
    sentence = clean(told[: 4 * LONGEST])
    if not SHORTEST <= len(sentence) <= LONGEST or LINK_OR_MARKUP.search(sentence):
        return ""
    known = f"{clean(paper.title)} {clean(paper.abstract)}"
    is_sound = len(split(sentence)) == 1 and _tells_of(sentence, known) and _counts_as(sentence, known)
    return sentence if is_sound else ""


def _tells_of(sentence: str, known: str) -> bool:
    """Whether it speaks of this paper: most of its words are the paper's."""
    said, given = _stems(sentence), _stems(known)
    return bool(said) and len(said & given) >= LEAST_SHARED * len(said)


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in WORD.findall(text.casefold())}


def _counts_as(sentence: str, known: str) -> bool:
    """Whether every number in it is the paper's own: an invented result is the worst lie."""
    return set(NUMBER.findall(sentence)) <= set(NUMBER.findall(known)) and _turns(sentence) <= _turns(known)


def _turns(text: str) -> set[str]:
    return set(TURNS.findall(SHORT_NOT.sub(" not", text.casefold())))
