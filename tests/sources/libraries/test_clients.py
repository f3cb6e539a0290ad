"""What readers collected or wrote becomes seeds; keys go where they belong and nowhere else."""

import json
from collections.abc import Callable

import pytest

from digest.models import LikedPaper
from digest.models.errors import InvalidChange, SourceChanged, SourceError
from digest.sources.http.client import Client
from digest.sources.libraries.clients import ZOTERO_PAGE, LibraryAccounts, Places, gathered
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
SHEEP = LikedPaper("Counting Sheep at Night", "We count sheep.", "arxiv:2611.12001")
GOATS = LikedPaper("On Goats", "", "doi:10.5555/goats")


def places(server: ReplayServer) -> Places:
    return Places(zotero=server.url, orcid=server.url, semanticscholar=server.url)


async def test_a_zotero_library_is_read_with_its_key(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/users/4711/items/top", Reply(body=replay("libraries/zotero.json")))
    seeds = await gathered(client, places(server), LibraryAccounts(zotero="4711", zotero_key="a-key"))
    assert seeds.likings[1:] == (GOATS, LikedPaper("A Book of Herds"))
    assert (seeds.likings[0].paper_id, seeds.likings[0].abstract) == (SHEEP.paper_id, SHEEP.abstract)
    [asked] = server.requests
    assert asked.headers["Zotero-API-Key"] == "a-key"
    assert asked.headers["Zotero-API-Version"] == "3"
    assert asked.query["sort"] == "dateAdded"


async def test_a_public_group_is_read_without_a_key_page_by_page(
    client: Client, server: ReplayServer
) -> None:
    pages = [
        [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(start, start + count)]
        for start, count in ((0, ZOTERO_PAGE), (ZOTERO_PAGE, 3))
    ]
    for number, page in enumerate(pages):
        path = f"/groups/12/items/top?start={number * ZOTERO_PAGE}"
        server.answer(path, Reply(body=json.dumps(page).encode()))
    seeds = await gathered(client, places(server), LibraryAccounts(zotero="groups/12"))
    assert len(seeds.likings) == ZOTERO_PAGE + 3
    assert all("Zotero-API-Key" not in asked.headers for asked in server.requests)


async def test_an_orcid_record_gives_works_with_titles_or_with_ids(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/v3.0/0000-0002-1825-0097/works", Reply(body=replay("libraries/orcid.json")))
    seeds = await gathered(
        client, places(server), LibraryAccounts(orcid="https://orcid.org/0000-0002-1825-0097")
    )
    assert seeds.likings == (GOATS, LikedPaper("A Talk Without a Number"))
    assert seeds.ids == ("arxiv:2611.12001",)
    assert server.requests[0].headers["Accept"] == "application/json"


async def test_an_authors_papers_come_from_semantic_scholar(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    seeds = await gathered(client, places(server), LibraryAccounts(author="1741101"))
    assert seeds.likings == (SHEEP, GOATS, LikedPaper("A Talk Without a Number"))


async def test_the_newest_works_come_first_for_only_so_many_are_remembered(
    client: Client, server: ReplayServer
) -> None:
    said = {1999: "On Oldest Sheep", 2026: "On Newest Sheep", None: "On Sheep of Any Age"}
    papers = [{"title": title, "year": year} for year, title in said.items()]
    works = [
        {
            "work-summary": [
                {
                    "title": {"title": {"value": f"{title}!"}},
                    "publication-date": year and {"year": {"value": str(year)}},
                }
            ]
        }
        for year, title in said.items()
    ]
    server.answer("/graph/v1/author/1/papers", Reply(body=json.dumps({"data": papers}).encode()))
    server.answer("/v3.0/0000-0002-1825-0097/works", Reply(body=json.dumps({"group": works}).encode()))
    for shelves in (LibraryAccounts(author="1"), LibraryAccounts(orcid="0000-0002-1825-0097")):
        seeds = await gathered(client, places(server), shelves)
        order = [each.title.split()[1] for each in seeds.likings]
        assert order == ["Newest", "Oldest", "Sheep"]


async def test_the_same_paper_on_two_shelves_is_one(
    client: Client, server: ReplayServer, replay: Replay
) -> None:
    server.answer("/v3.0/0000-0002-1825-0097/works", Reply(body=replay("libraries/orcid.json")))
    server.answer("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    seeds = await gathered(
        client, places(server), LibraryAccounts(orcid="0000-0002-1825-0097", author="1741101")
    )
    assert [each.title for each in seeds.likings].count("On Goats") == 1


@pytest.mark.parametrize(
    "shelves",
    [LibraryAccounts(zotero="ada"), LibraryAccounts(orcid="0000"), LibraryAccounts(author="../../users/1")],
)
async def test_a_name_that_makes_no_sense_is_never_asked_for(
    client: Client, server: ReplayServer, shelves: LibraryAccounts
) -> None:
    with pytest.raises(InvalidChange):
        await gathered(client, places(server), shelves)
    assert not server.requests


async def test_a_refused_key_and_another_shape_are_said(client: Client, server: ReplayServer) -> None:
    server.answer("/users/1/items/top", Reply(status=403, body=b"Forbidden"))
    with pytest.raises(SourceError):
        await gathered(client, places(server), LibraryAccounts(zotero="1", zotero_key="wrong"))
    server.answer("/users/2/items/top", Reply(body=b'{"not": "a list"}'))
    with pytest.raises(SourceChanged):
        await gathered(client, places(server), LibraryAccounts(zotero="2"))


async def test_a_key_does_not_follow_a_redirect_to_another_host(client: Client, server: ReplayServer) -> None:
    with ReplayServer() as other:
        server.answer("/users/1/items/top", Reply(status=302, headers={"Location": f"{other.url}/elsewhere"}))
        with pytest.raises(SourceError):
            await gathered(client, places(server), LibraryAccounts(zotero="1", zotero_key="a-key"))
        assert all("a-key" not in asked.headers.values() for asked in other.requests)


def test_the_keys_do_not_show() -> None:
    assert "a-key" not in repr(LibraryAccounts(zotero="1", zotero_key="a-key"))
    assert "a-key" not in repr(Places(semanticscholar_key="a-key"))
