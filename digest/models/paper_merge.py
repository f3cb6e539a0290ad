"""Merging of two reports of one paper."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

from digest.models import Announcement, Paper
from digest.models.paper_ids import name_sort_key, sort_names

# Which source's title and abstract, and which author names, win between reports of the same version.
# Sources not listed rank as 1.
_TEXT_RANK = {
    "arxiv-oai": 5,
    "arxiv-api": 4,
    "arxiv": 3,
    "arxiv-listing": 2,
    "crossref": 0,
    "huggingface": 0,
    "openalex": -1,  # put together from an index of words
    "semanticscholar": -1,
    "feeds": -1,  # a blog's words about a paper are not its abstract
}
_AUTHORS_RANK = {"arxiv-oai": 5, "arxiv-api": 4, "arxiv-listing": 3, "huggingface": 2, "arxiv": 0}
_EXTRAS = (
    "summary", "retold", "pdf_url", "code_url", "project_url", "discussion_url", "organization", "submitter",
)  # fmt: skip
_ABSTRACT_PAGE = re.compile(r"https?://arxiv\.org/abs/(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})")
_Moment = TypeVar("_Moment", datetime, date)
_ANNOUNCEMENT_ORDER = tuple(Announcement)  # new before cross before replace


def merge_papers(stored: Paper, seen: Paper) -> Paper:
    """Return one paper from two reports: the text of the newer version, all ids, the earliest dates.

    Idempotent, commutative and associative: the order in which reports arrive does not matter.
    """
    first, second = sorted((stored, seen), key=_text_order, reverse=True)
    authored = max((stored, seen), key=_authors_order)
    identity = min(stored.id, seen.id, key=name_sort_key)
    source = min((stored, seen), key=_source_order).source
    return replace(
        first,
        id=identity,
        aliases=tuple(sorted({*sort_names(stored.id, *stored.aliases, seen.id, *seen.aliases)} - {identity})),
        source=source,
        text_from=_omit_default(source, first.text_from or first.source),
        authors=authored.authors,
        authors_from=_omit_default(source, authored.authors_from or authored.source),
        url=max(stored.url, seen.url, key=_url_order),
        categories=_merge_categories(first.categories, second.categories),
        version=max(stored.version, seen.version),
        published=_get_earliest(stored.published, seen.published),
        listed=_get_earliest(stored.listed, seen.listed),
        first_seen=_get_earliest(stored.first_seen, seen.first_seen),
        announcement=min(stored.announcement, seen.announcement, key=_ANNOUNCEMENT_ORDER.index),
        withdrawn=stored.withdrawn or seen.withdrawn,
        keywords=max(stored.keywords, seen.keywords, key=_length_order),
        **{name: max(getattr(stored, name), getattr(seen, name), key=_length_order) for name in _EXTRAS},
    )


def _omit_default(default: str, source: str) -> str:
    return "" if source == default else source


def _text_order(paper: Paper) -> tuple[int, int, int, str, str, str]:
    source = paper.text_from or paper.source
    rank = _TEXT_RANK.get(source, 1)
    return (paper.version, rank, len(paper.abstract), paper.title, paper.abstract, source)


def _authors_order(paper: Paper) -> tuple[bool, int, int, tuple[str, ...], str]:
    source = paper.authors_from or paper.source
    rank = _AUTHORS_RANK.get(source, 1)
    return (bool(paper.authors), rank, len(paper.authors), paper.authors, source)


def _source_order(paper: Paper) -> tuple[datetime, str]:
    return (paper.first_seen or datetime.max.replace(tzinfo=UTC), paper.source)


def _url_order(url: str) -> tuple[bool, bool, int, str]:
    """Prefer the abstract page of the newest version to the PDF of some version that a blog linked."""
    return (bool(_ABSTRACT_PAGE.fullmatch(url)), "arxiv.org/" in url, len(url), url)


def _merge_categories(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Return all categories, the primary one of the newer report first."""
    primary = (first or second)[:1]
    return (*primary, *sorted({*first, *second} - {*primary}))


def _get_earliest(one: _Moment | None, other: _Moment | None) -> _Moment | None:
    return min(one, other) if one and other else one or other


def _length_order(value: Sequence[str]) -> tuple[int, Sequence[str]]:
    return (len(value), value)
