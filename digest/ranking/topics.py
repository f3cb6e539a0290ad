"""Topics: what a reader asks for in words, as phrases: each keyword, and the phrases of their paragraphs."""

from dataclasses import dataclass
from functools import lru_cache

from digest.models import Facet, Profile
from digest.ranking.paragraphs import leave_out, read_keywords, read_paragraph

MAX_TOPICS = 40  # of one interest; the first ones count


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """The topics of one interest: typed keywords, and phrases of its paragraph."""

    keywords: tuple[str, ...]
    phrases: tuple[str, ...]
    facet: str = ""  # name of the interest


@dataclass(frozen=True, slots=True)
class ReaderTopics:
    """What a reader asks for in words, interest by interest, and what they rule out."""

    groups: tuple[TopicGroup, ...]
    unwanted: tuple[str, ...]


def find_topics(profile: Profile) -> ReaderTopics:
    """Return the topics of a profile; interests without any are left out."""
    return _find_topics(profile.keywords, profile.text, profile.facets)


@lru_cache(maxsize=1024)  # the readers of a chunk are looked at more than once
def _find_topics(keywords: tuple[str, ...], text: str, facets: tuple[Facet, ...]) -> ReaderTopics:
    groups: list[TopicGroup] = []
    unwanted: list[str] = []
    for facet in (Facet("", keywords, text), *facets):
        phrases, ruled_out = read_paragraph(facet.text)
        names, refused = read_keywords(facet.keywords)
        unwanted += (*ruled_out, *refused)
        if names or phrases:
            groups.append(TopicGroup(names[:MAX_TOPICS], phrases[:MAX_TOPICS], facet.name))
    typed = (name for group in groups for name in group.keywords)
    return ReaderTopics(tuple(groups), leave_out(unwanted, typed)[:MAX_TOPICS])
