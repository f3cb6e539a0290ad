"""Tests of fetching a subscriber's libraries: a failure is a sentence and affects no other library."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace

import pytest

from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy, to_interactive_policy
from digest.sources.libraries.bibliography import SeedPapers
from digest.sources.libraries.clients import ZOTERO_PAGE_SIZE, LibraryAccounts
from digest.sources.libraries.request import (
    LibraryPapers,
    extract_accounts,
    fetch_libraries,
)
from tests.replay_server import ReplayServer, Reply

Replay = Callable[[str], bytes]
ORCID = "0000-0002-1825-0097"
NO_ANSWER = "did not return a usable response"
WORKS = f"/v3.0/{ORCID}/works"


@pytest.fixture
def other_server() -> Iterator[ReplayServer]:
    """Another server that is trusted as well."""
    with ReplayServer() as started:
        yield started


@pytest.fixture
async def interactive_client(
    server: ReplayServer, other_server: ReplayServer, fast_policy: ClientPolicy
) -> AsyncIterator[Client]:
    """A client with the policy for somebody who waits."""
    policy = replace(to_interactive_policy(fast_policy), initial_wait=0.001)
    async with Client(policy, trusted_urls=(server.url, other_server.url)) as opened:
        yield opened


async def fetch(
    client: Client, server: ReplayServer, accounts: LibraryAccounts, *, seconds: float = 10, limit: int = 200
) -> LibraryPapers:
    config = SourceConfig(zotero_url=server.url, orcid_url=server.url, semanticscholar_url=server.url)
    return await fetch_libraries(client, config, accounts, timeout=seconds, limit=limit)


async def test_libraries_take_turns(interactive_client: Client, server: ReplayServer, replay: Replay) -> None:
    items = [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(9)]
    server.set_replies("/users/4711/items/top", Reply(body=json.dumps(items).encode()))
    server.set_replies("/graph/v1/author/1741101/papers", Reply(body=replay("libraries/author.json")))
    fetched = await fetch(interactive_client, server, LibraryAccounts(zotero="4711", author="1741101"))
    assert [paper.title for paper in fetched.seeds.papers][:3] == [
        "Volume 0", "Counting Sheep at Night", "Volume 1",
    ]  # fmt: skip
    assert fetched.failures == {}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(status=403, body=b"Forbidden"), "it is private, and no valid key was given"),
        (Reply(status=404), "there is none with this number"),
        (Reply(status=500), NO_ANSWER),
        (Reply(status=429, headers={"Retry-After": "3600"}), NO_ANSWER),
        (Reply(body=b"<html>Maintenance</html>"), "unexpected format"),
        (Reply(body=b"{"), "unexpected format"),
        (Reply(body=b"[]"), "holds no papers"),
    ],
)
async def test_failing_library_is_a_sentence_and_does_not_affect_others(
    interactive_client: Client, server: ReplayServer, replay: Replay, reply: Reply, expected: str
) -> None:
    server.set_replies("/users/4711/items/top", reply)
    server.set_replies(WORKS, Reply(body=replay("libraries/orcid.json")))
    fetched = await fetch(interactive_client, server, LibraryAccounts(zotero="4711", orcid=ORCID))
    assert expected in str(fetched.failures["zotero"])
    assert str(fetched.failures["zotero"]).startswith("The Zotero library")
    assert fetched.seeds.papers[0].title == "On Goats"
    assert fetched.seeds.ids == ("arxiv:2611.12001",)


async def test_silent_library_times_out(interactive_client: Client, server: ReplayServer) -> None:
    server.set_replies(WORKS, Reply(silent=True))
    fetched = await fetch(interactive_client, server, LibraryAccounts(orcid=ORCID), seconds=0.05)
    assert fetched.seeds == SeedPapers()
    assert str(fetched.failures["orcid"]) == "The ORCID record did not answer within 0.05 seconds."


async def test_redirect_to_another_host_is_not_followed_even_if_trusted(
    interactive_client: Client, server: ReplayServer, other_server: ReplayServer
) -> None:
    server.set_replies(WORKS, Reply(status=302, headers={"Location": f"{other_server.url}/internal"}))
    fetched = await fetch(interactive_client, server, LibraryAccounts(orcid=ORCID))
    assert NO_ANSWER in str(fetched.failures["orcid"])
    assert not other_server.requests


async def test_library_in_a_private_network_is_not_requested(server: ReplayServer) -> None:
    async with Client(to_interactive_policy(ClientPolicy(user_agent="test")), trusted_urls=()) as client:
        fetched = await fetch(client, server, LibraryAccounts(orcid=ORCID))
    assert NO_ANSWER in str(fetched.failures["orcid"])
    assert not server.requests


async def test_no_more_pages_are_requested_than_the_limit_needs(
    interactive_client: Client, server: ReplayServer
) -> None:
    page = [{"data": {"itemType": "book", "title": f"Volume {n}"}} for n in range(ZOTERO_PAGE_SIZE)]
    server.set_replies("/groups/12/items/top", Reply(body=json.dumps(page).encode()))
    await fetch(
        interactive_client,
        server,
        LibraryAccounts(zotero="https://www.zotero.org/groups/12/sheep"),
        limit=200,
    )
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "number", ["٤٧١١", "4711/../../groups/1?x=", "http://127.0.0.1/", "4711\r\nX: y", "-1"]
)
async def test_invalid_account_is_never_part_of_a_url(
    interactive_client: Client, server: ReplayServer, number: str
) -> None:
    fetched = await fetch(
        interactive_client, server, LibraryAccounts(zotero=number, orcid=number, author=number)
    )
    assert set(fetched.failures) >= {"orcid", "author"}
    assert all(request.path == "/users/4711/items/top" for request in server.requests)


async def test_invalid_key_is_not_sent_and_not_repeated_in_the_error(
    interactive_client: Client, server: ReplayServer
) -> None:
    fetched = await fetch(
        interactive_client, server, LibraryAccounts(zotero="4711", zotero_key="clé\nsecrète")
    )
    assert str(fetched.failures["zotero"]) == "That is not a Zotero key."
    assert not server.requests


def test_extract_accounts_from_pasted_papers_but_not_from_a_bibliography() -> None:
    text = (
        f"2611.00042 https://orcid.org/{ORCID}\nhttps://www.semanticscholar.org/author/A.-Loveless/1741101 x"
    )
    accounts, rest = extract_accounts(text)
    assert accounts.orcid.endswith(ORCID)
    assert accounts.author.endswith("/1741101")
    assert rest.split() == ["2611.00042", "x"]
    entry = f"@article{{x, title={{T}}, orcid-numbers={{{ORCID}}}}}"
    assert extract_accounts(entry) == (LibraryAccounts(), entry)
