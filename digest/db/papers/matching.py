"""Which announced papers are works we have? Worked out in memory for a batch, before anything is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from digest.models import Paper
from digest.models.paper_ids import keys_of
from digest.models.paper_merge import merge

_ARXIV = "arxiv:"
_NUMBERS = (_ARXIV, "doi:")


@dataclass(slots=True, eq=False)
class Work:
    """One work while a batch is taken in: what is stored of it, and what it is by now."""

    paper: Paper
    keys: set[str]
    number: int | None = None  # None until it is written
    stored: Paper | None = None
    stored_keys: frozenset[str] = frozenset()
    absorbed: list[int] = field(default_factory=list)  # stored works that turned out to be this one

    @property
    def has_changed(self) -> bool:
        """Whether there is anything to write of it."""
        return self.paper != self.stored or bool(self.absorbed)


class PaperMatcher:
    """The works a batch may belong to, met by any of their keys."""

    def __init__(self, stored: Iterable[tuple[int, Paper, frozenset[str]]] = ()) -> None:
        self._works: dict[str, list[Work]] = {}
        self._all: dict[int, Work] = {}
        for number, paper, keys in stored:
            self._stand(Work(paper, {*keys}, number, paper, keys))

    def take(self, paper: Paper, keys: tuple[str, ...], seen_at: datetime) -> Work:
        """Add a paper: to the work it is one with, or as a work of its own."""
        seen = replace(paper, first_seen=seen_at)
        ours = self._matching({*keys})
        if not ours:
            return self._stand(Work(seen, {*keys}))
        work = ours[0]
        for other in ours[1:]:
            if not _are_two_arxiv_papers(work.keys, other.keys):
                self._absorb(work, other)
        before, work.paper = work.paper, merge(work.paper, seen)
        if work.paper.first_seen != before.first_seen:
            # Ours for ever: an earlier reading that comes late changes nothing.
            work.paper = replace(work.paper, first_seen=before.first_seen)
        is_as_known = _titled(work.paper) in (_titled(before), _titled(seen))
        self._learn(work, {*keys} if is_as_known else {*keys, *keys_of(work.paper)})
        return work

    def works(self) -> Iterator[Work]:
        """Every work on the shelf, stored ones first, then in the order they came."""
        return iter(self._all.values())

    def _matching(self, keys: set[str]) -> list[Work]:
        """The works these keys mean, the most telling first.

        A number (arXiv id, DOI) says it for certain. A title says it only where a side has no number, and
        of several numbered works with that title only the first: it must not make one of them.
        """
        sharing = {id(work): work for key in keys for work in self._works.get(key, ())}.values()
        works = [work for work in sharing if not _are_two_arxiv_papers(work.keys, keys)]
        certain = [work for work in works if _shares_number(work.keys, keys)]
        by_title = sorted((work for work in works if work not in certain), key=_telling)
        numbered = [work for work in by_title if _has_number(work.keys)]
        unnumbered = [work for work in by_title if not _has_number(work.keys)]
        return [*sorted(certain, key=_telling), *([] if _has_number(keys) else numbered[:1]), *unnumbered]

    def _stand(self, work: Work) -> Work:
        self._all[id(work)] = work
        for key in work.keys:
            self._works.setdefault(key, []).append(work)
        return work

    def _learn(self, work: Work, keys: set[str]) -> None:
        for key in keys - work.keys:
            self._works.setdefault(key, []).append(work)
        work.keys |= keys

    def _absorb(self, work: Work, other: Work) -> None:
        work.paper = merge(work.paper, other.paper)
        work.absorbed += [*other.absorbed, *([other.number] if other.number is not None else [])]
        if work.number is None and work.absorbed:
            work.number, work.stored, work.stored_keys = work.absorbed.pop(), other.stored, other.stored_keys
        del self._all[id(other)]
        for key in other.keys:
            self._works[key].remove(other)
        self._learn(work, other.keys)


def _titled(paper: Paper) -> tuple[object, ...]:
    """What title keys are made of; the other keys of a merged paper are those of its parts."""
    return paper.title, paper.authors, paper.published


def _telling(work: Work) -> tuple[bool, str]:
    return (not work.paper.id.startswith(_ARXIV), work.paper.id)


def _shares_number(ours: set[str], theirs: set[str]) -> bool:
    return any(key.startswith(_NUMBERS) for key in ours & theirs)


def _are_two_arxiv_papers(ours: set[str], theirs: set[str]) -> bool:
    one = {key for key in ours if key.startswith(_ARXIV)}
    other = {key for key in theirs if key.startswith(_ARXIV)}
    return bool(one and other) and not one & other


def _has_number(keys: set[str]) -> bool:
    return any(key.startswith(_NUMBERS) for key in keys)
