"""What does a reader care about? A profile becomes separate interests, each a few weighted documents."""

from dataclasses import dataclass

from digest.model import Facet, Liking, Profile


@dataclass(frozen=True, slots=True)
class Document:
    """A text that stands for an interest: a liked paper, the typed keywords, a free paragraph."""

    text: str
    weight: float = 1.0
    title: str = ""  # of the liked paper, empty for words the reader typed


@dataclass(frozen=True, slots=True)
class Interest:
    """One thing a reader cares about; a name only where the reader or the seeds gave several."""

    name: str
    documents: tuple[Document, ...]


def interests(profile: Profile) -> tuple[Interest, ...]:
    """The reader's interests, kept apart: what was typed without a name first, then the named facets."""
    main = Facet(name="", keywords=profile.keywords, text=profile.text, liked=profile.liked)
    found = (Interest(facet.name, _documents(facet)) for facet in (main, *profile.facets))
    return tuple(interest for interest in found if interest.documents)


def dislikes(profile: Profile) -> tuple[Document, ...]:
    """What the reader wants less of."""
    return tuple(_liked(paper) for paper in profile.disliked)


def _documents(facet: Facet) -> tuple[Document, ...]:
    typed = [Document("\n".join(facet.keywords))] if facet.keywords else []
    written = [Document(facet.text)] if facet.text.strip() else []
    return (*typed, *written, *(_liked(paper) for paper in facet.liked))


def _liked(paper: Liking) -> Document:
    return Document(f"{paper.title}\n{paper.abstract}", title=paper.title)
