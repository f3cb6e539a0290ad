"""What makes two announcements one paper? Its canonical ids, and every key it may be found under.

A paper goes by `arxiv:<id>`, else `doi:<doi>`, else `title:<letters>|<surname>|<year>`. Two arXiv ids are
never one work, and a shared title counts only where a side has no id: that is for the store to heed.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

from digest.models import Paper

LONGEST = 2_000  # characters; no id or link to a paper is longer, and reading one might take long
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


def canonical(text: str) -> str:
    """The one name of a paper, from any form of arXiv id or DOI; ValueError when it is neither."""
    if found := arxiv_id(text):
        return f"arxiv:{found}"
    if found := _doi(text):
        return f"doi:{found}"
    if text.startswith("title:"):
        return text
    raise ValueError(f"{text[:LONGEST]!r} is neither an arXiv id nor a DOI.")


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
    names = names_in_order(paper.id, *paper.aliases)
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


def names_in_order(*given: str) -> tuple[str, ...]:
    """Ids and aliases in their canonical form, the most telling first; nothing is dropped but empty ones."""
    return tuple(sorted({_or_itself(name) for name in given if name}, key=name_order))


def name_order(name: str) -> tuple[int, str]:
    """The most telling names first: arXiv ids, then DOIs, then the rest."""
    kind = name.partition(":")[0]
    return ({"arxiv": 0, "doi": 1}.get(kind, 2), name)


def _arxiv(text: str) -> re.Match[str] | None:
    if len(text) > LONGEST:
        return None
    text = text.strip()
    if "%" in text:
        text = unquote(text)
    if _SCHEMELESS.match(text):
        text = f"https://{text}"
    return _ARXIV.match(text)


def _doi(text: str) -> str | None:
    """A DOI is decoded and stripped until nothing changes, so that doing it again changes nothing."""
    if len(text) > LONGEST:
        return None
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


@lru_cache(maxsize=65536)
def _or_itself(name: str) -> str:
    try:
        return canonical(name)
    except ValueError:
        return name


def _letters(title: str) -> str:
    plain = unicodedata.normalize("NFKC", _TEX.sub("", title)).casefold()
    return "".join(char for char in plain if char.isalnum())


def _surname(authors: Iterable[str]) -> str:
    name = next(iter(authors), "")
    last = name.split(",")[0] if "," in name else name.rpartition(" ")[2]
    return _letters(last)
