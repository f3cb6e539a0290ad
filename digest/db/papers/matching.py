"""Matching of a batch of announced papers with the stored ones by their keys, in memory.

A *work* is one paper as several sources announce it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from digest.models import Paper
from digest.models.paper_ids import (
    build_keys,
    has_identifier,
    is_contradicted,
    share_dated_title,
)
from digest.models.paper_merge import merge_papers

_ARXIV = "arxiv:"


@dataclass(slots=True, eq=False)
class Work:
    """One work while a batch is added: its stored paper, and the paper as merged so far."""

    paper: Paper
    keys: set[str]
    number: int | None = None  # None until it is written
    stored: Paper | None = None
    stored_keys: frozenset[str] = frozenset()
    absorbed: list[int] = field(default_factory=list)  # numbers of stored works merged into this one

    @property
    def has_changed(self) -> bool:
        """Whether anything has to be written."""
        return self.paper != self.stored or bool(self.absorbed)


class PaperMatcher:
    """The works that the papers of a batch may belong to, indexed by all their keys."""

    def __init__(self, stored: Iterable[tuple[int, Paper, frozenset[str]]] = ()) -> None:
        self._by_key: dict[str, list[Work]] = {}
        self._works: dict[int, Work] = {}
        for number, paper, keys in stored:
            self._insert(Work(paper, {*keys}, number, paper, keys))

    def add(self, paper: Paper, keys: tuple[str, ...], seen_at: datetime) -> Work:
        """Merge a paper into the work it belongs to, or add it as a new work; return that work."""
        seen = replace(paper, first_seen=seen_at)
        works = self._find_works({*keys})
        if not works:
            return self._insert(Work(seen, {*keys}))
        work = works[0]
        for other in works[1:]:
            if not _are_two_arxiv_papers(work.keys, other.keys):
                self._absorb(work, other)
        before, work.paper = work.paper, merge_papers(work.paper, seen)
        if work.paper.first_seen != before.first_seen:
            # Never changes, not even when an earlier observation arrives late.
            work.paper = replace(work.paper, first_seen=before.first_seen)
        is_title_known = _get_title_fields(work.paper) in (_get_title_fields(before), _get_title_fields(seen))
        self._add_keys(work, {*keys} if is_title_known else {*keys, *build_keys(work.paper)})
        return work

    def iter_works(self) -> Iterator[Work]:
        """Return all works, stored ones first, then in the order they were added."""
        return iter(self._works.values())

    def _find_works(self, keys: set[str]) -> list[Work]:
        """Return the works with these keys, the most certain first.

        A shared identifier (arXiv id, DOI, PubMed or OpenReview id) is certain. A title counts where one side
        has no identifier, or where the identifiers are of different kinds and the year agrees, as of a
        preprint and its journal version. Of several identified works with the same title only the first
        counts: a title must not merge them.
        """
        sharing = {id(work): work for key in keys for work in self._by_key.get(key, ())}.values()
        works = [work for work in sharing if not _are_two_arxiv_papers(work.keys, keys)]
        certain = [work for work in works if has_identifier(work.keys & keys)]
        by_title = sorted((work for work in works if work not in certain), key=_sort_key)
        identified = [work for work in by_title if has_identifier(work.keys)]
        unidentified = [work for work in by_title if not has_identifier(work.keys)]
        if has_identifier(keys):
            known = keys.union(*(work.keys for work in certain))
            identified = [work for work in identified if _is_other_version(known, work.keys)]
        return [*sorted(certain, key=_sort_key), *identified[:1], *unidentified]

    def _insert(self, work: Work) -> Work:
        self._works[id(work)] = work
        for key in work.keys:
            self._by_key.setdefault(key, []).append(work)
        return work

    def _add_keys(self, work: Work, keys: set[str]) -> None:
        for key in keys - work.keys:
            self._by_key.setdefault(key, []).append(work)
        work.keys |= keys

    def _absorb(self, work: Work, other: Work) -> None:
        work.paper = merge_papers(work.paper, other.paper)
        work.absorbed += [*other.absorbed, *([other.number] if other.number is not None else [])]
        if work.number is None and work.absorbed:
            work.number, work.stored, work.stored_keys = work.absorbed.pop(), other.stored, other.stored_keys
        del self._works[id(other)]
        for key in other.keys:
            self._by_key[key].remove(other)
        self._add_keys(work, other.keys)


def _get_title_fields(paper: Paper) -> tuple[object, ...]:
    """Return what title keys are made from; all other keys of a merged paper are those of its parts."""
    return paper.title, paper.authors, paper.published


def _sort_key(work: Work) -> tuple[bool, str]:
    return (not work.paper.id.startswith(_ARXIV), work.paper.id)


def _is_other_version(ours: set[str], theirs: set[str]) -> bool:
    """Return whether both sides, which share no identifier, are nevertheless one work by title and year."""
    return share_dated_title(ours, theirs) and not is_contradicted(ours, theirs)


def _are_two_arxiv_papers(ours: set[str], theirs: set[str]) -> bool:
    one = {key for key in ours if key.startswith(_ARXIV)}
    other = {key for key in theirs if key.startswith(_ARXIV)}
    return bool(one and other) and not one & other
