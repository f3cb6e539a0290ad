"""Does anything that anyone can send break a page? Whatever comes, the answer is never a failure of ours."""

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
from tests.web.visit import ADMIN, BASE, path_of

ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
NAMES = ("email", "keywords", "muted", "authors", "text", "timezone", "send_at", "frequency", "weekday",
         "mix", "trending", "picked", "also_new", "language", "confirmed", "until", "status")  # fmt: skip
FIELDS = ("do", "keywords", "text", "facet_name", "facet_keywords", "pasted", "mix", "trending", "send_at",
          "timezone", "paused_until", "language", "term", "paper", "address")  # fmt: skip
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(NAMES), some, max_size=4),
    max_leaves=8,
)
CALLS = (
    ("GET", "subscribers/{}"), ("POST", "subscribers"), ("PATCH", "subscribers/{}"),
    ("DELETE", "subscribers/{}"),
    ("POST", "subscribers/{}/pause"), ("POST", "subscribers/{}/resume"), ("GET", "subscribers/{}/deliveries"),
    ("POST", "subscribers/import"), ("POST", "suppressions"), ("POST", "suppressions/lift"),
)  # fmt: skip


@pytest.fixture
def someone(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE, follow_redirects=False) as client:
        yield client


@ONCE
@given(call=st.sampled_from(CALLS), who=st.text(max_size=20), body=anything)
def test_no_json_breaks_the_api(someone: TestClient, call: tuple[str, str], who: str, body: object) -> None:
    method, path = call
    path = "/api/v1/" + path.format(quote(who, safe=""))
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    answer = someone.request(method, path, content=json.dumps(body), headers=headers)
    assert answer.status_code < 500
    if answer.status_code >= 400 and answer.headers.get("content-type") == "application/json":
        assert "error" in answer.json()


@ONCE
@given(st.dictionaries(st.sampled_from(("status", "q", "sort", "limit", "offset", "descending")), st.text()))
def test_no_question_breaks_the_lists(someone: TestClient, asked: dict[str, str]) -> None:
    bearer = {"authorization": f"Bearer {ADMIN}"}
    assert someone.get("/api/v1/subscribers", params=asked, headers=bearer).status_code < 500
    assert someone.get("/papers", params=asked).status_code < 500
    assert someone.get("/feed.json", params={"category": asked.get("q", "")}).status_code < 500
    assert someone.get("/archive", params={"month": asked.get("q", "")}).status_code < 500


@ONCE
@given(st.dictionaries(st.sampled_from(FIELDS), st.text(max_size=40), max_size=6))
def test_no_form_breaks_the_preferences(
    someone: TestClient, services: Services, ada: Subscriber, form: dict[str, str]
) -> None:
    form = {name: value for name, value in form.items() if value != "erase-now"}
    assert someone.post(path_of(services.links.preferences(ada.pid)), data=form).status_code in {200, 422}
