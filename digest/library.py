"""Which papers does a reader's own library mean? What it names, filled in from what the store holds."""

from dataclasses import dataclass, replace

from digest.model import Liking
from digest.seeds import read
from digest.store import Transaction


@dataclass(frozen=True, slots=True)
class Library:
    """The papers understood, in the library's order, and word for word what nobody could make sense of."""

    likings: tuple[Liking, ...] = ()
    unknown: tuple[str, ...] = ()


def understood(tx: Transaction, text: str) -> Library:
    """Read ids, links, BibTeX or RIS. An id alone is understood only if the store holds the paper."""
    seeds = read(text)
    held = tx.papers.by_ids([*seeds.ids, *(liking.paper_id for liking in seeds.likings if liking.paper_id)])
    told = [
        replace(liking, abstract=liking.abstract or held[liking.paper_id].abstract)
        if liking.paper_id in held
        else liking
        for liking in seeds.likings
    ]
    known = [Liking(held[name].title, held[name].abstract, name) for name in seeds.ids if name in held]
    missing = tuple(name for name in seeds.ids if name not in held)
    return Library((*told, *known), (*seeds.unknown, *missing))
