"""Papers in a subscriber's Zotero library, ORCID record and Semantic Scholar page.

They are fetched once, when the subscriber asks for it. Keys are used for that request only, and neither
stored nor logged.
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from anyio import to_thread

from digest.models import LikedPaper
from digest.models.errors import InvalidChange, SourceChanged
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.json_body import get_list, get_text, get_value, load_json
from digest.sources.libraries.bibliography import MAX_PAPERS, SeedPapers, find_first_id
from digest.sources.text.normalize import normalize_text, normalize_title, strip_tags

ZOTERO_PAGE_SIZE = 100  # the largest they allow
AUTHOR_PAGE_SIZE = 500  # likewise
NEWEST_FIRST = {"sort": "dateAdded", "direction": "desc"}
NOT_PAPERS = frozenset({"attachment", "note", "annotation"})
_ZOTERO = re.compile(r"(?:https?://www\.zotero\.org/)?(?:(users|groups)/)?(\d{1,12})(?:/\S*)?", re.ASCII)
_ZOTERO_KEY = re.compile(r"[!-~]{1,64}")  # the characters that a header can hold
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])/?", re.IGNORECASE | re.ASCII)
_AUTHOR = re.compile(r"(?:https?://www\.semanticscholar\.org/author/(?:[^/\s]+/)?)?(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryAccounts:
    """The accounts of a subscriber; an empty one is not fetched."""

    zotero: str = ""  # a user's number, or groups/NUMBER
    zotero_key: str = field(default="", repr=False)  # a public library needs none
    orcid: str = ""
    author: str = ""  # on Semantic Scholar

    def by_library(self) -> dict[str, "LibraryAccounts"]:
        """Return each account alone, by the name of its field."""
        none = replace(self, zotero="", orcid="", author="")
        accounts = {name: getattr(self, name) for name in ("zotero", "orcid", "author")}
        return {name: replace(none, **{name: account}) for name, account in accounts.items() if account}


async def fetch_seeds(
    client: Client, config: SourceConfig, accounts: LibraryAccounts, *, limit: int = MAX_PAPERS
) -> SeedPapers:
    """Return the papers of these accounts, each once; of a Zotero library about *limit*, the newest.

    Raises:
        InvalidChange: an account is not written as it must be.
        SourceError: a service does not answer.
    """
    liked: list[LikedPaper] = []
    if accounts.zotero:
        liked += [paper async for paper in _fetch_zotero(client, config, accounts, limit)]
    if accounts.orcid:
        liked += await _fetch_orcid(client, config, accounts.orcid)
    if accounts.author:
        liked += [paper async for paper in _fetch_author(client, config, accounts.author)]
    titled = tuple(paper for paper in liked if paper.title)
    ids = tuple(paper.paper_id for paper in liked if not paper.title and paper.paper_id)
    return merge_seeds([SeedPapers(titled, ids)])


def merge_seeds(libraries: Sequence[SeedPapers]) -> SeedPapers:
    """Return the papers of all libraries, each once, in turns so that no library crowds out another."""
    turns = zip_longest(*(seeds.papers for seeds in libraries))
    papers: dict[str, LikedPaper] = {}
    for paper in filter(None, chain.from_iterable(turns)):
        papers.setdefault(paper.paper_id or paper.title.casefold(), paper)
    ids = dict.fromkeys(paper_id for seeds in libraries for paper_id in seeds.ids if paper_id not in papers)
    return SeedPapers(tuple(papers.values())[:MAX_PAPERS], tuple(ids)[:MAX_PAPERS])


async def _fetch_zotero(
    client: Client, config: SourceConfig, accounts: LibraryAccounts, limit: int
) -> AsyncIterator[LikedPaper]:
    invalid = InvalidChange("That is not a Zotero user id: digits, or groups/ and digits.")
    kind, number = _match(_ZOTERO, accounts.zotero, invalid).groups()
    headers = {"Zotero-API-Version": "3"}
    if accounts.zotero_key:
        invalid = InvalidChange("That is not a Zotero key.")
        headers["Zotero-API-Key"] = _match(_ZOTERO_KEY, accounts.zotero_key, invalid)[0]
    for start in range(0, limit, ZOTERO_PAGE_SIZE):
        response = await client.get(
            f"{config.zotero_url}/{kind or 'users'}/{number}/items/top",
            rate_group="zotero",
            params={"format": "json", "limit": ZOTERO_PAGE_SIZE, "start": start, **NEWEST_FIRST},
            headers=headers,
        )
        item_count, papers = await to_thread.run_sync(partial(_parse_zotero, response.body))
        for paper in papers:
            yield paper
        if item_count < ZOTERO_PAGE_SIZE:
            return


def _parse_zotero(body: bytes) -> tuple[int, list[LikedPaper]]:
    """Return the number of items, and the papers among them."""
    items = _check_list(load_json(body).value, "Zotero")
    papers = []
    for data in (get_value(item, "data") for item in items):
        if isinstance(data, dict) and data.get("itemType") not in NOT_PAPERS:
            paper_id = find_first_id(get_text(data, name) for name in ("archiveID", "DOI", "url", "extra"))
            papers.append(_to_liked(get_text(data, "title"), get_text(data, "abstractNote"), paper_id))
    return len(items), papers


async def _fetch_orcid(client: Client, config: SourceConfig, orcid: str) -> list[LikedPaper]:
    invalid = InvalidChange("That is not an ORCID iD like 0000-0002-1825-0097.")
    [number] = _match(_ORCID, orcid, invalid).groups()
    url = f"{config.orcid_url}/v3.0/{number.upper()}/works"
    response = await client.get(url, rate_group="orcid")
    return await to_thread.run_sync(partial(_parse_orcid, response.body))


def _parse_orcid(body: bytes) -> list[LikedPaper]:
    """Return the works of an ORCID record, newest first."""
    record = load_json(body).value
    if not isinstance(record, dict):
        raise SourceChanged("ORCID's answer is not a record")
    groups = sorted(_check_list(record.get("group"), "ORCID"), key=_orcid_year, reverse=True)
    return [_parse_orcid_group(group) for group in groups]


def _orcid_year(group: Any) -> str:
    """Return the year of a work; empty if there is none."""
    summaries = get_list(group, "work-summary")
    return max((get_text(each, "publication-date", "year", "value") for each in summaries), default="")


def _parse_orcid_group(group: Any) -> LikedPaper:
    """Parse a group, which is one work as reported by one or several sources."""
    titles = (get_text(summary, "title", "title", "value") for summary in get_list(group, "work-summary"))
    ids = get_list(group, "external-ids", "external-id")
    own = [entry for entry in ids if get_value(entry, "external-id-relationship") in ("self", "SELF", None)]
    paper_id = find_first_id(get_text(entry, "external-id-value") for entry in own)
    return _to_liked(next(filter(None, titles), ""), "", paper_id)


async def _fetch_author(client: Client, config: SourceConfig, author: str) -> AsyncIterator[LikedPaper]:
    invalid = InvalidChange("That is not a Semantic Scholar author id: digits.")
    [number] = _match(_AUTHOR, author, invalid).groups()
    key = config.semanticscholar_key
    for offset in range(0, MAX_PAPERS, AUTHOR_PAGE_SIZE):
        response = await client.get(
            f"{config.semanticscholar_url}/graph/v1/author/{number}/papers",
            rate_group="semanticscholar",
            params={
                "fields": "title,abstract,externalIds,year",
                "limit": AUTHOR_PAGE_SIZE,
                "offset": offset,
            },
            headers={"x-api-key": key} if key else None,
        )
        has_next, papers = await to_thread.run_sync(partial(_parse_author, response.body))
        for paper in papers:
            yield paper
        if not has_next:
            return


def _parse_author(body: bytes) -> tuple[bool, list[LikedPaper]]:
    """Return whether there is another page, and the papers of this one, newest first."""
    page = load_json(body).value
    papers = _check_list(get_value(page, "data"), "Semantic Scholar")
    newest_first = sorted(papers, key=_author_year, reverse=True)
    return bool(get_value(page, "next")), [*map(_parse_author_paper, newest_first)]


def _author_year(paper: Any) -> int:
    year = get_value(paper, "year")
    return year if isinstance(year, int) else 0


def _parse_author_paper(paper: Any) -> LikedPaper:
    paper_id = find_first_id(get_text(paper, "externalIds", kind) for kind in ("ArXiv", "DOI"))
    return _to_liked(get_text(paper, "title"), get_text(paper, "abstract"), paper_id)


def _to_liked(title: str, abstract: str, paper_id: str) -> LikedPaper:
    return LikedPaper(normalize_title(strip_tags(title)), normalize_text(strip_tags(abstract)), paper_id)


def _match(pattern: re.Pattern[str], text: str, invalid: InvalidChange) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if not match:
        raise invalid  # without the text: it may be a key in the wrong field
    return match


def _check_list(value: Any, service: str) -> list[Any]:
    if not isinstance(value, list):
        raise SourceChanged(f"{service}'s answer is not a list of papers")
    return value
