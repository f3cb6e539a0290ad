"""How does a reason name what a reader typed? In full: a word out of a longer keyword says little alone."""

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache

from digest.model import Profile
from digest.rank.text import terms

Told = Sequence[tuple[str, str]]  # terms, and how the paper writes them


def fragments(profile: Profile) -> Mapping[str, str]:
    """The words that a reader typed only inside a longer keyword, each with that keyword."""
    keywords = profile.keywords
    if profile.facets:
        keywords = (*keywords, *(word for facet in profile.facets for word in facet.keywords))
    return _fragments(keywords, profile.text)


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


@lru_cache(maxsize=4096)  # a reader's words are asked about pick after pick
def _fragments(keywords: tuple[str, ...], text: str) -> Mapping[str, str]:
    inside = {word: keyword for keyword in keywords if len(_words(keyword)) > 1 for word in _words(keyword)}
    single = (keyword for keyword in keywords if len(_words(keyword)) == 1)
    alone = {word for typed in (*single, text) for word in _words(typed)}
    return {word: keyword for word, keyword in inside.items() if word not in alone}


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[str, ...]:
    return tuple(term for term in terms(text) if " " not in term)
