"""How does a reason name what a reader typed? In full: a word out of a longer keyword says little alone."""

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache

from digest.models import Profile
from digest.ranking.tokenizer import terms

Told = Sequence[tuple[str, str]]  # terms, and how the paper writes them
Typed = tuple[tuple[str, ...], str]  # keywords, and a text in words of their own


def typed_by(profile: Profile) -> Typed:
    """What a reader typed: the keywords of their facets too."""
    if not profile.facets:
        return profile.keywords, profile.text
    return (*profile.keywords, *(word for facet in profile.facets for word in facet.keywords)), profile.text


@lru_cache(maxsize=4096)  # a reader's words are asked about pick after pick
def fragments(typed: Typed) -> Mapping[str, str]:
    """The words that were typed only inside a longer keyword, each with that keyword."""
    keywords, text = typed
    inside = {word: keyword for keyword in keywords if len(_words(keyword)) > 1 for word in _words(keyword)}
    single = (keyword for keyword in keywords if len(_words(keyword)) == 1)
    alone = {word for said in (*single, text) for word in _words(said)}
    return {word: keyword for word, keyword in inside.items() if word not in alone}


def in_full(told: Told, parts: Mapping[str, str], seen: Container[str]) -> list[str]:
    """What to name of the terms that weighed, with keywords instead of their parts.

    A keyword is named where the paper holds all its words (`seen`), if not as neighbours. A part of one
    that is not there is named only where nothing else can be: “generated” is no reason to read a paper
    for somebody who typed “generated text”.
    """
    named = {parts.get(term, shown): term not in parts or _holds(seen, parts[term]) for term, shown in told}
    return [name for name, is_whole in named.items() if is_whole] or [shown for _, shown in told]


def _holds(seen: Container[str], keyword: str) -> bool:
    return all(word in seen for word in _words(keyword))


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(term for term in terms(text) if " " not in term)
