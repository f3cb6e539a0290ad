"""Which papers does a reader's own library mean? What it names, filled in from what the store holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from digest.db import Transaction
from digest.models import LikedPaper, Paper
from digest.models.subscribers import MOST_LIKED
from digest.sources.libraries.bibliography import Seeds, read

MOST_TITLES = 200  # of one library that are looked up in the store


@dataclass(frozen=True, slots=True)
class Library:
    """The papers understood, in the library's order, and word for word what nobody could make sense of."""

    likings: tuple[LikedPaper, ...] = ()
    unknown: tuple[str, ...] = ()

    def __add__(self, other: "Library") -> "Library":
        """Both, this one first."""
        return Library((*self.likings, *other.likings), (*self.unknown, *other.unknown))


def understood(tx: Transaction, text: str) -> Library:
    """Read ids, links, BibTeX or RIS. An id alone is understood only if the store holds the paper."""
    return filled(tx, read(text))


def filled(tx: Transaction, seeds: Seeds) -> Library:
    """These papers, completed with what the store holds; a title alone is looked up there too."""
    held = tx.papers.by_ids([*seeds.ids, *(liking.paper_id for liking in seeds.likings if liking.paper_id)])
    looked_up = iter(range(MOST_TITLES))
    told = [_completed(tx, liking, held, looked_up) for liking in seeds.likings]
    known = [LikedPaper(held[name].title, held[name].abstract, name) for name in seeds.ids if name in held]
    missing = tuple(name for name in seeds.ids if name not in held)
    return Library((*told, *known), (*seeds.unknown, *missing))


def shelved(papers: Iterable[LikedPaper], before: Sequence[LikedPaper]) -> tuple[LikedPaper, ...]:
    """Papers put before those liked already: each once, and as many as are remembered."""
    once: dict[str, LikedPaper] = {}
    for liking in (*papers, *before):
        once.setdefault(liking.paper_id or liking.title.casefold(), liking)
    return tuple(once.values())[:MOST_LIKED]


def _completed(
    tx: Transaction, liking: LikedPaper, held: Mapping[str, Paper], looked_up: Iterator[int]
) -> LikedPaper:
    paper = held.get(liking.paper_id)
    if paper is None and not liking.paper_id and next(looked_up, None) is not None:
        paper = _titled(tx, liking.title)
    if paper is None:
        return liking
    return replace(liking, abstract=liking.abstract or paper.abstract, paper_id=liking.paper_id or paper.id)


def _titled(tx: Transaction, title: str) -> Paper | None:
    """The paper with this very title; None where none or several have it."""
    same = [each for each in tx.papers.search(title, limit=3) if _even(each.title) == _even(title)]
    return same[0] if len(same) == 1 else None


def _even(title: str) -> str:
    return "".join(letter for letter in title.casefold() if letter.isalnum())
