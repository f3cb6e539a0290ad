"""Tests of what all calls of the API share: pages, conditional requests, errors and roles."""

import ast
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.cli import COMMANDS
from digest.models import Status, Subscriber, SuppressionReason
from digest.models.administrators import Role
from digest.models.errors import InvalidChange
from digest.web.actors import describe_actors
from digest.web.api.cursors import CursorKind, decode_cursor, encode_cursor
from digest.web.api.document import API_MODULES
from digest.web.api.schemas import PREFIX
from tests.factories import NOW, store_subscriber
from tests.web.visit import ADMIN, BASE, VIEWER

PACKAGE = Path(__file__).parents[3] / "digest"
A_COMMAND = re.compile(rf"\bdigest (?:{'|'.join(COMMANDS)})\b|--[a-z]")


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client with the admin token."""
    bearer = {"authorization": f"Bearer {ADMIN}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE + PREFIX, headers=bearer) as client:
        yield client


async def read_all(program: AsyncClient, path: str, name: str, **params: str) -> list[str]:
    """Return the ids of all entries of a list, two to a page."""
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await program.get(path, params={**params, "limit": "2", "cursor": cursor})).json()
        found += [entry.get("id") or entry.get("key") for entry in page[name]]
        cursor = page["next_cursor"]
    return found


@pytest.mark.parametrize("order", [{}, {"descending": "true"}, {"sort": "address"}, {"q": "example.org"}])
async def test_pages_hold_every_subscriber_once_in_every_order(
    program: AsyncClient, services: Services, order: dict[str, str]
) -> None:
    with services.store.begin() as tx:
        readers = [store_subscriber(tx, f"reader{n}@example.org", now=NOW) for n in range(5)]

    found = await read_all(program, "/subscribers", "subscribers", **order)

    assert sorted(found) == sorted(reader.public_id for reader in readers)


async def test_a_page_repeats_nobody_when_others_are_erased_meanwhile(
    program: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        readers = [store_subscriber(tx, f"reader{n}@example.org", now=NOW) for n in range(4)]
    first = (await program.get("/subscribers", params={"limit": "2"})).json()
    with services.store.begin() as tx:
        tx.subscribers.erase(readers[0].id, now=NOW)
    second = await program.get("/subscribers", params={"limit": "2", "cursor": first["next_cursor"]})
    assert [each["id"] for each in second.json()["subscribers"]] == [each.public_id for each in readers[2:]]


async def test_every_other_list_has_pages_too(
    program: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        for n in range(5):
            tx.suppressions.add(f"k{n}", SuppressionReason.HARD, now=NOW + timedelta(seconds=n))
            tx.runs.add({"sent": n}, started_at=NOW, ended_at=NOW)
            tx.audit.write("admin:admin", "tag", ada.public_id, at=NOW)
    for path, name in (("/suppressions", "suppressions"), ("/runs", "runs"), ("/audit", "lines")):
        found = await read_all(program, path, name)
        assert len(found) == len(set(found)) == 5, path
    papers = await read_all(program, "/papers", "papers")
    assert len(papers) == len(set(papers)) == 3


@pytest.mark.parametrize(
    "cursor", ["x", "é", "YTE", encode_cursor(CursorKind.AFTER, 2**70), "b" * 40, "\x00"]
)
async def test_a_cursor_of_another_list_or_of_nobody_is_refused(program: AsyncClient, cursor: str) -> None:
    response = await program.get("/runs", params={"cursor": cursor})
    assert response.status_code == 422
    assert "cursor" in response.json()["detail"]
    with pytest.raises(InvalidChange):
        decode_cursor(CursorKind.OFFSET, cursor)


async def test_an_answer_that_is_known_is_not_sent_again(program: AsyncClient, ada: Subscriber) -> None:
    for path in ("/subscribers", f"/subscribers/{ada.public_id}", "/status", "/trending", "/audit"):
        first = await program.get(path)
        known = {"if-none-match": f'"other", W/{first.headers["etag"]}'}
        again = await program.get(path, headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await program.post(f"/subscribers/{ada.public_id}/pause")
    changed = await program.get(f"/subscribers/{ada.public_id}", headers=known)
    assert changed.status_code == 200


async def test_a_change_that_would_overwrite_somebody_elses_is_refused(
    program: AsyncClient, ada: Subscriber
) -> None:
    path = f"/subscribers/{ada.public_id}"
    seen = (await program.get(path)).headers["etag"]
    mine = await program.patch(path, json={"keywords": "tea"}, headers={"if-match": seen})
    assert mine.status_code == 200
    theirs = await program.patch(path, json={"keywords": "cups"}, headers={"if-match": seen})
    assert (theirs.status_code, "changed since" in theirs.json()["detail"]) == (412, True)
    assert (await program.delete(path, headers={"if-match": seen})).status_code == 412
    after = await program.get(path)
    assert after.json()["profile"]["keywords"] == ["tea"]
    assert after.headers["etag"] == mine.headers["etag"]
    assert (await program.delete(path, headers={"if-match": after.headers["etag"]})).status_code == 204


async def test_errors_are_problems_that_name_every_field(program: AsyncClient) -> None:
    wrong = await program.post("/subscribers", json={"picked": 10_000, "weekday": 9})
    assert wrong.headers["content-type"] == "application/problem+json"
    problem = wrong.json()
    assert (problem["status"], problem["title"]) == (422, HTTPStatus(422).phrase)
    assert {each["field"] for each in problem["errors"]} == {"body.email", "body.picked", "body.weekday"}
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("PUT", "/status", 405),
        ("GET", "/papers/none", 404),
    ):
        response = await program.request(method, path)
        assert (response.status_code, response.json()["status"]) == (status, status)
        assert response.headers["content-type"] == "application/problem+json"


async def test_advice_of_the_api_names_calls_instead_of_commands(
    program: AsyncClient, ada: Subscriber
) -> None:
    known = await program.post("/subscribers", json={"email": ada.address})
    await program.post("/suppressions", json={"email": "eve@example.com"})
    suppressed = await program.post("/subscribers", json={"email": "eve@example.com"})
    for response, call in (
        (known, f"PATCH {PREFIX}/subscribers/{ada.public_id}"),
        (suppressed, "/suppressions/lift"),
    ):
        assert response.status_code == 409
        assert call in response.json()["detail"]
        assert not A_COMMAND.search(response.json()["detail"])


def test_no_error_that_the_api_can_show_names_a_command() -> None:
    """Those that name one say so with `advise`, which each caller answers in their own way."""
    found = []
    for path in (
        path for package in ("subscribers", "models", "web") for path in (PACKAGE / package).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Raise)
                and isinstance(node.exc, ast.Call)
                and isinstance(node.exc.func, ast.Name)
            ):
                texts = [str(each.value) for each in ast.walk(node.exc) if isinstance(each, ast.Constant)]
                found += [f"{path.name}: {text}" for text in texts if A_COMMAND.search(text)]
    assert [each for each in found if "pip install" not in each] == []


async def test_a_viewer_is_refused_by_every_call_that_changes_something(
    app: FastAPI, services: Services, ada: Subscriber
) -> None:
    calls = [
        (method, route.path_format)
        for module in API_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
        if method not in {"GET", "HEAD"} and not route.path.endswith("/lookup")
        if not route.path.startswith(f"{PREFIX}/me/")  # of readers, by tokens of theirs
    ]
    assert len(calls) >= 12
    with services.store.begin(write=False) as tx:
        before = tx.audit.search(), tx.subscribers.get_by_public_id(ada.public_id)
    bearer = {"authorization": f"Bearer {VIEWER}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=bearer) as viewer:
        for method, path in calls:
            filled = re.sub(r"\{\w+\}", ada.public_id, path)
            response = await viewer.request(method, filled, json={"email": "x@example.com", "key": "x"})
            assert response.status_code == 403, (method, path)
        looked_up = await viewer.post(f"{PREFIX}/suppressions/lookup", json={"email": ada.address})
        assert looked_up.json() == {"suppression": None}
    with services.store.begin(write=False) as tx:
        assert (tx.audit.search(), tx.subscribers.get_by_public_id(ada.public_id)) == before


async def test_tags_are_given_counted_and_taken(
    program: AsyncClient, ada: Subscriber, bob: Subscriber
) -> None:
    for reader in (ada, bob, ada):
        assert (await program.put(f"/subscribers/{reader.public_id}/tags/ beta  two ")).status_code == 204
    assert (await program.get("/tags")).json() == {"tags": [{"name": "beta two", "subscribers": 2}]}
    assert (await program.get(f"/subscribers/{ada.public_id}")).json()["tags"] == ["beta two"]
    tagged = (await program.get("/subscribers", params={"tag": "beta two", "status": "confirmed"})).json()
    assert [each["id"] for each in tagged["subscribers"]] == [ada.public_id]
    path = f"/subscribers/{ada.public_id}/tags/beta two"
    assert [(await program.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert (await program.put(f"/subscribers/{ada.public_id}/tags/a,b")).status_code == 422
    lines = (await program.get("/audit", params={"subject": ada.public_id})).json()["lines"]
    assert [line["action"] for line in lines] == ["untag", "tag"]


async def test_a_suppression_is_looked_up_by_address_and_lifted_by_its_key(program: AsyncClient) -> None:
    await program.post("/suppressions", json={"email": "eve@example.com"})
    (listed,) = (await program.get("/suppressions", params={"reason": "admin"})).json()["suppressions"]
    found = (await program.post("/suppressions/lookup", json={"email": "EVE@example.com"})).json()
    assert found["suppression"] == listed
    assert "eve" not in str(listed)
    statuses = [(await program.delete(f"/suppressions/{listed['key']}")).status_code for _ in range(2)]
    assert statuses == [204, 404]


async def test_lifting_a_suppression_by_address_or_key_continues_the_subscription(
    program: AsyncClient, services: Services, ada: Subscriber
) -> None:
    for by_key in (True, False):
        await program.post("/suppressions", json={"email": ada.address})
        (listed,) = (await program.get("/suppressions")).json()["suppressions"]
        if by_key:
            await program.delete(f"/suppressions/{listed['key']}")
        else:
            await program.post("/suppressions/lift", json={"email": ada.address})
        with services.store.begin(write=False) as tx:
            assert tx.subscribers.get_by_address(ada.address).status is Status.CONFIRMED


async def test_the_audit_log_names_people(app: FastAPI, services: Services) -> None:
    with services.store.begin() as tx:
        ada = tx.administrators.add("Ada", "ada@example.com", Role.OWNER, now=NOW)
        tx.administrators.remove(ada, now=NOW)
        pid = ada.public_id
        words = describe_actors(
            tx, [f"admin:{pid}", f"api:{pid}", "admin:admin", "cli:root", "reader", "admin:x"]
        )
    assert words == {
        f"admin:{pid}": "Ada", f"api:{pid}": "Ada, by API", "admin:admin": "DIGEST_ADMIN_TOKEN",
        "cli:root": "cli:root", "reader": "reader", "admin:x": "admin:x",
    }  # fmt: skip
