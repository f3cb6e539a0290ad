"""What has a reader collected or written? Their Zotero library, ORCID record, Semantic Scholar page.

Asked once, when somebody says so; keys are used for that one visit, and neither kept nor logged.
"""

import json
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from anyio import to_thread

from digest.models import LikedPaper
from digest.models.errors import InvalidChange, SourceChanged
from digest.models.paper_ids import canonical
from digest.sources.http.client import Client
from digest.sources.http.response import Wants
from digest.sources.libraries.bibliography import MOST, Seeds
from digest.sources.text import normalize

ZOTERO_PAGE, AUTHOR_PAGE = 100, 500  # items of one answer, the most they give
NEWEST_FIRST = {"sort": "dateAdded", "direction": "desc"}
NOT_PAPERS = frozenset({"attachment", "note", "annotation"})
_ZOTERO = re.compile(r"(?:https?://www\.zotero\.org/)?(?:(users|groups)/)?(\d{1,12})(?:/\S*)?", re.ASCII)
_ZOTERO_KEY = re.compile(r"[!-~]{1,64}")  # what a header can hold
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])/?", re.IGNORECASE | re.ASCII)
_AUTHOR = re.compile(r"(?:https?://www\.semanticscholar\.org/author/(?:[^/\s]+/)?)?(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryAccounts:
    """Whose libraries are asked for; empty for none."""

    zotero: str = ""  # a user's number, or groups/NUMBER
    zotero_key: str = field(default="", repr=False)  # a public library needs none
    orcid: str = ""
    author: str = ""  # on Semantic Scholar

    def apart(self) -> dict[str, "LibraryAccounts"]:
        """Each library that is named, alone, under its field's name."""
        none = replace(self, zotero="", orcid="", author="")
        named = {name: getattr(self, name) for name in ("zotero", "orcid", "author")}
        return {name: replace(none, **{name: given}) for name, given in named.items() if given}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the services are."""

    zotero: str = "https://api.zotero.org"
    orcid: str = "https://pub.orcid.org"
    semanticscholar: str = "https://api.semanticscholar.org"
    semanticscholar_key: str = field(default="", repr=False)


async def gathered(client: Client, places: Places, shelves: LibraryAccounts, *, most: int = MOST) -> Seeds:
    """The papers on these shelves, each once; of a longer Zotero library about so many, the newest.

    InvalidChange when a name makes no sense, SourceError when a service does not answer.
    """
    found: list[LikedPaper] = []
    if shelves.zotero:
        found += [each async for each in _zotero(client, places, shelves, most)]
    if shelves.orcid:
        found += await _orcid(client, places, shelves.orcid)
    if shelves.author:
        found += [each async for each in _author(client, places, shelves.author)]
    titled, named = (each for each in found if each.title), (each for each in found if not each.title)
    return together([Seeds(tuple(titled), tuple(each.paper_id for each in named if each.paper_id))])


def together(shelves: Sequence[Seeds]) -> Seeds:
    """The papers of all these shelves, each once, taken from each in turn so that none crowds out another."""
    turns = zip_longest(*(seeds.likings for seeds in shelves))
    likings: dict[str, LikedPaper] = {}
    for each in filter(None, chain.from_iterable(turns)):
        likings.setdefault(each.paper_id or each.title.casefold(), each)
    ids = dict.fromkeys(each for seeds in shelves for each in seeds.ids if each not in likings)
    return Seeds(tuple(likings.values())[:MOST], tuple(ids)[:MOST])


async def _zotero(
    client: Client, places: Places, shelves: LibraryAccounts, most: int
) -> AsyncIterator[LikedPaper]:
    kind, number = _named(_ZOTERO, shelves.zotero, "a Zotero user id: digits, or groups/ and digits").groups()
    headers = {"Zotero-API-Version": "3"}
    if shelves.zotero_key:
        headers["Zotero-API-Key"] = _named(_ZOTERO_KEY, shelves.zotero_key, "a Zotero key")[0]
    for start in range(0, most, ZOTERO_PAGE):
        answer = await client.get(
            f"{places.zotero}/{kind or 'users'}/{number}/items/top",
            family="zotero",
            wants=Wants.JSON,
            params={"format": "json", "limit": ZOTERO_PAGE, "start": start, **NEWEST_FIRST},
            headers=headers,
        )
        items, likings = await to_thread.run_sync(partial(_read_zotero, answer.body))
        for liking in likings:
            yield liking
        if items < ZOTERO_PAGE:
            return


def _read_zotero(body: bytes) -> tuple[int, list[LikedPaper]]:
    items = _list(_json(body), "Zotero")
    return len(items), list(zotero_likings(items))


def zotero_likings(items: Iterable[Any]) -> Iterator[LikedPaper]:
    """The papers among the items of a Zotero library."""
    for item in items:
        told = item.get("data") if isinstance(item, dict) else None
        if isinstance(told, dict) and told.get("itemType") not in NOT_PAPERS:
            named = _first_id(told.get(name) for name in ("archiveID", "DOI", "url", "extra"))
            yield _liking(told.get("title"), told.get("abstractNote"), named)


async def _orcid(client: Client, places: Places, orcid: str) -> list[LikedPaper]:
    [number] = _named(_ORCID, orcid, "an ORCID iD like 0000-0002-1825-0097").groups()
    answer = await client.get(f"{places.orcid}/v3.0/{number.upper()}/works", family="orcid", wants=Wants.JSON)
    return await to_thread.run_sync(partial(_read_orcid, answer.body))


def _read_orcid(body: bytes) -> list[LikedPaper]:
    told = _json(body)
    if not isinstance(told, dict):
        raise SourceChanged("ORCID's answer is not a record")
    return list(orcid_likings(sorted(_list(told.get("group"), "ORCID"), key=_appeared, reverse=True)))


def _appeared(group: Any) -> str:
    """The year of a work of an ORCID record; empty where none is told."""
    told = _each(group, "work-summary")
    years = (_inside(each, "publication-date", "year", "value") for each in told)
    return max((year for year in years if isinstance(year, str)), default="")


def orcid_likings(groups: Iterable[Any]) -> Iterator[LikedPaper]:
    """The works of an ORCID record: a group holds one work, told by one or several sources."""
    for group in groups:
        title = next(
            (t for each in _each(group, "work-summary") if (t := _inside(each, "title", "title", "value"))),
            "",
        )
        ids = _each(group, "external-ids", "external-id")
        own = [each for each in ids if _inside(each, "external-id-relationship") in ("self", "SELF", None)]
        yield _liking(title, "", _first_id(_inside(each, "external-id-value") for each in own))


async def _author(client: Client, places: Places, author: str) -> AsyncIterator[LikedPaper]:
    [number] = _named(_AUTHOR, author, "a Semantic Scholar author id: digits").groups()
    key = places.semanticscholar_key
    for offset in range(0, MOST, AUTHOR_PAGE):
        answer = await client.get(
            f"{places.semanticscholar}/graph/v1/author/{number}/papers",
            family="semanticscholar",
            wants=Wants.JSON,
            params={"fields": "title,abstract,externalIds,year", "limit": AUTHOR_PAGE, "offset": offset},
            headers={"x-api-key": key} if key else None,
        )
        goes_on, likings = await to_thread.run_sync(partial(_read_author, answer.body))
        for liking in likings:
            yield liking
        if not goes_on:
            return


def _read_author(body: bytes) -> tuple[bool, list[LikedPaper]]:
    told = _json(body)
    papers = _list(_inside(told, "data"), "Semantic Scholar")
    newest_first = sorted(papers, key=_year, reverse=True)
    return bool(_inside(told, "next")), list(author_likings(newest_first))


def _year(paper: Any) -> int:
    year = _inside(paper, "year")
    return year if isinstance(year, int) else 0


def author_likings(papers: Iterable[Any]) -> Iterator[LikedPaper]:
    """The papers of a Semantic Scholar author."""
    for paper in papers:
        if isinstance(paper, dict):
            named = _first_id(_inside(paper, "externalIds", kind) for kind in ("ArXiv", "DOI"))
            yield _liking(paper.get("title"), paper.get("abstract"), named)


def _liking(title: Any, abstract: Any, paper_id: str) -> LikedPaper:
    return LikedPaper(
        normalize.title(title) if isinstance(title, str) else "",
        normalize.plain(abstract) if isinstance(abstract, str) else "",
        paper_id,
    )


def _first_id(told: Iterable[Any]) -> str:
    """The first canonical id in these fields; arXiv's ids also stand among other words."""
    for text in told:
        for word in re.split(r"[\s,;]+", text) if isinstance(text, str) else ():
            try:
                return canonical(word)
            except ValueError:
                continue
    return ""


def _named(form: re.Pattern[str], given: str, what: str) -> re.Match[str]:
    found = form.fullmatch(given.strip())
    if not found:
        raise InvalidChange(f"That is not {what}.")  # not what it is: it may be a key in the wrong field
    return found


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceChanged("the answer is not JSON") from error


def _list(told: Any, who: str) -> list[Any]:
    if not isinstance(told, list):
        raise SourceChanged(f"{who}'s answer is not a list of papers")
    return told


def _each(told: Any, *names: str) -> list[Any]:
    """The list that stands under these names; empty where there is none."""
    found = _inside(told, *names)
    return found if isinstance(found, list) else []


def _inside(told: Any, *names: str) -> Any:
    """What stands under these names, one inside the other; None where one is missing."""
    for name in names:
        told = told.get(name) if isinstance(told, Mapping) else None
    return told
