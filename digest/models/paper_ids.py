"""Canonical paper ids, and the keys under which two announcements are recognised as one paper.

The id is `arxiv:<id>`, else `doi:<doi>`, else `title:<letters>|<surname>|<year>`. Two arXiv ids are never
one work, and an equal title counts only if one side has no id: callers that merge papers must check that.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from digest.models import Paper

MAX_ID_CHARS = 2_000  # no id or link to a paper is longer, and matching a longer text might take long
MIN_TITLE_LETTERS = 20  # letters and digits; a shorter title does not identify a paper
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
_PLAIN_ID = re.compile(rf"(?:oai:arXiv\.org:|arxiv:)?({_NUMBER})(?:v(\d{{1,4}}))?")  # usual forms
_SCHEMELESS = re.compile(r"^(?:www\.)?(?:[\w-]+\.)*(?:arxiv\.org|huggingface\.co|hf\.co)/", re.IGNORECASE)
_DOI_PREFIX = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi:\s*)+", re.IGNORECASE)
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")
_PREPRINT_URL = re.compile(
    r"^https?://(?:www\.)?(?:bio|med)rxiv\.org/(?:content|cgi/content/short)/(10\.\d{4,9}/[\d.]+\d)",
    re.IGNORECASE,
)
_PREPRINT_VERSION = re.compile(r"^(10\.(?:1101|64898)/[\d.]*\d)v\d+(?:\.full|\.abstract)?(?:\.pdf|-text)?$")
_OPENING = {")": "(", "]": "[", "}": "{"}
_TEX = re.compile(r"\\[a-zA-Z]+\*?|[\\${}]")


def canonicalize(text: str) -> str:
    """Return the canonical id for any form of arXiv id or DOI; title ids are returned unchanged. Idempotent.

    Raises:
        ValueError: *text* is none of these.
    """
    if arxiv_id := parse_arxiv_id(text):
        return f"arxiv:{arxiv_id}"
    if doi := _parse_doi(text):
        return f"doi:{doi}"
    if text.startswith("title:"):
        return text
    raise ValueError(f"{text[:MAX_ID_CHARS]!r} is neither an arXiv id nor a DOI.")


def parse_arxiv_id(text: str) -> str | None:
    """Return the arXiv id in a link, DOI, tag or id: in lower case, without version or subject class."""
    if plain := _PLAIN_ID.fullmatch(text):
        return plain[1]
    match = _match_arxiv(text)
    if match is None:
        return None
    return match["number"] or f"{match['archive'].lower()}/{match['serial']}"


def parse_arxiv_version(text: str) -> int | None:
    """Return the version in an id or link, None if it has none and so means the latest."""
    if plain := _PLAIN_ID.fullmatch(text):
        return int(plain[2]) if plain[2] else None
    match = _match_arxiv(text)
    return int(match["version"]) if match and match["version"] else None


def build_keys(paper: Paper) -> tuple[str, ...]:
    """Return all keys this paper may be stored under, ids first, title keys last."""
    names = sort_names(paper.id, *paper.aliases)
    year = paper.published.year if paper.published else None
    return tuple(dict.fromkeys((*names, *build_title_keys(paper.title, paper.authors, year))))


def build_title_key(title: str, authors: Iterable[str], year: int | None) -> str | None:
    """Return the id of a paper without arXiv id or DOI, None if the title is too short to identify it."""
    letters = _normalize_letters(title)
    if len(letters) < MIN_TITLE_LETTERS:
        return None
    return f"title:{letters}|{_get_surname(authors)}|{year or ''}"


def build_title_keys(title: str, authors: Iterable[str], year: int | None) -> tuple[str, ...]:
    """Return two keys: works of one year share both, of neighbouring years one, of other years none."""
    key = build_title_key(title, authors, None)
    if key is None or year is None:
        return () if key is None else (key,)
    return tuple(f"{key}{first}-{first + 1}" for first in (year - 1, year))


def sort_names(*names: str) -> tuple[str, ...]:
    """Return ids and aliases in canonical form, without duplicates, ordered by `name_sort_key`."""
    return tuple(sorted({_canonicalize_or_keep(name) for name in names if name}, key=name_sort_key))


def name_sort_key(name: str) -> tuple[int, str]:
    """Sort key: arXiv ids, then DOIs, then the rest."""
    kind = name.partition(":")[0]
    return ({"arxiv": 0, "doi": 1}.get(kind, 2), name)


def _match_arxiv(text: str) -> re.Match[str] | None:
    if len(text) > MAX_ID_CHARS:
        return None
    text = text.strip()
    if "%" in text:
        text = unquote(text)
    if _SCHEMELESS.match(text):
        text = f"https://{text}"
    return _ARXIV.match(text)


def _parse_doi(text: str) -> str | None:
    """Decode and strip a DOI until nothing changes, so that the result is idempotent."""
    if len(text) > MAX_ID_CHARS:
        return None
    text = text.strip()
    while True:
        plain = _strip_doi(text)
        if plain == text:
            break
        text = plain
    return text if _DOI.match(text) else None


def _strip_doi(text: str) -> str:
    if preprint := _PREPRINT_URL.match(text):
        text = preprint[1]
    text = unquote(_DOI_PREFIX.sub("", text)).strip().lower()
    text = text.rstrip(".,;:'\"`>")
    while text.endswith((")", "]", "}")) and text.count(text[-1]) > text.count(_OPENING[text[-1]]):
        text = text[:-1]
    return _PREPRINT_VERSION.sub(r"\1", text)


@lru_cache(maxsize=65536)
def _canonicalize_or_keep(name: str) -> str:
    try:
        return canonicalize(name)
    except ValueError:
        return name


def _normalize_letters(title: str) -> str:
    plain = unicodedata.normalize("NFKC", _TEX.sub("", title)).casefold()
    return "".join(char for char in plain if char.isalnum())


def _get_surname(authors: Iterable[str]) -> str:
    name = next(iter(authors), "")
    last = name.split(",")[0] if "," in name else name.rpartition(" ")[2]
    return _normalize_letters(last)
