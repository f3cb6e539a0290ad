"""What may a program of the operator do?"""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest.models import Status, Subscriber
from tests.web.visit import ADMIN, BASE, VIEWER, Look

HOME = "/api/v1/subscribers"


@pytest.fixture
async def program(app: FastAPI) -> AsyncIterator[AsyncClient]:
    """A script with the admin token."""
    bearer = {"authorization": f"Bearer {ADMIN}"}
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=bearer) as client:
        yield client


async def test_a_subscriber_lives_from_adding_to_erasing(program: AsyncClient, reader_now: Look) -> None:
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
    assert reader_now("eve@example.com") is None


async def test_without_asserted_consent_an_added_subscriber_is_asked(
    program: AsyncClient, reader_now: Look
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
    assert [each["email"] for each in page["subscribers"]] == [ada.address]
    waiting = (await program.get(HOME, params={"status": "unconfirmed", "q": "BOB"})).json()
    assert [each["email"] for each in waiting["subscribers"]] == [bob.address]


async def test_a_suppressed_address_cannot_be_added_until_that_is_lifted(
    program: AsyncClient, ada: Subscriber, reader_now: Look
) -> None:
    assert (await program.post("/api/v1/suppressions", json={"email": ada.address})).json() == {
        "changed": True
    }
    left = reader_now(ada.address)
    assert left
    assert left.status is Status.UNSUBSCRIBED
    again = await program.post(HOME, json={"email": ada.address})
    assert again.status_code == 409
    assert "suppressed" in again.json()["error"]
    lifted = await program.post("/api/v1/suppressions/lift", json={"email": ada.address})
    assert lifted.json() == {"changed": True}


@pytest.mark.parametrize(
    "given", [None, "Bearer", "Bearer wrong", f"Basic {ADMIN}", f"Bearer {ADMIN}x", "Bearer \u00fc"]
)
async def test_without_a_token_of_ours_nothing_is_told(app: FastAPI, given: str | None) -> None:
    headers = [(b"authorization", given.encode())] if given else []
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as stranger:
        for method, path in (("GET", HOME), ("POST", HOME), ("DELETE", f"{HOME}/x")):
            answer = await stranger.request(method, path, headers=headers)
            assert answer.status_code in {401, 429}
            assert "error" in answer.json()


async def test_guessing_tokens_soon_has_to_wait_while_the_right_one_goes_on_elsewhere(
    app: FastAPI, program: AsyncClient
) -> None:
    async with AsyncClient(
        transport=ASGITransport(app, client=("203.0.113.5", 1)), base_url=BASE
    ) as stranger:
        codes = [(await stranger.get(HOME)).status_code for _ in range(8)]
    assert codes[-1] == 429
    assert (await program.get(HOME)).status_code == 200


async def test_a_viewers_token_only_looks(program: AsyncClient, ada: Subscriber, reader_now: Look) -> None:
    program.headers["authorization"] = f"Bearer {VIEWER}"
    assert (await program.get(HOME)).status_code == 200
    for method, path in (("DELETE", f"{HOME}/{ada.pid}"), ("PATCH", f"{HOME}/{ada.pid}"), ("POST", HOME)):
        assert (await program.request(method, path, json={})).status_code == 403
    assert reader_now(ada.address) == ada


SENSELESS = [
    {}, {"email": "nobody"}, {"email": "eve@example.com", "timezone": "Mars/Olympus"}, {"email": 7}, [], "x",
    {"email": "eve@example.com", "send_at": "25:00"}, {"email": "eve@example.com", "colour": "blue"},
    {"email": "eve@example.com", "picked": 10_000}, {"email": "eve@example.com", "keywords": {"a": 1}},
    {"email": "eve@example.com\r\nBcc: x@example.com"},
]  # fmt: skip


@pytest.mark.parametrize("body", SENSELESS, ids=str)
async def test_what_makes_no_sense_is_refused_with_a_sentence(
    program: AsyncClient, reader_now: Look, body: object
) -> None:
    answer = await program.post(HOME, json=body)
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert reader_now("eve@example.com") is None


async def test_the_api_describes_itself_and_names_every_call(program: AsyncClient) -> None:
    told = (await program.get("/api/v1/openapi.json")).json()
    assert told["openapi"].startswith("3.")
    assert set(told["paths"]) >= {HOME, HOME + "/{who}", HOME + "/{who}/pause", "/api/v1/suppressions"}
    assert "bearer" in str(told["components"]["securitySchemes"]).lower()
    assert all(call["description"] for path in told["paths"].values() for call in path.values())


async def test_a_file_goes_in_and_everyone_comes_out(program: AsyncClient, reader_now: Look) -> None:
    lines = b'{"email": "ann@example.com", "keywords": ["tea"]}\n{"email": "nobody"}\n'
    tried = (await program.post(f"{HOME}/import?dry_run=true", content=lines)).json()
    assert tried["counts"] == {"added": 1, "invalid": 1}
    assert tried["noted"][0]["number"] == 2
    assert reader_now("ann@example.com") is None
    assert (await program.post(f"{HOME}/import", content=lines)).json()["counts"]["added"] == 1
    assert "ann@example.com,unconfirmed,tea" in (await program.get(f"{HOME}/export")).text
    assert (await program.post(f"{HOME}/import", content=b"{")).status_code == 422


async def test_a_file_is_read_as_the_commands_read_it(program: AsyncClient, reader_now: Look) -> None:
    exported = 'email;name;attributes\nann@example.com;Ann;"{""keywords"": [""tea""]}"\n'.encode("utf-16")
    assert (await program.post(f"{HOME}/import", content=exported)).json()["counts"] == {"added": 1}
    ann = reader_now("ann@example.com")
    assert ann
    assert ann.profile.keywords == ("tea",)


@pytest.mark.parametrize("broken", [b"ann@example.com,tea\n", b"email\nann@example.com\n\xff\n", b""])
async def test_of_a_file_that_cannot_be_read_nothing_is_taken_in(
    program: AsyncClient, reader_now: Look, broken: bytes
) -> None:
    assert (await program.post(f"{HOME}/import", content=broken)).status_code == 422
    assert reader_now("ann@example.com") is None
