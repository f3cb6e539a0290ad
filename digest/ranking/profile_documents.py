"""Interests of a profile, each a few weighted documents to compare papers with."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.bm25 import TermWeights, count_terms
from digest.ranking.paragraphs import read_keywords, remove_unwanted

KEYWORDS_WEIGHT = 0.5  # of all typed keywords together, relative to one liked paper
MAX_LEARNT_WEIGHT = 0.5  # of all learnt terms together


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands for an interest: a liked paper, the typed keywords, a paragraph, learnt terms."""

    text: str
    weight: float = 1.0
    title: str = ""  # of the liked paper; empty for other documents
    learnt: tuple[tuple[str, float], ...] = ()  # terms and their weights, used instead of the text

    def compute_term_weights(self) -> TermWeights:
        """Return how often the text uses each term, or how strongly each term was learnt."""
        if not self.learnt:
            return count_terms(self.text)
        return {term: weight for phrase, weight in self.learnt for term in count_terms(phrase)}


@dataclass(frozen=True, slots=True)
class Interest:
    """One interest of a reader."""

    name: str  # of a facet, or the title of the central paper of a group; else empty
    documents: tuple[Document, ...]


@lru_cache(maxsize=512)  # the readers of a chunk: their profiles are compared, encoded and ranked
def build_interests(profile: Profile) -> tuple[Interest, ...]:
    """Return the reader's interests that have documents: the unnamed one first, then the facets."""
    main = Facet(name="", keywords=profile.keywords, text=profile.text, liked=profile.liked)
    interests = [Interest(facet.name, _build_facet_documents(facet)) for facet in (main, *profile.facets)]
    if profile.learnt:
        strongest = max(abs(weight) for _, weight in profile.learnt)
        wanted = "\n".join(term for term, weight in profile.learnt if weight > 0)
        learnt = Document(wanted, MAX_LEARNT_WEIGHT * min(1.0, strongest), learnt=profile.learnt)
        interests[0] = Interest("", (*interests[0].documents, learnt))
    return tuple(interest for interest in interests if interest.documents)


def has_liked(profile: Profile) -> bool:
    """Return True if the reader named a paper that they like."""
    return bool(profile.liked or any(facet.liked for facet in profile.facets))


def build_disliked(profile: Profile) -> tuple[Document, ...]:
    """Return the disliked papers as documents."""
    return tuple(_to_documents(profile.disliked))


def build_documents(profile: Profile, interests: Iterable[Interest]) -> tuple[Document, ...]:
    """Return all documents of a profile: those of one of its interests after the other, then the disliked."""
    wanted = chain.from_iterable(interest.documents for interest in interests)
    return (*wanted, *build_disliked(profile))


def _build_facet_documents(facet: Facet) -> tuple[Document, ...]:
    keywords, _ = read_keywords(facet.keywords)
    typed = [Document("\n".join(keywords), KEYWORDS_WEIGHT)] if keywords else []
    text = facet.text and remove_unwanted(facet.text)
    paragraph = [Document(text)] if text else []
    return (*typed, *paragraph, *_to_documents(facet.liked))


def _to_documents(papers: Iterable[LikedPaper]) -> Iterable[Document]:
    return (Document(f"{paper.title}\n{paper.abstract}", title=paper.title) for paper in papers)
