"""Two reports of one paper: whose words stand?"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

from digest.models import Announcement, Paper
from digest.models.paper_ids import name_order, names_in_order

# Whose words stand when two reports are of the same version. What is not named here ranks as 1.
_TEXT_RANK = {
    "arxiv-oai": 5,
    "arxiv-api": 4,
    "arxiv": 3,
    "arxiv-listing": 2,
    "huggingface": 0,
    "semanticscholar": -1,
    "feeds": -1,  # a blog's words about a paper are not the paper's
}
_AUTHORS_RANK = {"arxiv-oai": 5, "arxiv-api": 4, "arxiv-listing": 3, "huggingface": 2, "arxiv": 0}
_EXTRAS = (
    "summary", "retold", "pdf_url", "code_url", "project_url", "discussion_url", "organization", "submitter",
)  # fmt: skip
_ABSTRACT = re.compile(r"https?://arxiv\.org/abs/(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})")
_Moment = TypeVar("_Moment", datetime, date)
_NEWS = tuple(Announcement)  # new before cross before replace


def merge(stored: Paper, seen: Paper) -> Paper:
    """One paper of two reports: the newer version's words, all names, the earliest dates.

    Pure, idempotent, and the same whichever report came first.
    """
    first, second = sorted((stored, seen), key=_text_order, reverse=True)
    authored = max((stored, seen), key=_authors_order)
    identity = min(stored.id, seen.id, key=name_order)
    source = min((stored, seen), key=_seeing_order).source
    return replace(
        first,
        id=identity,
        aliases=tuple(
            sorted({*names_in_order(stored.id, *stored.aliases, seen.id, *seen.aliases)} - {identity})
        ),
        source=source,
        text_from=_unless(source, _told_by(first)),
        authors=authored.authors,
        authors_from=_unless(source, _authors_by(authored)),
        url=max(stored.url, seen.url, key=_url_order),
        categories=_union(first.categories, second.categories),
        version=max(stored.version, seen.version),
        published=_earliest(stored.published, seen.published),
        listed=_earliest(stored.listed, seen.listed),
        first_seen=_earliest(stored.first_seen, seen.first_seen),
        announcement=min(stored.announcement, seen.announcement, key=_NEWS.index),
        withdrawn=stored.withdrawn or seen.withdrawn,
        keywords=max(stored.keywords, seen.keywords, key=lambda words: (len(words), words)),
        **{name: _fuller(getattr(stored, name), getattr(seen, name)) for name in _EXTRAS},
    )


def _told_by(paper: Paper) -> str:
    return paper.text_from or paper.source


def _authors_by(paper: Paper) -> str:
    return paper.authors_from or paper.source


def _unless(source: str, teller: str) -> str:
    return "" if teller == source else teller


def _text_order(paper: Paper) -> tuple[int, int, int, str, str, str]:
    rank = _TEXT_RANK.get(_told_by(paper), 1)
    return (paper.version, rank, len(paper.abstract), paper.title, paper.abstract, _told_by(paper))


def _authors_order(paper: Paper) -> tuple[bool, int, int, tuple[str, ...]]:
    rank = _AUTHORS_RANK.get(_authors_by(paper), 1)
    return (bool(paper.authors), rank, len(paper.authors), paper.authors)


def _seeing_order(paper: Paper) -> tuple[datetime, str]:
    return (paper.first_seen or datetime.max.replace(tzinfo=UTC), paper.source)


def _url_order(url: str) -> tuple[bool, bool, int, str]:
    """The abstract page of the newest version before the PDF of some version that a blog linked."""
    return (bool(_ABSTRACT.fullmatch(url)), "arxiv.org/" in url, len(url), url)


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The primary category stays first, whoever else lists the paper."""
    primary = (first or second)[:1]
    return (*primary, *sorted({*first, *second} - {*primary}))


def _earliest(one: _Moment | None, other: _Moment | None) -> _Moment | None:
    return min(one, other) if one and other else one or other


def _fuller(one: str, other: str) -> str:
    return max(one, other, key=lambda text: (len(text), text))


_WITHDRAWN_ANYWHERE = re.compile(
    r"\bthis\s+(?:paper|article|submission|manuscript|preprint|work|note|version)\s+"
    r"(?:has\s+been|have\s+been|had\s+to\s+be|is|was)\s+(?:\w+\s+)?(?:withdrawn|retracted)\b"
    r"|\b(?:withdrawn|retracted)\s+by\s+(?:the\s+)?(?:authors?|arxiv|submitter)\b",
    re.IGNORECASE,
)
_WITHDRAWN_FIRST = re.compile(
    r"^\W*(?:(?:this|the|our)\s+)?(?:paper|article|submission|manuscript|preprint|work|note|version)?\s*"
    r"(?:(?:has\s+been|had\s+to\s+be|is|was)\s+(?:\w+\s+)?)?(?:withdrawn|retracted)\b",
    re.IGNORECASE,
)
_STILL_STANDS = re.compile(r"\b(?:replac|supersed|correct)\w*\s+(?:\w+\s+){0,3}withdrawn", re.IGNORECASE)


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Whether a paper says so in its title, abstract or comment; papers about withdrawing are not meant."""
    said = (
        f"{title} {abstract} {comment}".lower()
    )  # asked of every paper: quick when there is nothing to find
    if "withdrawn" not in said and "retracted" not in said:
        return False
    if re.search(r"\bwithdrawn\b", comment, re.IGNORECASE) and not _STILL_STANDS.search(comment):
        return True
    if re.match(r"\W*withdrawn\b", title, re.IGNORECASE):
        return True
    return bool(_WITHDRAWN_FIRST.search(abstract) or _WITHDRAWN_ANYWHERE.search(abstract))
