"""Tests of a reader's own door: token, API and MCP, over HTTP and standard input and output."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient
from httpx2 import ASGITransport
from httpx2 import AsyncClient as McpHttpClient
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from digest import subscribers
from digest.app.services import Services
from digest.db.audit import AuditFilter
from digest.models import Subscriber
from digest.pipeline.plan import plan_editions
from digest.subscribers import Actor
from digest.subscribers.reader_tokens import add_reader_token
from digest.web.rate_limits import LOGINS, READER_TOKENS
from tests.factories import NOW
from tests.web.visit import ADMIN, BASE, TITLES, Clock

MakeToken = Callable[..., str]
ACTOR = Actor("reader", NOW, b"")


@pytest.fixture
def make_token(services: Services, ada: Subscriber) -> MakeToken:
    def make(*, may_write: bool = True) -> str:
        with services.store.begin() as tx:
            return add_reader_token(tx, ada.public_id, "my agent", may_write=may_write, actor=ACTOR)

    return make


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def find_paper(services: Services, title: str) -> str:
    with services.store.begin(write=False) as tx:
        return next(paper.id for paper in tx.papers.search(title) if paper.title == title)


async def test_a_token_asks_what_is_new_and_why(
    visitor: AsyncClient, services: Services, make_token: MakeToken
) -> None:
    headers = bearer(make_token(may_write=False))

    digest = (await visitor.get("/api/v1/me/digest", headers=headers)).json()
    first = digest["papers"][0]
    why = (await visitor.get("/api/v1/me/why", headers=headers, params={"paper": first["url"]})).json()
    found = (await visitor.get("/api/v1/me/search", headers=headers, params={"q": "sheep"})).json()

    assert digest["is_sent"] is False
    assert {paper["title"] for paper in digest["papers"]} <= {*TITLES}
    assert first["why"]
    assert (why["verdict"], why["paper"]["id"]) == ("chosen", first["id"])
    assert first["why"] in why["sentence"]
    assert found["papers"]


async def test_the_digest_is_the_one_that_was_sent(
    visitor: AsyncClient, services: Services, ada: Subscriber, make_token: MakeToken, clock: Clock
) -> None:
    with services.store.begin() as tx:
        subscribers.pause(tx, ada.public_id, actor=ACTOR)
        due = subscribers.resume(tx, ada.public_id, actor=ACTOR).next_due
    assert due
    clock.now = due + timedelta(minutes=1)
    assert plan_editions(services.store, clock.now).planned == 1
    headers = bearer(make_token())

    today = (await visitor.get("/api/v1/me/digest", headers=headers)).json()
    same = await visitor.get("/api/v1/me/digest", headers=headers, params={"day": today["day"]})
    other = await visitor.get("/api/v1/me/digest", headers=headers, params={"day": "2026-01-01"})

    assert today["is_sent"] is True
    assert same.json() == today
    assert other.status_code == 404


async def test_a_token_votes_and_saves(
    visitor: AsyncClient, services: Services, ada: Subscriber, make_token: MakeToken
) -> None:
    headers, paper = bearer(make_token()), find_paper(services, TITLES[0])

    async def vote(verdict: str) -> Any:
        body = {"paper": paper, "verdict": verdict}
        return (await visitor.post("/api/v1/me/vote", headers=headers, json=body)).json()

    assert (await vote("more"))["verdict"] == "more"
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(ada.id).profile.liked[0].paper_id == paper
    assert (await vote("none"))["verdict"] == "none"
    with services.store.begin(write=False) as tx:
        assert not tx.subscribers.get_by_id(ada.id).profile.liked

    body = {"paper": paper, "note": "for the seminar", "tags": "sheep, naps"}
    saved = [(await visitor.post("/api/v1/me/save", headers=headers, json=body)).json() for _ in range(2)]
    assert [each["is_new"] for each in saved] == [True, False]
    with services.store.begin(write=False) as tx:
        (item,) = tx.saved_papers.list_by_subscriber(ada.id)
        actions = {line.action: line.actor for line in tx.audit.search(AuditFilter(subject=ada.public_id))}
    assert (item.note, item.tags) == ("for the seminar", ("sheep", "naps"))
    assert actions["save-paper"].startswith("reader-token:")


async def test_a_token_allows_no_more_than_its_scope(
    visitor: AsyncClient, services: Services, ada: Subscriber, make_token: MakeToken
) -> None:
    token, body = make_token(may_write=False), {"paper": "2611.00001", "verdict": "more"}

    assert (await visitor.post("/api/v1/me/vote", headers=bearer(token), json=body)).status_code == 403
    assert (await visitor.get("/api/v1/subscribers", headers=bearer(token))).status_code == 401
    for wrong in (ADMIN, token[:-1], token.replace("reader", "admin"), ""):
        assert (await visitor.get("/api/v1/me/digest", headers=bearer(wrong))).status_code == 401
    with services.store.begin() as tx:
        subscribers.unsubscribe(tx, ada.public_id, actor=ACTOR)
    assert (await visitor.get("/api/v1/me/digest", headers=bearer(token))).status_code in (401, 429)


async def test_calls_and_wrong_tokens_are_limited(visitor: AsyncClient, make_token: MakeToken) -> None:
    headers = bearer(make_token())
    params = {"paper": "no id"}
    statuses = [
        (await visitor.get("/api/v1/me/why", headers=headers, params=params)).status_code
        for _ in range(int(READER_TOKENS.burst) + 1)
    ]
    wrong = [(await visitor.get("/api/v1/me/why")).status_code for _ in range(int(LOGINS.burst) + 1)]

    assert statuses == [422] * int(READER_TOKENS.burst) + [429]
    assert wrong == [401] * int(LOGINS.burst) + [429]


async def test_tokens_are_made_shown_once_and_ended_on_their_page(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    url = services.links.preferences_url(ada.public_id).removeprefix(BASE) + "/programs"

    made = (await visitor.post(url, data={"do": "add", "name": "<b>agent</b>", "may_write": "yes"})).text
    token = made.partition('value="digest_reader_')[2].partition('"')[0]
    headers = bearer(f"digest_reader_{token}")
    assert (await visitor.get("/api/v1/me/digest", headers=headers)).status_code == 200
    page = (await visitor.get(url)).text
    assert token not in page
    assert "&lt;b&gt;agent&lt;/b&gt;" in page
    assert "last used on" in page

    with services.store.begin(write=False) as tx:
        (stored,) = tx.reader_tokens.list_by_subscriber(ada.id)
        actions = [line.action for line in tx.audit.search(AuditFilter(subject=ada.public_id))]
    await visitor.post(url, data={"do": "end", "token": str(stored.id)})
    assert (await visitor.get("/api/v1/me/digest", headers=headers)).status_code == 401
    assert "add-token" in actions
    assert (await visitor.post(url, data={"do": "add", "name": " "})).status_code == 422


async def check_mcp(client: Client, paper: str) -> None:
    names = {tool.name for tool in (await client.list_tools()).tools}
    assert names == {"get_digest", "explain_paper", "search_papers", "vote_on_paper", "save_paper"}

    digest = await client.call_tool("get_digest", {})
    why = await client.call_tool("explain_paper", {"paper": paper})
    voted = await client.call_tool("vote_on_paper", {"paper": paper, "verdict": "more"})
    saved = await client.call_tool("save_paper", {"paper": paper, "tags": "later"})
    failed = await client.call_tool("explain_paper", {"paper": "2001.00001"})

    assert digest.structured_content
    assert paper in {each["id"] for each in digest.structured_content["papers"]}
    assert why.structured_content
    assert why.structured_content["sentence"].startswith("It is in today's digest")
    assert voted.structured_content
    assert voted.structured_content["verdict"] == "more"
    assert saved.structured_content == {"paper": paper, "is_new": True}
    assert failed.is_error
    assert "No source has announced this paper to us." in str(failed.content)


async def test_an_mcp_client_over_http(
    app: FastAPI, visitor: AsyncClient, services: Services, make_token: MakeToken
) -> None:
    transport = ASGITransport(app)
    async with (
        McpHttpClient(transport=transport, base_url=BASE, headers=bearer(make_token())) as http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http)) as client,
    ):
        await check_mcp(client, find_paper(services, TITLES[0]))

    assert (await visitor.post("/mcp", json={})).status_code == 401
    assert (await visitor.get("/mcp")).status_code == 405


async def test_an_mcp_client_sees_no_writing_tools_with_a_reading_token(
    app: FastAPI, make_token: MakeToken
) -> None:
    headers = bearer(make_token(may_write=False))
    async with (
        McpHttpClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as http,
        Client(streamable_http_client(f"{BASE}/mcp", http_client=http)) as client,
    ):
        names = {tool.name for tool in (await client.list_tools()).tools}

    assert names == {"get_digest", "explain_paper", "search_papers"}


async def test_an_mcp_client_over_standard_input_and_output(
    services: Services, make_token: MakeToken
) -> None:
    environment = {
        **os.environ,
        "READER_TOKEN": make_token(),
        "DIGEST_DATABASE_URL": services.settings.database_url,
        "DIGEST_SECRET_KEY": services.settings.secret_key.get_secret_value(),
        "DIGEST_VECTORS": "none",
    }
    parameters = StdioServerParameters(command=sys.executable, args=["-m", "digest", "mcp"], env=environment)
    async with Client(stdio_client(parameters)) as client:
        found = await client.call_tool("search_papers", {"query": "sheep"})
        refused = await client.call_tool("get_digest", {"day": "2020-01-01"})

    assert found.structured_content
    assert found.structured_content["papers"]
    assert refused.is_error
