"""Sending papers to a subscriber's Zotero library (Web API, version 3).

The key of each item is derived from subscriber and paper: it is created once, however often it is sent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from html import escape
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from digest.models.author_names import AuthorName, split_author_name
from digest.models.citations import (
    MAX_AUTHORS,
    Citation,
    find_arxiv_id,
    find_doi,
    find_journal,
    find_publication,
    quote_url,
)
from digest.models.errors import InvalidChange, SourceChanged
from digest.models.text import clean, shorten
from digest.sources.http.response import BadResponse
from digest.sources.json_body import get_value, load_json

if TYPE_CHECKING:  # importing httpx takes 9 MiB and 0.1 s
    from digest.sources.http.client import Client

MAX_ITEMS = 50  # of one request; a paper with a note is two items
ITEM_KEY_CHARS = "23456789ABCDEFGHIJKLMNPQRSTUVWXYZ"  # what Zotero makes keys of
REFUSED_STATUSES = frozenset({401, 403, 404})  # the key was revoked, or may not write to this library
MAX_MESSAGE_CHARS = 200  # of what Zotero says about an item
_KEY = re.compile(r"[A-Za-z0-9]{20,40}")
_GROUP = re.compile(r"(?:https?://www\.zotero\.org/)?groups/(\d{1,12})(?:/\S*)?", re.ASCII)


class ZoteroRefused(InvalidChange):
    """Zotero refused the key: it was revoked, or it may not write to this library. Make a new one."""


@dataclass(frozen=True, slots=True)
class SendItemsResult:
    """What Zotero did with the papers of one request, by paper id."""

    taken: tuple[str, ...]  # created now, or there already
    rejected: Mapping[str, str]  # with what Zotero says; sending them again would not help


async def find_library(client: "Client", base_url: str, key: str, group: str = "") -> str:
    """Return the library that a key may write to: the user's own, or the named group's.

    Raises:
        InvalidChange: the key or the group is not written as it must be.
        ZoteroRefused: the key does not exist or may not write there.
        SourceError: Zotero does not answer.
    """
    if not _KEY.fullmatch(key):
        raise InvalidChange("A Zotero key has 24 letters and digits; create one at zotero.org/settings/keys.")
    match = _GROUP.fullmatch(group.strip()) if group.strip() else None
    if group.strip() and not match:
        raise InvalidChange("That is not a Zotero group. Enter groups/ and its number, or its address.")
    try:
        response = await client.get(f"{base_url}/keys/current", rate_group="zotero", headers=_headers(key))
    except BadResponse as error:
        if error.response.status in REFUSED_STATUSES:
            raise ZoteroRefused(
                "Zotero does not know this key. Create one at zotero.org/settings/keys."
            ) from error
        raise
    answer = await to_thread.run_sync(load_json, response.body)
    return _choose_library(answer.value, match[1] if match else "")


def _choose_library(answer: Any, group: str) -> str:
    access, user = get_value(answer, "access"), get_value(answer, "userID")
    if not isinstance(access, dict) or not isinstance(user, int):
        raise SourceChanged("Zotero's answer does not say what the key may do")
    groups = access.get("groups") or {}
    rights = (groups.get(group) or groups.get("all")) if group else access.get("user")
    if not isinstance(rights, dict) or not rights.get("write"):
        raise ZoteroRefused(
            "This key cannot write to this library. Allow write access at zotero.org/settings/keys."
        )
    return f"groups/{group}" if group else f"users/{user}"


async def send_items(  # noqa: PLR0913  the account, and whose papers
    client: "Client",
    base_url: str,
    library: str,
    key: str,
    citations: Sequence[Citation],
    *,
    owner: str,
) -> SendItemsResult:
    """Create these papers in a library, at most `MAX_ITEMS` with their notes.

    *owner* makes the keys of the items, together with the paper: they are those of this subscriber.

    Raises:
        ZoteroRefused: the key was revoked, or may not write there any more.
        SourceError: Zotero does not answer, or asks to wait.
    """
    items = [item for citation in citations for item in build_items(citation, owner=owner)]
    try:
        response = await client.post(
            f"{base_url}/{library}/items", rate_group="zotero", json=items, headers=_headers(key)
        )
    except BadResponse as error:
        if error.response.status in REFUSED_STATUSES:
            raise ZoteroRefused from error
        raise
    answer = await to_thread.run_sync(load_json, response.body)
    return _parse_result(answer.value, citations, items, owner)


def _parse_result(
    answer: Any, citations: Sequence[Citation], items: Sequence[Mapping[str, Any]], owner: str
) -> SendItemsResult:
    failed = get_value(answer, "failed")
    if not isinstance(failed, dict) or not isinstance(answer.get("success", answer.get("successful")), dict):
        raise SourceChanged("Zotero's answer does not say which items it took")
    messages = {
        items[int(index)]["key"]: shorten(clean(str(fault.get("message", ""))), MAX_MESSAGE_CHARS)
        for index, fault in failed.items()
        # 412: there is an item with this key already, from an attempt whose answer was lost.
        if isinstance(fault, dict)
        and fault.get("code") != 412
        and index.isdecimal()
        and int(index) < len(items)
    }
    keys = {citation.paper.id: build_item_key(owner, citation.paper.id) for citation in citations}
    rejected = {paper_id: messages[key] for paper_id, key in keys.items() if key in messages}
    return SendItemsResult(tuple(paper_id for paper_id in keys if paper_id not in rejected), rejected)


def build_items(citation: Citation, *, owner: str) -> list[dict[str, Any]]:
    """Return a paper as Zotero items: a preprint or journal article, and its note if there is one."""
    paper, arxiv_id = citation.paper, find_arxiv_id(citation.paper)
    key = build_item_key(owner, paper.id)
    item = {
        "key": key,
        "version": 0,  # create it; an item with this key is an error
        "itemType": "journalArticle" if find_publication(paper) else "preprint",
        "title": clean(paper.title),
        "creators": [_to_creator(split_author_name(author)) for author in paper.authors[:MAX_AUTHORS]],
        "abstractNote": clean(paper.abstract),
        "date": f"{paper.published:%Y-%m-%d}" if paper.published else "",
        "DOI": find_doi(paper),
        "url": quote_url(paper.url),
        "tags": [{"tag": tag} for tag in citation.tags],
    }
    if journal := find_journal(paper):
        item["publicationTitle"] = journal
    if arxiv_id and not find_publication(paper):
        item |= {"repository": "arXiv", "archiveID": f"arXiv:{arxiv_id}"}
    elif arxiv_id:
        item["extra"] = f"arXiv:{arxiv_id}"
    if not citation.note:
        return [item]
    note = {
        "key": build_item_key(owner, f"{paper.id} note"),
        "version": 0,
        "itemType": "note",
        "parentItem": key,
        "note": f"<p>{escape(citation.note)}</p>".replace("\n", "<br>"),
        "tags": [],
    }
    return [item, note]


def build_item_key(owner: str, name: str) -> str:
    """Return the key of an item: eight of Zotero's characters, always the same for the same arguments."""
    number = int.from_bytes(blake2b(f"{owner} {name}".encode(errors="replace"), digest_size=8).digest())
    digits = []
    for _ in range(8):
        number, digit = divmod(number, len(ITEM_KEY_CHARS))
        digits.append(ITEM_KEY_CHARS[digit])
    return "".join(digits)


def _to_creator(name: AuthorName) -> dict[str, str]:
    if name.is_whole:
        return {"creatorType": "author", "name": name.family or "?"}
    given = f"{name.given}, {name.suffix}" if name.suffix else name.given
    return {"creatorType": "author", "firstName": given, "lastName": name.family}


def _headers(key: str) -> dict[str, str]:
    return {"Zotero-API-Version": "3", "Zotero-API-Key": key}
