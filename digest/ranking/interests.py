"""What does a reader care about? A profile becomes separate interests, each a few weighted documents."""

from collections.abc import Iterable
from dataclasses import dataclass

from digest.models import Facet, LikedPaper, Profile
from digest.ranking.bm25 import Terms, counted

KEYWORDS = 0.5  # what a few typed words weigh beside one liked paper
LEARNT = 0.5  # what learnt terms weigh at most


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands for an interest: a liked paper, the typed keywords, a free paragraph."""

    text: str
    weight: float = 1.0
    title: str = ""  # of the liked paper, empty for words the reader typed
    strengths: tuple[tuple[str, float], ...] = ()  # of learnt terms, instead of a text

    def terms(self) -> Terms:
        """How strongly the document means each term."""
        if not self.strengths:
            return counted(self.text)
        return {term: strength for phrase, strength in self.strengths for term in counted(phrase)}


@dataclass(frozen=True, slots=True)
class Interest:
    """One thing a reader cares about; a name only where the reader or the seeds gave several."""

    name: str
    documents: tuple[Document, ...]


def interests(profile: Profile) -> tuple[Interest, ...]:
    """The reader's interests, kept apart: what was given without a name first, then the named facets."""
    main = Facet(name="", keywords=profile.keywords, text=profile.text, liked=profile.liked)
    found = [Interest(facet.name, _documents(facet)) for facet in (main, *profile.facets)]
    if profile.learnt:
        strongest = max(abs(weight) for _, weight in profile.learnt)
        wanted = "\n".join(term for term, weight in profile.learnt if weight > 0)
        learnt = Document(wanted, LEARNT * min(1.0, strongest), strengths=profile.learnt)
        found[0] = Interest("", (*found[0].documents, learnt))
    return tuple(interest for interest in found if interest.documents)


def dislikes(profile: Profile) -> tuple[Document, ...]:
    """What the reader wants less of."""
    return tuple(_liked(profile.disliked))


def _documents(facet: Facet) -> tuple[Document, ...]:
    words = tuple(word for word in facet.keywords if word.strip())
    typed = [Document("\n".join(words), KEYWORDS)] if words else []
    written = [Document(facet.text)] if facet.text.strip() else []
    return (*typed, *written, *_liked(facet.liked))


def _liked(papers: Iterable[LikedPaper]) -> Iterable[Document]:
    return (Document(f"{paper.title}\n{paper.abstract}", title=paper.title) for paper in papers)
