"""Tests of the examples in the API's reference: each is a request that is answered as the page says."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response

from digest.app.services import Services
from digest.models import DeliveryKind, FetchResult, Subscriber, SuppressionReason
from digest.models.addresses import hash_address
from digest.pipeline import plan
from digest.subscribers import Actor
from digest.subscribers.reader_tokens import add_reader_token
from digest.subscribers.saved_papers import save_paper
from digest.web.api.document import EXAMPLES_FILE, Example, build_document, load_examples
from digest.web.api.schemas import PREFIX
from tests.factories import NOW, make_paper, make_signal
from tests.web.visit import ADMIN, BASE

SHEARING = make_paper("Shearing Sheep at Scale", id="arxiv:2611.90001", first_seen=None)
MAX_SHOWN_ENTRIES = 1  # of a list of objects in an answer


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the reference; `{names}` in its path are filled in by the test."""

    title: str
    method: str
    path: str
    body: object = None
    status: int = 200


NEW = {"email": "eve@example.com", "keywords": ["tea"], "timezone": "Europe/Berlin", "confirmed": True}
CHANGES = {"keywords": "sheep, goats", "send_at": "06:30"}
ROWS = "email,keywords\nann@example.com,tea\nnobody,\n"
REQUESTS = (
    Request("Add somebody who consented before", "POST", "/subscribers", NEW, 201),
    Request("The confirmed readers of one tag", "GET", "/subscribers?status=confirmed&tag=beta&limit=10"),
    Request("One subscriber, by address", "GET", "/subscribers/ada@example.com"),
    Request("Change interests and time", "PATCH", "/subscribers/ada@example.com", CHANGES),
    Request("Pause until a day", "POST", "/subscribers/ada@example.com/pause", {"until": "2026-12-24"}),
    Request("Send again", "POST", "/subscribers/ada@example.com/resume"),
    Request("The latest mails to a subscriber", "GET", "/subscribers/ada@example.com/deliveries"),
    Request("What today's digest would hold", "GET", "/subscribers/ada@example.com/preview"),
    Request("Give a tag", "PUT", "/subscribers/ada@example.com/tags/beta", None, 204),
    Request("All tags", "GET", "/tags"),
    Request("Take the tag away", "DELETE", "/subscribers/ada@example.com/tags/beta", None, 204),
    Request("Check a file before importing it", "POST", "/subscribers/import?dry_run=true", ROWS),
    Request("Everybody as CSV", "GET", "/subscribers/export"),
    Request("Erase somebody", "DELETE", "/subscribers/eve@example.com", None, 204),
    Request("Suppressed for hard bounces", "GET", "/suppressions?reason=hard"),
    Request("Never write to an address again", "POST", "/suppressions", {"email": "ben@example.com"}),
    Request("Is an address suppressed?", "POST", "/suppressions/lookup", {"email": "ben@example.com"}),
    Request("Allow writing to it again", "POST", "/suppressions/lift", {"email": "ben@example.com"}),
    Request("Lift one of the list", "DELETE", "/suppressions/{suppression}", None, 204),
    Request("What a subscriber was sent", "GET", "/editions?subscriber=ada@example.com&limit=10"),
    Request("One edition, with its reasons", "GET", "/editions/{edition}"),
    Request("Messages that a server refused", "GET", "/deliveries?state=rejected"),
    Request("One message and what was reported about it", "GET", "/deliveries/{edition}"),
    Request("Search", "GET", "/papers?q=shearing&limit=5"),
    Request("One paper", "GET", "/papers/{paper}"),
    Request("What trends this week", "GET", "/trending?window=week&limit=5"),
    Request("A paper as BibTeX", "GET", "/export?paper={paper}&format=bibtex"),
    Request("A digest as RIS", "GET", "/subscribers/ada@example.com/digest/export?format=ris"),
    Request("Saved papers as Markdown", "GET", "/subscribers/ada@example.com/saved/export?format=markdown"),
    Request("What is new for me", "GET", "/me/digest"),
    Request("Why I was sent a paper", "GET", "/me/why?paper={paper}"),
    Request("Search, as a reader", "GET", "/me/search?q=shearing"),
    Request("More like this", "POST", "/me/vote", {"paper": "2611.90001", "verdict": "more"}),
    Request("Save a paper", "POST", "/me/save", {"paper": "2611.90001", "note": "Monday", "tags": "sheep"}),
    Request("How the sources do", "GET", "/sources"),
    Request("The readings of a week", "GET", "/sources/huggingface/readings?days=7"),
    Request("What waits for somebody to look", "GET", "/holds"),
    Request("Let it go", "POST", "/holds/release", {"key": "daily/2026-11-22"}, 204),
    Request("The last runs", "GET", "/runs?limit=5"),
    Request("How things stand", "GET", "/status"),
    Request("Send again after a restored backup", "POST", "/sending/resume", None, 204),
    Request("Who erased subscribers", "GET", "/audit?action=erase"),
)  # fmt: skip


