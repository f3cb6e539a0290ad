"""Tests of fetching Zotero, ORCID and Semantic Scholar libraries, and of how their keys are used."""

import json
from collections.abc import Callable

import pytest

from digest.models import LikedPaper
from digest.models.errors import InvalidChange, SourceChanged, SourceError
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.libraries.clients import ZOTERO_PAGE_SIZE, LibraryAccounts, fetch_seeds
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
SHEEP = LikedPaper("Counting Sheep at Night", "We count sheep.", "arxiv:2611.12001")
GOATS = LikedPaper("On Goats", "", "doi:10.5555/goats")


def config_of(server: ReplayServer) -> SourceConfig:
    return SourceConfig(zotero_url=server.url, orcid_url=server.url, semanticscholar_url=server.url)


async def test_zotero_library_is_fetched_with_its_key(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/users/4711/items/top", Reply(body=replay("libraries/zotero.json")))
    seeds = await fetch_seeds(client, config_of(server), LibraryAccounts(zotero="4711", zotero_key="a-key"))
    assert seeds.papers[1:] == (GOATS, LikedPaper("A Book of Herds"))
    assert (seeds.papers[0].paper_id, seeds.papers[0].abstract) == (SHEEP.paper_id, SHEEP.abstract)
    [request] = server.requests
    assert request.headers["Zotero-API-Key"] == "a-key"
    assert request.headers["Zotero-API-Version"] == "3"
    assert request.query["sort"] == "dateAdded"


async def test_public_zotero_group_is_fetched_page_by_page_without_a_key(
    client: Client, server: ReplayServer
) -> None:
    pages = [
        [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(start, start + count)]
        for start, count in ((0, ZOTERO_PAGE_SIZE), (ZOTERO_PAGE_SIZE, 3))
    ]
    for number, page in enumerate(pages):
        path = f"/groups/12/items/top?start={number * ZOTERO_PAGE_SIZE}"
        server.set_replies(path, Reply(body=json.dumps(page).encode()))
    seeds = await fetch_seeds(client, config_of(server), LibraryAccounts(zotero="groups/12"))
    assert len(seeds.papers) == ZOTERO_PAGE_SIZE + 3
    assert all("Zotero-API-Key" not in request.headers for request in server.requests)


async def test_orcid_record_gives_works_with_titles_or_ids(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/v3.0/0000-0002-1825-0097/works", Reply(body=replay("libraries/orcid.json")))
    seeds = await fetch_seeds(
        client, config_of(server), LibraryAccounts(orcid="https://orcid.org/0000-0002-1825-0097")
    )
    assert seeds.papers == (GOATS, LikedPaper("A Talk Without a Number"))
    assert seeds.ids == ("arxiv:2611.12001",)
    assert server.requests[0].headers["Accept"] == "application/json"


async def test_author_papers_are_fetched_from_semantic_scholar(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    seeds = await fetch_seeds(client, config_of(server), LibraryAccounts(author="1741101"))
    assert seeds.papers == (SHEEP, GOATS, LikedPaper("A Talk Without a Number"))


async def test_newest_works_come_first(client: Client, server: ReplayServer) -> None:
    titles = {1999: "On Oldest Sheep", 2026: "On Newest Sheep", None: "On Sheep of Any Age"}
    papers = [{"title": title, "year": year} for year, title in titles.items()]
    works = [
        {
            "work-summary": [
                {
                    "title": {"title": {"value": f"{title}!"}},
                    "publication-date": year and {"year": {"value": str(year)}},
                }
            ]
        }
        for year, title in titles.items()
    ]
    server.set_replies("/graph/v1/author/1/papers", Reply(body=json.dumps({"data": papers}).encode()))
    server.set_replies("/v3.0/0000-0002-1825-0097/works", Reply(body=json.dumps({"group": works}).encode()))
    for accounts in (LibraryAccounts(author="1"), LibraryAccounts(orcid="0000-0002-1825-0097")):
        seeds = await fetch_seeds(client, config_of(server), accounts)
        order = [paper.title.split()[1] for paper in seeds.papers]
        assert order == ["Newest", "Oldest", "Sheep"]


async def test_paper_in_two_libraries_is_returned_once(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.set_replies("/v3.0/0000-0002-1825-0097/works", Reply(body=replay("libraries/orcid.json")))
    server.set_replies("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    seeds = await fetch_seeds(
        client, config_of(server), LibraryAccounts(orcid="0000-0002-1825-0097", author="1741101")
    )
    assert [paper.title for paper in seeds.papers].count("On Goats") == 1


@pytest.mark.parametrize(
    "accounts",
    [LibraryAccounts(zotero="ada"), LibraryAccounts(orcid="0000"), LibraryAccounts(author="../../users/1")],
)
async def test_invalid_account_is_not_requested(
    client: Client, server: ReplayServer, accounts: LibraryAccounts
) -> None:
    with pytest.raises(InvalidChange):
        await fetch_seeds(client, config_of(server), accounts)
    assert not server.requests


async def test_refused_key_and_unknown_shape_are_errors(client: Client, server: ReplayServer) -> None:
    server.set_replies("/users/1/items/top", Reply(status=403, body=b"Forbidden"))
    with pytest.raises(SourceError):
        await fetch_seeds(client, config_of(server), LibraryAccounts(zotero="1", zotero_key="wrong"))
    server.set_replies("/users/2/items/top", Reply(body=b'{"not": "a list"}'))
    with pytest.raises(SourceChanged):
        await fetch_seeds(client, config_of(server), LibraryAccounts(zotero="2"))


async def test_zotero_key_is_not_sent_to_another_host(client: Client, server: ReplayServer) -> None:
    with ReplayServer() as other:
        server.set_replies(
            "/users/1/items/top", Reply(status=302, headers={"Location": f"{other.url}/elsewhere"})
        )
        with pytest.raises(SourceError):
            await fetch_seeds(client, config_of(server), LibraryAccounts(zotero="1", zotero_key="a-key"))
        assert all("a-key" not in request.headers.values() for request in other.requests)


def test_keys_are_not_in_the_repr() -> None:
    assert "a-key" not in repr(LibraryAccounts(zotero="1", zotero_key="a-key"))
    assert "a-key" not in repr(SourceConfig(semanticscholar_key="a-key"))
