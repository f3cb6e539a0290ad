"""A library that is slow, closed or elsewhere costs a sentence, and never what the others lent."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from digest.sources.http.client import Client, ClientPolicy
from digest.sources.libraries.bibliography import Seeds
from digest.sources.libraries.clients import ZOTERO_PAGE, LibraryAccounts, Places
from digest.sources.libraries.request import Lent, in_a_hurry, lent, named_in
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
ORCID = "0000-0002-1825-0097"
WORKS = f"/v3.0/{ORCID}/works"


@pytest.fixture
def elsewhere() -> Iterator[ReplayServer]:
    """Another host, which the operator trusts as well."""
    with ReplayServer() as started:
        yield started


@pytest.fixture
async def waiting(
    server: ReplayServer, elsewhere: ReplayServer, hurried: ClientPolicy
) -> AsyncIterator[Client]:
    """A client for somebody who waits."""
    manners = replace(in_a_hurry(hurried), first_wait=0.001)
    async with Client(manners, trusted=(server.url, elsewhere.url)) as opened:
        yield opened


async def borrow(
    client: Client, server: ReplayServer, shelves: LibraryAccounts, *, within: float = 10, most: int = 200
) -> Lent:
    places = Places(zotero=server.url, orcid=server.url, semanticscholar=server.url)
    return await lent(client, places, shelves, within=within, most=most)


async def test_each_library_takes_its_turn_so_that_none_crowds_out_another(
    waiting: Client, server: ReplayServer, replay: Replay
) -> None:
    books = [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(9)]
    server.answer("/users/4711/items/top", Reply(body=json.dumps(books).encode()))
    server.answer("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    came = await borrow(waiting, server, LibraryAccounts(zotero="4711", author="1741101"))
    assert [each.title for each in came.seeds.likings][:3] == [
        "Volume 0", "Counting Sheep at Night", "Volume 1",
    ]  # fmt: skip
    assert came.failures == {}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(status=403, body=b"Forbidden"), "it is private, and no key or another one was given"),
        (Reply(status=404), "there is none of this number"),
        (Reply(status=500), "answered 500 Internal Server Error"),
        (Reply(status=429, headers={"Retry-After": "3600"}), "answered 429 Too Many Requests"),
        (Reply(body=b"<html>Maintenance</html>"), "where JSON was expected"),
        (Reply(body=b"{"), "the answer is not JSON"),
        (Reply(body=b"[]"), "holds no papers"),
    ],
)
async def test_what_a_library_cannot_lend_is_a_sentence_and_the_others_are_unharmed(
    waiting: Client, server: ReplayServer, replay: Replay, reply: Reply, said: str
) -> None:
    server.answer("/users/4711/items/top", reply)
    server.answer(WORKS, Reply(body=replay("libraries/orcid.json")))
    came = await borrow(waiting, server, LibraryAccounts(zotero="4711", orcid=ORCID))
    assert said in came.failures["zotero"]
    assert came.failures["zotero"].startswith("The Zotero library")
    assert came.seeds.likings[0].title == "On Goats"
    assert came.seeds.ids == ("arxiv:2611.12001",)


async def test_a_silent_library_is_waited_for_so_long_and_no_longer(
    waiting: Client, server: ReplayServer
) -> None:
    server.answer(WORKS, Reply(silent=True))
    came = await borrow(waiting, server, LibraryAccounts(orcid=ORCID), within=0.05)
    assert came == Lent(Seeds(), {"orcid": "The ORCID record did not answer within 0.05 seconds."})


async def test_nobody_is_led_to_another_host_not_even_a_trusted_one(
    waiting: Client, server: ReplayServer, elsewhere: ReplayServer
) -> None:
    server.answer(WORKS, Reply(status=302, headers={"Location": f"{elsewhere.url}/internal"}))
    came = await borrow(waiting, server, LibraryAccounts(orcid=ORCID))
    assert "led us to another host" in came.failures["orcid"]
    assert not elsewhere.requests


async def test_a_library_that_lies_in_a_private_network_is_not_asked(server: ReplayServer) -> None:
    async with Client(in_a_hurry(ClientPolicy(user_agent="test")), trusted=()) as client:
        came = await borrow(client, server, LibraryAccounts(orcid=ORCID))
    assert "inside a private network" in came.failures["orcid"]
    assert not server.requests


async def test_no_more_pages_are_asked_for_than_are_remembered(waiting: Client, server: ReplayServer) -> None:
    page = [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(ZOTERO_PAGE)]
    server.answer("/groups/12/items/top", Reply(body=json.dumps(page).encode()))
    await borrow(waiting, server, LibraryAccounts(zotero="https://www.zotero.org/groups/12/sheep"), most=200)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "number", ["٤٧١١", "4711/../../groups/1?x=", "http://127.0.0.1/", "4711\r\nX: y", "-1"]
)
async def test_what_is_no_number_is_never_part_of_an_address(
    waiting: Client, server: ReplayServer, number: str
) -> None:
    came = await borrow(waiting, server, LibraryAccounts(zotero=number, orcid=number, author=number))
    assert set(came.failures) >= {"orcid", "author"}
    assert all(asked.path == "/users/4711/items/top" for asked in server.requests)


async def test_a_key_that_no_header_can_hold_is_not_sent_and_not_repeated(
    waiting: Client, server: ReplayServer
) -> None:
    came = await borrow(waiting, server, LibraryAccounts(zotero="4711", zotero_key="clé\nsecrète"))
    assert came.failures == {"zotero": "That is not a Zotero key."}
    assert not server.requests


def test_links_of_people_are_found_among_pasted_papers_and_not_inside_a_bibliography() -> None:
    text = (
        f"2611.00042 https://orcid.org/{ORCID}\nhttps://www.semanticscholar.org/author/A.-Loveless/1741101 x"
    )
    shelves, rest = named_in(text)
    assert shelves.orcid.endswith(ORCID)
    assert shelves.author.endswith("/1741101")
    assert rest.split() == ["2611.00042", "x"]
    entry = f"@article{{x, title={{T}}, orcid-numbers={{{ORCID}}}}}"
    assert named_in(entry) == (LibraryAccounts(), entry)