@pytest.fixture
def ids(services: Services, ada: Subscriber) -> dict[str, str]:
    """Fill the database so that every request has something to show; return what the paths need."""
    ben = hash_address(services.suppression_key, "cem@example.com")
    with services.store.begin() as tx:
        tx.tags.add([ada.id], "beta")
        tx.suppressions.add(
            ben, SuppressionReason.HARD, now=NOW, source="delivery 5.1.1", evidence="550 5.1.1 No such user"
        )
        tx.sources.record(FetchResult(source="huggingface", scope="daily", read_at=NOW))
        tx.sources.hold("daily/2026-11-22", "arXiv answered with half a day.", at=NOW)
        tx.runs.add(
            {"fetched": 412, "new": 87, "planned": 31, "sent": 31, "seconds": 4.2},
            started_at=NOW, ended_at=NOW + timedelta(seconds=4),
        )  # fmt: skip
        tx.subscribers.set_next_due({ada.id: NOW - timedelta(hours=2)})
        tx.papers.add([SHEARING], seen_at=NOW - timedelta(hours=6))
        tx.signals.add([make_signal(SHEARING, 250, hours_ago=1)])
        reader = Actor("reader", NOW, b"key")
        save_paper(tx, ada, SHEARING, actor=reader)
        token = add_reader_token(tx, ada.public_id, "my agent", may_write=True, actor=reader)
    plan.plan_editions(services.store, NOW)
    with services.store.begin(write=False) as tx:
        mails = tx.deliveries.list_by_subscriber(ada.id)
        edition = next(mail for mail in mails if mail.kind is DeliveryKind.DIGEST)
    return {"suppression": ben, "edition": edition.public_id, "paper": SHEARING.id, "token": token}


async def test_every_example_is_answered_as_the_reference_says(
    app: FastAPI, ids: dict[str, str], request: pytest.FixtureRequest
) -> None:
    answered = await make_requests(app, ids)
    if request.config.getoption("--update-examples", default=False):
        texts = json.dumps([asdict(each) for each in answered], indent=1, ensure_ascii=False)
        EXAMPLES_FILE.write_text(f"{texts}\n", encoding="utf-8")
        load_examples.cache_clear()
    assert [without_ids(each) for each in load_examples()] == [without_ids(each) for each in answered]


async def make_requests(app: FastAPI, ids: dict[str, str]) -> list[Example]:
    answered = []
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as program:
        for each in REQUESTS:
            path = f"{PREFIX}{each.path.format_map(ids)}"
            is_file = isinstance(each.body, str)
            token = ids["token"] if each.path.startswith("/me/") else ADMIN
            body = str(each.body) if is_file else json.dumps(each.body) if each.body else ""
            response = await program.request(
                each.method,
                path,
                content=body or None,
                headers={"authorization": f"Bearer {token}"}
                | ({} if is_file else {"content-type": "application/json"}),
            )
            assert response.status_code == each.status, (each.title, response.text)
            shown = format_response(response)
            answered.append(Example(each.title, each.method, path, body, each.status, shown))
    return answered


def format_response(response: Response) -> str:
    """Return an answer as the page shows it: JSON in lines, lists cut, long texts cut."""
    if "json" not in response.headers.get("content-type", "") or not response.text:
        return response.text[:600]
    return json.dumps(shorten(response.json()), indent=1, ensure_ascii=False)


def shorten(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shorten(each) for name, each in value.items()}
    if isinstance(value, list):
        shown = value[:MAX_SHOWN_ENTRIES] if any(isinstance(each, dict) for each in value) else value
        return [shorten(each) for each in shown]
    return value


def without_ids(example: Example) -> tuple[object, ...]:
    """Return what stays the same: ids are random, and of an answer only the shape is compared."""
    path = re.sub(r"/(deliveries|editions|suppressions)/(?!lookup|lift)[a-z0-9]+", r"/\1/ID", example.path)
    return example.title, example.method, path, example.body, example.status, get_shape(example.response)


def get_shape(text: str) -> object:
    """Return the names and types in a JSON text; of another text, the first line."""
    try:
        return _get_shape(json.loads(text))
    except ValueError:
        return text.partition("\n")[0]


def _get_shape(value: Any) -> object:
    if isinstance(value, dict):
        return {name: _get_shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_get_shape(each) for each in value]
    return "number" if type(value) in {int, float} else type(value).__name__


def list_operations(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, methods in document["paths"].items():
        yield from ((method.upper(), path) for method in methods)


def test_every_call_has_an_example(app: FastAPI) -> None:
    document = build_document(app.state.ctx)
    patterns = {
        (method, path): re.compile(re.sub(r"\\\{\w+\\\}", "[^/?]+", re.escape(path)) + r"(\?.*)?")
        for method, path in list_operations(document)
    }
    missing = [
        (method, path)
        for (method, path), pattern in patterns.items()
        if not any(each.method == method and pattern.fullmatch(each.path) for each in load_examples())
    ]
    assert missing == []


async def test_the_reference_page_shows_every_call_with_its_example_and_is_off_with_the_api(
    app: FastAPI, visitor: AsyncClient
) -> None:
    page = await visitor.get("/api")
    assert page.status_code == 200
    for method, path in list_operations(build_document(app.state.ctx)):
        assert f"<b>{method}</b> {path}" in page.text
    for example in load_examples():
        assert example.title.replace("'", "&#39;") in page.text
    assert "curl" in page.text
