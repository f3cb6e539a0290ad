"""Items as they are sent to Zotero, and what its answers mean."""

import json
import re
from dataclasses import replace

import pytest

from digest.models.citations import Citation
from digest.models.errors import InvalidChange, SourceChanged, SourceError
from digest.sources.http.client import Client
from digest.sources.libraries.zotero import (
    ITEM_KEY_CHARS,
    SendItemsResult,
    ZoteroRefused,
    build_item_key,
    build_items,
    find_library,
    send_items,
)
from tests.factories import make_paper
from tests.replay_server import ReplayServer, Reply

KEY = "P9NiFoyLeZu2bZNvvuQPDWsd"
SHEEP = make_paper("Counting Sheep", id="arxiv:2611.00041", authors=("Ada Loveless", "Sheep Collaboration"))
GOATS = replace(
    make_paper("On Goats", id="arxiv:2611.00042", categories=("cs.LG", "Nature")),
    aliases=("doi:10.5555/goats",),
)


def _reply(value: object, **fields: object) -> Reply:
    return Reply(body=json.dumps(value).encode(), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("access", "group", "library"),
    [
        ({"user": {"library": True, "write": True}}, "", "users/4711"),
        ({"user": {}, "groups": {"12": {"library": True, "write": True}}}, "groups/12", "groups/12"),
        (
            {"groups": {"all": {"library": True, "write": True}}},
            "https://www.zotero.org/groups/12/s",
            "groups/12",
        ),
    ],
)
async def test_find_library_that_a_key_may_write_to(
    client: Client, server: ReplayServer, access: object, group: str, library: str
) -> None:
    server.set_replies("/keys/current", _reply({"userID": 4711, "username": "ada", "access": access}))

    assert await find_library(client, server.url, KEY, group) == library
    assert server.requests[0].headers["Zotero-API-Key"] == KEY


@pytest.mark.parametrize(
    ("reply", "key", "group", "error", "words"),
    [
        (_reply({}), "my key", "", InvalidChange, "24 letters and digits"),
        (_reply({}), KEY, "sheep", InvalidChange, "groups/"),
        (Reply(status=403), KEY, "", ZoteroRefused, "does not know this key"),
        (
            _reply({"userID": 1, "access": {"user": {"library": True}}}),
            KEY,
            "",
            ZoteroRefused,
            "cannot write",
        ),
        (_reply({"userID": 1, "access": {}}), KEY, "groups/12", ZoteroRefused, "cannot write"),
        (_reply([1]), KEY, "", SourceChanged, "does not say"),
        (Reply(body=b"<html>"), KEY, "", SourceError, "web page"),
        (Reply(status=503), KEY, "", SourceError, "503"),
        (Reply(status=429, headers={"Retry-After": "900"}), KEY, "", SourceError, "429"),
    ],
)
async def test_find_library_says_what_is_wrong(  # noqa: PLR0917  a table
    client: Client,
    server: ReplayServer,
    reply: Reply,
    key: str,
    group: str,
    error: type[Exception],
    words: str,
) -> None:
    server.set_replies("/keys/current", reply)

    with pytest.raises(error, match=words) as raised:
        await find_library(client, server.url, key, group)
    assert key not in str(raised.value)


def test_items_hold_what_zotero_knows_of_a_paper() -> None:
    [sheep] = build_items(Citation(SHEEP, tags=("to read",)), owner="reader1")
    goats, note = build_items(Citation(GOATS, "Read <this>\nsoon"), owner="reader1")

    assert sheep == {
        "key": build_item_key("reader1", SHEEP.id),
        "version": 0,
        "itemType": "preprint",
        "title": "Counting Sheep",
        "creators": [
            {"creatorType": "author", "firstName": "Ada", "lastName": "Loveless"},
            {"creatorType": "author", "name": "Sheep Collaboration"},
        ],
        "abstractNote": SHEEP.abstract,
        "date": "2026-11-22",
        "DOI": "10.48550/arXiv.2611.00041",
        "url": "https://arxiv.org/abs/2611.00041",
        "tags": [{"tag": "to read"}],
        "repository": "arXiv",
        "archiveID": "arXiv:2611.00041",
    }
    assert (goats["itemType"], goats["DOI"], goats["extra"]) == (
        "journalArticle", "10.5555/goats", "arXiv:2611.00042",
    )  # fmt: skip
    assert goats["publicationTitle"] == "Nature"
    assert (note["itemType"], note["parentItem"]) == ("note", goats["key"])
    assert note["note"] == "<p>Read &lt;this&gt;<br>soon</p>"


def test_item_keys_are_zoteros_and_differ_by_reader_and_paper() -> None:
    keys = {build_item_key(owner, name) for owner in ("a", "b") for name in ("x", "y", "x note")}

    assert len(keys) == 6
    assert all(re.fullmatch(f"[{ITEM_KEY_CHARS}]{{8}}", key) for key in keys)


async def test_items_there_already_count_as_taken_and_others_are_rejected(
    client: Client, server: ReplayServer
) -> None:
    answer = {
        "success": {},
        "failed": {
            "0": {"code": 412, "message": "Item exists"},
            "1": {"code": 400, "message": "'x' is not a\nvalid field"},
            "9": {"code": 400, "message": "of nothing"},
        },
    }
    server.set_replies("/users/4711/items", _reply(answer))

    result = await send_items(
        client,
        server.url,
        "users/4711",
        KEY,
        [Citation(SHEEP), Citation(GOATS)],
        owner="reader1",
    )

    assert result == SendItemsResult((SHEEP.id,), {GOATS.id: "'x' is not a valid field"})
    [request] = server.requests
    assert request.headers["Zotero-API-Version"] == "3"
    assert [item["title"] for item in json.loads(request.body)] == ["Counting Sheep", "On Goats"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=403), ZoteroRefused),
        (Reply(status=404), ZoteroRefused),
        (Reply(status=409), SourceError),
        (Reply(status=500), SourceError),
        (_reply(["x"]), SourceChanged),
        (_reply({"failed": {}}), SourceChanged),
    ],
)
async def test_send_items_tells_a_refused_key_from_a_service_that_fails(
    client: Client, server: ReplayServer, reply: Reply, error: type[Exception]
) -> None:
    server.set_replies("/users/1/items", reply)

    with pytest.raises(error):
        await send_items(client, server.url, "users/1", KEY, [Citation(SHEEP)], owner="reader1")
