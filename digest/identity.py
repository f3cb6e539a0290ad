"""What makes two announcements one paper? Canonical ids, keys, and which words of two reports stand.

A paper goes by `arxiv:<id>`, else `doi:<doi>`, else `title:<letters>|<surname>|<year>`. `keys_of` names
everything it may be found under. Two arXiv ids are never one work, and a shared title counts only
where a side has no id: that is for the store to heed. `merge` makes one paper of two reports.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TypeVar
from urllib.parse import unquote

from digest.model import Announcement, Paper

SHORTEST_TITLE = 20  # letters and digits; a shorter title alone proves nothing
_NUMBER = r"\d{4}\.\d{4,5}"
_OLD = r"(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.[a-z]{2})?/(?P<serial>\d{7})"
_ARXIV = re.compile(
    r"""^(?:
        https?://(?:[\w-]+\.)*arxiv\.org/(?:abs|pdf|html|format|ps|src|e-print|list|v\d)/
      | https?://(?:www\.)?(?:huggingface\.co|hf\.co)/papers/
      | https?://(?:www\.)?alphaxiv\.org/(?:abs|pdf|overview)/
      | (?:https?://)?(?:dx\.)?(?:doi\.org/)?(?:doi:\s*)?10\.48550/(?:arxiv\.)
      | oai:arxiv\.org: | (?:arxiv:\s*)+
    )?
    (?:(?P<number>"""
    + _NUMBER
    + r""")|"""
    + _OLD
    + r""")
    (?:v(?P<version>\d{1,4}))?(?:\.pdf|\.html)?/?(?:[?\#].*|\s+\[[^\]]*\].*)?$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_QUICK = re.compile(rf"(?:oai:arXiv\.org:|arxiv:)?({_NUMBER})(?:v(\d{{1,4}}))?")  # the usual forms
_SCHEMELESS = re.compile(r"^(?:www\.)?(?:[\w-]+\.)*(?:arxiv\.org|huggingface\.co|hf\.co)/", re.IGNORECASE)
_DOI_PREFIX = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:\s*)+", re.IGNORECASE)
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")
_PREPRINT_URL = re.compile(
    r"^https?://(?:www\.)?(?:bio|med)rxiv\.org/(?:content|cgi/content/short)/(10\.\d{4,9}/[\d.]+\d)",
    re.IGNORECASE,
)
_PREPRINT_VERSION = re.compile(r"^(10\.(?:1101|64898)/[\d.]*\d)v\d+(?:\.full|\.abstract)?(?:\.pdf|-text)?$")
_TEX = re.compile(r"\\[a-zA-Z]+\*?|[\\${}]")
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

# Whose words stand when two reports are of the same version. What is not named here ranks as 1.
_TEXT_RANK = {
    "arxiv-oai": 5,
    "arxiv-api": 4,
    "arxiv": 3,
    "arxiv-listing": 2,
    "huggingface": 0,
    "semanticscholar": -1,
}
_AUTHORS_RANK = {"arxiv-oai": 5, "arxiv-api": 4, "arxiv-listing": 3, "huggingface": 2, "arxiv": 0}
_EXTRAS = (
    "summary", "retold", "pdf_url", "code_url", "project_url", "discussion_url", "organization", "submitter",
)  # fmt: skip
_Moment = TypeVar("_Moment", datetime, date)
_NEWS = tuple(Announcement)  # new before cross before replace


def canonical(text: str) -> str:
    """The one name of a paper, from any form of arXiv id or DOI; ValueError when it is neither."""
    if found := arxiv_id(text):
        return f"arxiv:{found}"
    if found := _doi(text):
        return f"doi:{found}"
    if text.startswith("title:"):
        return text
    raise ValueError(f"{text!r} is neither an arXiv id nor a DOI.")


def arxiv_id(text: str) -> str | None:
    """The arXiv id in a link, DOI, tag or plain id: lower case, without version or subject class."""
    if quick := _QUICK.fullmatch(text):
        return quick[1]
    match = _arxiv(text)
    if match is None:
        return None
    return match["number"] or f"{match['archive'].lower()}/{match['serial']}"


def arxiv_version(text: str) -> int | None:
    """The version an id or link names, or None when it means the latest."""
    if quick := _QUICK.fullmatch(text):
        return int(quick[2]) if quick[2] else None
    match = _arxiv(text)
    return int(match["version"]) if match and match["version"] else None


def keys_of(paper: Paper) -> tuple[str, ...]:
    """Everything this paper may be stored under, its id first, title keys last."""
    names = _names(paper.id, *paper.aliases)
    year = paper.published.year if paper.published else None
    return tuple(dict.fromkeys((*names, *title_keys(paper.title, paper.authors, year))))


def title_key(title: str, authors: Iterable[str], year: int | None) -> str | None:
    """The id of a paper without arXiv id or DOI, or None when its title is too short to tell."""
    letters = _letters(title)
    if len(letters) < SHORTEST_TITLE:
        return None
    return f"title:{letters}|{_surname(authors)}|{year or ''}"


def title_keys(title: str, authors: Iterable[str], year: int | None) -> tuple[str, ...]:
    """Two keys: works of one year share both, of neighbouring years one, of others none."""
    key = title_key(title, authors, None)
    if key is None or year is None:
        return () if key is None else (key,)
    return tuple(f"{key}{first}-{first + 1}" for first in (year - 1, year))


def merge(stored: Paper, seen: Paper) -> Paper:
    """One paper of two reports: the newer version's words, all names, the earliest dates.

    Pure, idempotent, and the same whichever report came first.
    """
    first, second = sorted((stored, seen), key=_text_order, reverse=True)
    authored = max((stored, seen), key=_authors_order)
    identity = min(stored.id, seen.id, key=_name_order)
    source = min((stored, seen), key=_seeing_order).source
    return replace(
        first,
        id=identity,
        aliases=tuple(sorted({*_names(stored.id, *stored.aliases, seen.id, *seen.aliases)} - {identity})),
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


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Whether the paper says of itself that it was withdrawn; papers about withdrawing are not meant."""
    # Asked of every paper: quick when there is nothing to look into.
    if not ("ithdrawn" in abstract or "etracted" in abstract or "ithdrawn" in title or "ithdrawn" in comment):
        return False
    if re.search(r"\bwithdrawn\b", comment, re.IGNORECASE) and not _STILL_STANDS.search(comment):
        return True
    if re.match(r"\W*withdrawn\b", title, re.IGNORECASE):
        return True
    return bool(_WITHDRAWN_FIRST.search(abstract) or _WITHDRAWN_ANYWHERE.search(abstract))


def _arxiv(text: str) -> re.Match[str] | None:
    text = text.strip()
    if "%" in text:
        text = unquote(text)
    if _SCHEMELESS.match(text):
        text = f"https://{text}"
    return _ARXIV.match(text)


def _doi(text: str) -> str | None:
    """A DOI is decoded and stripped until nothing changes, so that doing it again changes nothing."""
    text = text.strip()
    while True:
        plain = _doi_once(text)
        if plain == text:
            break
        text = plain
    return text if _DOI.match(text) else None


def _doi_once(text: str) -> str:
    if preprint := _PREPRINT_URL.match(text):
        text = preprint[1]
    text = unquote(_DOI_PREFIX.sub("", text)).strip().lower()
    text = text.rstrip(".,;:'\"`>")
    while text.endswith((")", "]", "}")) and text.count(text[-1]) > text.count(_OPENING[text[-1]]):
        text = text[:-1]
    return _PREPRINT_VERSION.sub(r"\1", text)


_OPENING = {")": "(", "]": "[", "}": "{"}


def _names(*given: str) -> tuple[str, ...]:
    """Ids and aliases in their canonical form, the most telling first; nothing is dropped."""
    return tuple(sorted({_or_itself(name) for name in given if name}, key=_name_order))


@lru_cache(maxsize=65536)
def _or_itself(name: str) -> str:
    try:
        return canonical(name)
    except ValueError:
        return name


def _name_order(name: str) -> tuple[int, str]:
    kind = name.partition(":")[0]
    return ({"arxiv": 0, "doi": 1}.get(kind, 2), name)


def _letters(title: str) -> str:
    plain = unicodedata.normalize("NFKC", _TEX.sub("", title)).casefold()
    return "".join(char for char in plain if char.isalnum())


def _surname(authors: Iterable[str]) -> str:
    name = next(iter(authors), "")
    last = name.split(",")[0] if "," in name else name.rpartition(" ")[2]
    return _letters(last)


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


def _url_order(url: str) -> tuple[bool, int, str]:
    return ("arxiv.org/" in url, len(url), url)


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The primary category stays first, whoever else lists the paper."""
    primary = (first or second)[:1]
    return (*primary, *sorted({*first, *second} - {*primary}))


def _earliest(one: _Moment | None, other: _Moment | None) -> _Moment | None:
    return min(one, other) if one and other else one or other


def _fuller(one: str, other: str) -> str:
    return max(one, other, key=lambda text: (len(text), text))
