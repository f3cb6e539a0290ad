"""Tests of the JSON API."""

import re
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient

from digest.app.services import Services
from digest.db.backup import format_restored
from digest.models import Status, Subscriber
from digest.subscribers import Actor
from digest.subscribers.reader_tokens import add_reader_token
from digest.web.api.document import API_MODULES
from digest.web.api.schemas import PROBLEM_TYPE
from digest.web.middleware import MAX_BODY_BYTES, MAX_IMPORT_BYTES
from tests.factories import NOW
from tests.web.visit import ADMIN, BASE, VIEWER, ReaderLookup

HOME = "/api/v1/subscribers"
CALLS = sorted(
    {
        (method, route.path_format)
        for module in API_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
)


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A client with the admin token."""
    bearer = {"authorization": f"Bearer {ADMIN}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=bearer) as client:
        yield client


async def test_a_subscriber_is_added_changed_paused_and_erased(
    program: AsyncClient, find_reader: ReaderLookup
) -> None:
    new = {"email": "eve@example.com", "keywords": ["tea"], "timezone": "Europe/Berlin", "confirmed": True}
    added = await program.post(HOME, json=new)
    assert added.status_code == 201
    eve = added.json()
    assert (eve["status"], eve["timezone"], eve["profile"]["keywords"]) == (
        "confirmed",
        "Europe/Berlin",
        ["tea"],
    )
    one = f"{HOME}/{eve['id']}"
    changed = (await program.patch(one, json={"keywords": "tea, cups", "send_at": "09:15"})).json()
    assert (changed["profile"]["keywords"], changed["send_at"]) == (["tea", "cups"], "09:15")
    assert changed["timezone"] == "Europe/Berlin"
    assert (await program.post(f"{one}/pause")).json()["status"] == "paused"
    assert (await program.post(f"{one}/resume")).json()["status"] == "confirmed"
    assert (await program.post(f"{one}/pause", json={"until": "2026-12-24"})).json()[
        "paused_until"
    ] == "2026-12-24"
    assert (await program.get(f"{HOME}/eve@example.com")).json()["id"] == eve["id"]
    assert (await program.delete(one)).status_code == 204
    assert (await program.get(one)).status_code == 404
    assert find_reader("eve@example.com") is None


async def test_without_asserted_consent_an_added_subscriber_is_asked(
    program: AsyncClient, find_reader: ReaderLookup
) -> None:
    added = (await program.post(HOME, json={"email": "eve@example.com"})).json()
    assert added["status"] == "unconfirmed"
    mails = (await program.get(f"{HOME}/{added['id']}/deliveries")).json()
    assert [mail["kind"] for mail in mails] == ["confirm"]


async def test_subscribers_are_listed_filtered_sorted_and_paged(
    program: AsyncClient, ada: Subscriber, bob: Subscriber
) -> None:
    page = (await program.get(HOME, params={"sort": "address", "limit": 1})).json()
    assert page["total"] == 2
    assert [reader["email"] for reader in page["subscribers"]] == [ada.address]
    waiting = (await program.get(HOME, params={"status": "unconfirmed", "q": "BOB"})).json()
    assert [reader["email"] for reader in waiting["subscribers"]] == [bob.address]


async def test_a_suppressed_address_cannot_be_added_until_that_is_lifted(
    program: AsyncClient, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    assert (await program.post("/api/v1/suppressions", json={"email": ada.address})).json() == {
        "changed": True
    }
    left = find_reader(ada.address)
    assert left
    assert left.status is Status.UNSUBSCRIBED
    shown = (await program.get(f"{HOME}/{ada.public_id}")).json()["suppression"]
    assert (shown["reason"], shown["evidence"]) == ("admin", "")
    again = await program.post(HOME, json={"email": ada.address})
    assert again.status_code == 409
    assert "suppressed" in again.json()["error"]
    lifted = await program.post("/api/v1/suppressions/lift", json={"email": ada.address})
    assert lifted.json() == {"changed": True}


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", f"Basic {ADMIN}", f"Bearer {ADMIN}x", "Bearer \u00fc"]
)
async def test_without_a_valid_token_nothing_is_returned(app: FastAPI, header: str | None) -> None:
    headers = [(b"authorization", header.encode())] if header else []
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as stranger:
        for method, path in (("GET", HOME), ("POST", HOME), ("DELETE", f"{HOME}/x")):
            response = await stranger.request(method, path, headers=headers)
            assert response.status_code in {401, 429}
            assert "error" in response.json()


async def test_wrong_tokens_are_rate_limited_and_lock_the_right_one_not_out(
    app: FastAPI, program: AsyncClient
) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as stranger:  # of the same address
        codes = [(await stranger.get(HOME)).status_code for _ in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert (await program.get(HOME)).status_code == 200


async def test_a_viewer_token_may_only_read(
    program: AsyncClient, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    program.headers["authorization"] = f"Bearer {VIEWER}"
    assert (await program.get(HOME)).status_code == 200
    for method, path in (
        ("DELETE", f"{HOME}/{ada.public_id}"),
        ("PATCH", f"{HOME}/{ada.public_id}"),
        ("POST", HOME),
    ):
        assert (await program.request(method, path, json={})).status_code == 403
    assert find_reader(ada.address) == ada


INVALID_BODIES = [
    {}, {"email": "nobody"}, {"email": "eve@example.com", "timezone": "Mars/Olympus"}, {"email": 7}, [], "x",
    {"email": "eve@example.com", "send_at": "25:00"}, {"email": "eve@example.com", "colour": "blue"},
    {"email": "eve@example.com", "picked": 10_000}, {"email": "eve@example.com", "keywords": {"a": 1}},
    {"email": "eve@example.com\r\nBcc: x@example.com"},
]  # fmt: skip


@pytest.mark.parametrize("body", INVALID_BODIES, ids=str)
async def test_invalid_input_is_refused_with_a_sentence(
    program: AsyncClient, find_reader: ReaderLookup, body: object
) -> None:
    response = await program.post(HOME, json=body)
    assert response.status_code == 422
    assert response.json()["error"]
    assert find_reader("eve@example.com") is None


@pytest.mark.parametrize(
    ("until", "advice"),
    [
        (0, "must be after"),
        (-1, "not a date like 2026-12-24"),
        (10**9, "not a date like 2026-12-24"),
        ("abc", "not a date like 2026-12-24"),
        ("", "not a date like 2026-12-24"),
        ("2026-02-30", "not a date like 2026-12-24"),
    ],
    ids=str,
)
async def test_a_pause_until_no_later_day_is_refused_with_what_to_write(
    program: AsyncClient, ada: Subscriber, until: object, advice: str
) -> None:
    refused = await program.post(f"{HOME}/{ada.public_id}/pause", json={"until": until})
    assert refused.status_code == 422
    assert advice in refused.json()["detail"]
    assert (await program.get(f"{HOME}/{ada.public_id}")).json()["paused_until"] is None


async def test_the_api_describes_itself_and_names_every_call(program: AsyncClient) -> None:
    description = (await program.get("/api/v1/openapi.json")).json()
    assert description["openapi"].startswith("3.")
    assert set(description["paths"]) >= {HOME, HOME + "/{who}", HOME + "/{who}/pause", "/api/v1/suppressions"}
    assert "bearer" in str(description["components"]["securitySchemes"]).lower()
    assert all(call["description"] for path in description["paths"].values() for call in path.values())


async def test_subscribers_are_imported_and_exported(program: AsyncClient, find_reader: ReaderLookup) -> None:
    lines = b'{"email": "ann@example.com", "keywords": ["tea"]}\n{"email": "nobody"}\n'
    checked = (await program.post(f"{HOME}/import?dry_run=true", content=lines)).json()
    assert checked["counts"] == {"added": 1, "invalid": 1}
    assert checked["noted"][0]["number"] == 2
    assert find_reader("ann@example.com") is None
    assert (await program.post(f"{HOME}/import", content=lines)).json()["counts"]["added"] == 1
    assert "ann@example.com,unconfirmed,tea" in (await program.get(f"{HOME}/export")).text
    assert (await program.post(f"{HOME}/import", content=b"{")).status_code == 422


async def test_an_import_accepts_the_encodings_and_columns_of_the_command(
    program: AsyncClient, find_reader: ReaderLookup
) -> None:
    exported = 'email;name;attributes\nann@example.com;Ann;"{""keywords"": [""tea""]}"\n'.encode("utf-16")
    assert (await program.post(f"{HOME}/import", content=exported)).json()["counts"] == {"added": 1}
    ann = find_reader("ann@example.com")
    assert ann
    assert ann.profile.keywords == ("tea",)


@pytest.mark.parametrize("broken", [b"ann@example.com,tea\n", b"email\nann@example.com\n\xff\n", b""])
async def test_an_unreadable_file_imports_nothing(
    program: AsyncClient, find_reader: ReaderLookup, broken: bytes
) -> None:
    assert (await program.post(f"{HOME}/import", content=broken)).status_code == 422
    assert find_reader("ann@example.com") is None


async def test_status_names_a_pause_and_settings_that_do_not_exist(
    program: AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_SMTP_RATES", "5")
    before = (await program.get("/api/v1/status")).json()
    with services.store.begin() as tx:
        tx.meta.pause("Restored from a backup.")

    after = (await program.get("/api/v1/status")).json()

    assert before["paused"] is None
    assert before["unknown_settings"]["DIGEST_SMTP_RATES"] == "DIGEST_SMTP_RATE"
    assert after["paused"] == "Restored from a backup."


async def test_sending_is_resumed_by_those_who_may_change(
    program: AsyncClient, visitor: AsyncClient, services: Services
) -> None:
    url, viewer = "/api/v1/sending/resume", {"authorization": f"Bearer {VIEWER}"}
    with services.store.begin() as tx:
        tx.meta.pause(format_restored(NOW))
    paused = (await program.get("/api/v1/status")).json()["paused"]
    assert f"then POST {url}." in paused
    assert "digest db" not in paused
    assert (await visitor.post(url, headers=viewer)).status_code == 403
    assert [(await program.post(url)).status_code for _ in range(2)] == [204, 204]
    assert (await program.get("/api/v1/status")).json()["paused"] is None
    lines = (await program.get("/api/v1/audit?action=resume-sending")).json()["lines"]
    assert [line["actor"] for line in lines] == ["api:admin"]  # the second call changed nothing


async def _send_in_parts(length: int) -> AsyncIterator[bytes]:
    for _ in range(length // 2**20 + 1):
        yield b"x" * min(length, 2**20)


async def test_every_error_of_a_call_is_json_in_english(
    app: FastAPI, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        actor = Actor("reader", NOW, b"")
        reader_token = add_reader_token(tx, ada.public_id, "agent", may_write=True, actor=actor)
    plain = {"accept-language": "de", "content-type": "application/json"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=plain) as client:
        for method, path in [*CALLS, ("POST", "/mcp")]:
            url = re.sub(r"\{\w+\}", "1", path)
            token = reader_token if path == "/mcp" or "/me/" in path else ADMIN
            bearer = {"authorization": f"Bearer {token}"}
            too_many = (MAX_IMPORT_BYTES if path.endswith("/import") else MAX_BODY_BYTES) + 1
            asked = await client.request(method, url, headers={"authorization": "Bearer wrong"})
            wrong = await client.request("PROPFIND", url)
            large = await client.request(method, url, headers={**bearer, "content-length": str(too_many)})
            parts = await client.request(method, url, headers=bearer, content=_send_in_parts(too_many))

            assert asked.status_code < 500, url
            assert wrong.status_code == 405, url
            assert wrong.json()["detail"].startswith("This address accepts "), url
            assert large.status_code == 413, url
            assert parts.status_code < 500, url
            for response in (asked, wrong, large, parts):
                if response.status_code >= 400:
                    assert response.headers["content-type"] == PROBLEM_TYPE, url
                    assert response.json()["status"] == response.status_code, url
        assert parts.status_code == 413
