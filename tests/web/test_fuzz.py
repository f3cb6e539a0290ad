"""Fuzzing of API, lists and preferences: no input leads to a status of 500 or more."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from digest.app.services import Services
from digest.models import Subscriber
from tests.web.visit import ADMIN, BASE, url_path

ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
NAMES = ("email", "keywords", "muted", "authors", "text", "timezone", "send_at", "frequency", "weekday",
         "mix", "trending", "picked", "also_new", "language", "confirmed", "until", "status")  # fmt: skip
FIELDS = ("do", "keywords", "text", "facet_name", "facet_keywords", "pasted", "mix", "trending", "send_at",
          "timezone", "paused_until", "language", "term", "paper", "address")  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)
CALLS = (
    ("GET", "subscribers/{}"), ("POST", "subscribers"), ("PATCH", "subscribers/{}"),
    ("DELETE", "subscribers/{}"),
    ("POST", "subscribers/{}/pause"), ("POST", "subscribers/{}/resume"), ("GET", "subscribers/{}/deliveries"),
    ("POST", "subscribers/import"), ("POST", "suppressions"), ("POST", "suppressions/lift"),
)  # fmt: skip


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


@ONCE
@given(call=st.sampled_from(CALLS), who=st.text(max_size=20), body=anything)
def test_no_json_breaks_the_api(client: TestClient, call: tuple[str, str], who: str, body: object) -> None:
    method, path = call
    path = "/api/v1/" + path.format(quote(who, safe=""))
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    response = client.request(method, path, content=json.dumps(body), headers=headers)
    assert response.status_code < 500
    if response.status_code >= 400 and response.headers.get("content-type") == "application/json":
        assert "error" in response.json()


@ONCE
@given(st.dictionaries(st.sampled_from(("status", "q", "sort", "limit", "offset", "descending")), st.text()))
def test_no_query_breaks_the_lists(client: TestClient, query: dict[str, str]) -> None:
    bearer = {"authorization": f"Bearer {ADMIN}"}
    assert client.get("/api/v1/subscribers", params=query, headers=bearer).status_code < 500
    assert client.get("/papers", params=query).status_code < 500
    assert client.get("/feed.json", params={"category": query.get("q", "")}).status_code < 500
    assert client.get("/archive", params={"month": query.get("q", "")}).status_code < 500


@ONCE
@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=40), max_size=6))
def test_no_form_breaks_the_preferences(
    client: TestClient, services: Services, ada: Subscriber, form: dict[str, str]
) -> None:
    form = {name: value for name, value in form.items() if value != "erase-now"}
    assert client.post(url_path(services.links.preferences_url(ada.public_id)), data=form).status_code in {
        200,
        422,
    }
