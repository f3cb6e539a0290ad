"""Fixtures of the tests of the administration: forms as the browser of somebody signed in sends them."""

import re
from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient, Response

from tests.web.visit import ADMIN, BASE, VIEWER

OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}
Poster = Callable[..., Awaitable[Response]]


async def _sign_in(visitor: AsyncClient, token: str) -> Poster:
    await visitor.post("/admin/login", data={"token": token}, headers=OURS)
    match = re.search(r'name="csrf" value="([^"]+)"', (await visitor.get("/admin")).text)
    assert match
    csrf = match[1]

    async def post(path: str, files: dict[str, object] | None = None, **fields: str) -> Response:
        return await visitor.post(path, data={"csrf": csrf, **fields}, files=files, headers=OURS)  # type: ignore[arg-type]

    return post


@pytest.fixture
async def post(visitor: AsyncClient) -> Poster:
    """Post a form as an owner; the visitor is signed in as one from now on."""
    return await _sign_in(visitor, ADMIN)


@pytest.fixture
async def post_as_viewer(visitor: AsyncClient) -> Poster:
    """Post a form as a viewer; the visitor is signed in as one from now on."""
    return await _sign_in(visitor, VIEWER)
