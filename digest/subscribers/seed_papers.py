"""Papers of a reader's own library, completed from the database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from digest.db import Transaction
from digest.models import LikedPaper, Paper
from digest.sources.libraries.bibliography import SeedPapers, UnknownEntry, parse_bibliography

MAX_TITLE_LOOKUPS = 200  # per library


@dataclass(frozen=True, slots=True)
class Library:
    """The papers of a library in its order, and the entries that could not be identified."""

    papers: tuple[LikedPaper, ...] = ()
    unknown: tuple[UnknownEntry | str, ...] = ()  # an entry, or the id of a paper that is not stored

    def __add__(self, other: "Library") -> "Library":
        """Join two libraries, this one first."""
        return Library((*self.papers, *other.papers), (*self.unknown, *other.unknown))


def parse_library(tx: Transaction, text: str) -> Library:
    """Parse ids, links, BibTeX or RIS. A mere id is identified only if the database has the paper."""
    return complete_seeds(tx, parse_bibliography(text))


def complete_seeds(tx: Transaction, seeds: SeedPapers) -> Library:
    """Complete these papers from the database, where those without an id are looked up by title."""
    ids = [*seeds.ids, *(paper.paper_id for paper in seeds.papers if paper.paper_id)]
    stored = tx.papers.get_by_ids(ids)
    lookups = iter(range(MAX_TITLE_LOOKUPS))
    completed = [_complete(tx, paper, stored, lookups) for paper in seeds.papers]
    found = [LikedPaper(stored[id_].title, stored[id_].abstract, id_) for id_ in seeds.ids if id_ in stored]
    missing = tuple(id_ for id_ in seeds.ids if id_ not in stored)
    return Library((*completed, *found), (*seeds.unknown, *missing))


def _complete(
    tx: Transaction, liked: LikedPaper, stored: Mapping[str, Paper], lookups: Iterator[int]
) -> LikedPaper:
    paper = stored.get(liked.paper_id)
    if paper is None and not liked.paper_id and next(lookups, None) is not None:
        paper = _find_by_title(tx, liked.title)
    if paper is None:
        return liked
    return replace(liked, abstract=liked.abstract or paper.abstract, paper_id=liked.paper_id or paper.id)


def _find_by_title(tx: Transaction, title: str) -> Paper | None:
    """Return the paper with this very title; None if none or several have it."""
    same = [
        paper for paper in tx.papers.search(title, limit=3) if _normalize(paper.title) == _normalize(title)
    ]
    return same[0] if len(same) == 1 else None


def _normalize(title: str) -> str:
    return "".join(char for char in title.casefold() if char.isalnum())
