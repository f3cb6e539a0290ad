"""Tests of filters, saved filters and actions on many subscribers, as an administrator uses them."""

import re
from dataclasses import replace

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.db import Transaction
from digest.models import Frequency, Preferences, Profile, Schedule, Status, SuppressionReason
from digest.models.addresses import hash_address
from tests.factories import NOW, store_subscriber
from tests.web.admin.conftest import Poster

FILTERS = {
    "q=ADA": "ada",
    "keyword=pot": "ada bob",
    "status=paused": "bob",
    "frequency=weekly": "bob",
    "language=de": "cem",
    "tag=beta": "ada cem",
    "last=never": "ada bob cem",
    "last=week": "",
    "bounce=any": "",
    "suppressed=yes": "bob",
    "suppressed=yes&tag=beta": "",
    "status=&frequency=&bounce=&last=&suppressed=&language=": "ada bob cem",
    "language=xx": "",
    "tag=beta&keyword=pot&sort=address": "ada",
}


def fill(tx: Transaction) -> None:
    ada, bob, cem = (
        store_subscriber(tx, f"{name}@example.com", status=Status.CONFIRMED, profile=profile, now=NOW)
        for name, profile in (
            ("ada", Profile(keywords=("tea pots",))),
            ("bob", Profile(keywords=("pots",))),
            ("cem", Profile()),
        )
    )
    tx.subscribers.save(replace(bob, status=Status.PAUSED, schedule=Schedule(frequency=Frequency.WEEKLY)))
    tx.subscribers.save(replace(cem, preferences=Preferences(language="de")))
    tx.tags.add([ada.id, cem.id], "beta")


@pytest.fixture
def filled(services: Services) -> Services:
    """Services with three subscribers."""
    with services.store.begin() as tx:
        fill(tx)
        for name in ("bob", "somebody.else"):
            key = hash_address(services.suppression_key, f"{name}@example.com")
            tx.suppressions.add(key, SuppressionReason.HARD, now=NOW)
    return services


def read_names(page: str) -> str:
    return " ".join(re.findall(r'aria-label="Select (\w+)@', page))


def read_form(page: str) -> dict[str, str]:
    """Return the fields of the form that a question shows."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)
    return {name: value.replace("&amp;", "&") for name, value in fields if name != "csrf"}


async def test_every_filter_shows_whom_it_should(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    for query, expected in FILTERS.items():
        page = (await visitor.get(f"/admin/subscribers?sort=address&{query}")).text
        assert read_names(page) == expected, query
        assert "Nobody" in page or expected


async def test_a_filter_is_saved_replaced_and_deleted(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    saved = await post("/admin/filters", name=" Beta  readers ", query="tag=beta&page=7")
    assert saved.headers["location"] == "/admin/subscribers?tag=beta"
    await post("/admin/filters", name="Beta readers", query="tag=beta")
    page = (await visitor.get("/admin/subscribers?tag=beta")).text
    assert page.count('<a href="/admin/subscribers?tag=beta" aria-current="true">Beta readers</a>') == 1
    assert (await post("/admin/filters", name=" ", query="")).status_code == 422
    assert (await post("/admin/filters", name="Evil", query="tag=beta&evil=1")).status_code == 422
    for _ in range(2):
        assert (await post("/admin/filters/delete", name="Beta readers")).status_code == 303
    assert "Beta readers" not in (await visitor.get("/admin/subscribers")).text


async def test_all_that_match_are_paused_after_a_question_and_resumed_again(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    asked = await visitor.get("/admin/bulk?select=all&action=pause")
    assert "Pause 2 subscribers?" in asked.text
    assert "1 paused" in asked.text
    done = await post("/admin/bulk", **read_form(asked.text))
    assert "2 subscribers paused" in (await visitor.get(done.headers["location"])).text
    again = await post("/admin/bulk", **read_form(asked.text))  # pressed twice
    assert again.headers["location"] == done.headers["location"]
    with filled.store.begin(write=False) as tx:
        assert tx.subscribers.count_by_status()[Status.PAUSED] == 3
        lines = [line for line in tx.audit.search() if line.action.startswith("bulk")]
    assert [(line.action, line.detail) for line in lines] == [("bulk-pause", {"subscribers": 2})]
    for _ in range(2):
        assert (await post(f"{done.headers['location']}/undo")).status_code == 303
    assert "Undone: 2 changed back." in (await visitor.get(done.headers["location"])).text
    with filled.store.begin(write=False) as tx:
        assert tx.subscribers.count_by_status()[Status.PAUSED] == 1


async def test_only_the_ticked_are_tagged_and_exported(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    with filled.store.begin(write=False) as tx:
        bob = tx.subscribers.get_by_address("bob@example.com")
    asked = await visitor.get(f"/admin/bulk?action=tag&new_tag=+VIP&id={bob.public_id}")
    assert "Tag 1 subscriber?" in asked.text
    await post("/admin/bulk", **read_form(asked.text))
    with filled.store.begin(write=False) as tx:
        assert tx.tags.count() == {"VIP": 1, "beta": 2}
    sent = await visitor.get(f"/admin/bulk?action=export&id={bob.public_id}")
    sheet = (await visitor.get(sent.headers["location"])).text
    assert "bob@example.com" in sheet
    assert "VIP" in sheet
    assert "ada@" not in sheet
    everybody = await visitor.get("/admin/bulk?action=export&select=all&tag=beta")
    assert (await visitor.get(everybody.headers["location"])).text.count("@example.com") == 2


async def test_what_is_incomplete_or_has_changed_meanwhile_changes_nothing(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    for query in (
        "action=pause",
        "select=all",
        "select=all&action=tag&new_tag=%20",
        "select=all&action=tag&new_tag=a,b",
        "select=all&action=x",
    ):
        assert (await visitor.get(f"/admin/bulk?{query}")).status_code == 422, query
    form = read_form((await visitor.get("/admin/bulk?select=all&action=erase")).text)
    for broken in ({"action": "x"}, {"operation": "../x"}, {"operation": ""}, {"action": "tag", "tag": ""}):
        assert (await post("/admin/bulk", **{**form, **broken})).status_code == 422, broken
    with filled.store.begin() as tx:
        store_subscriber(tx, "new@example.com", now=NOW)
    late = await post("/admin/bulk", **form)
    assert late.status_code == 409
    assert "The number has changed to 4 subscribers" in late.text
    with filled.store.begin(write=False) as tx:
        assert sum(tx.subscribers.count_by_status().values()) == 4
    await post("/admin/bulk", **read_form(late.text))
    with filled.store.begin(write=False) as tx:
        assert sum(tx.subscribers.count_by_status().values()) == 0
    assert (await visitor.get("/admin/operations/unknown")).status_code == 404


async def test_more_than_a_page_is_erased_only_if_the_number_is_typed(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    with filled.store.begin() as tx:
        for n in range(1200):
            store_subscriber(tx, f"reader{n}@example.org", now=NOW)
    question = await visitor.get("/admin/bulk?select=all&action=erase&q=example.org")
    form = read_form(question.text)
    assert 'name="count" inputmode="numeric"' in question.text
    for typed in ("", "120", "all"):
        assert (await post("/admin/bulk", **form, count=typed)).status_code == 409, typed
    await post("/admin/bulk", **form, count=" 1,200 ")
    with filled.store.begin(write=False) as tx:
        assert sum(tx.subscribers.count_by_status().values()) == 3


async def test_a_viewer_is_asked_nothing_and_offered_no_button(
    post_as_viewer: Poster, visitor: AsyncClient, filled: Services
) -> None:
    page = (await visitor.get("/admin/subscribers?tag=beta")).text
    assert 'value="erase"' not in page
    assert "Save this filter" not in page
    asked = await visitor.get("/admin/bulk?select=all&action=erase")
    assert "is read-only" in asked.text
    assert "<button" not in asked.text.partition("<main")[2]
    assert (
        await post_as_viewer("/admin/bulk", action="erase", whom="", operation="a", count="3")
    ).status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "status=Confirmed",
        "status=foo",
        "bounce=zz",
        "suppressed=no",
        "frequency=hourly",
        "last=zz",
        "statu=paused",
    ],
)
async def test_filter_that_does_not_exist_selects_nobody(
    post: Poster, visitor: AsyncClient, filled: Services, query: str
) -> None:
    paths = (f"/admin/bulk?select=all&action=erase&{query}", f"/admin/export.csv?{query}")
    for path in paths if "statu=" in query else (*paths, f"/admin/subscribers?{query}"):
        answer = await visitor.get(path)
        assert answer.status_code == 422, path
        assert "@example.com" not in answer.text
        assert "Input should" not in answer.text
    form = read_form((await visitor.get("/admin/bulk?select=all&action=erase")).text)
    assert (await post("/admin/bulk", **{**form, "whom": query})).status_code == 422
    with filled.store.begin(write=False) as tx:
        assert sum(tx.subscribers.count_by_status().values()) == 3


async def test_refused_filter_is_explained_in_words(post: Poster, visitor: AsyncClient) -> None:
    page = (await visitor.get("/admin/subscribers?frequency=hourly")).text
    assert (
        "cannot be &#39;hourly&#39;: choose one of &#39;daily&#39;, &#39;weekdays&#39;, &#39;weekly&#39;."
        in page
    )
    assert "cannot be &#39;7&#39;: choose one of" in (await visitor.get("/admin?days=7")).text
    page = (await visitor.get(f"/admin/bulk?new_tag={'x' * 201}")).text
    assert "new_tag can have at most 200 characters." in page


async def test_question_about_nobody_has_no_warning(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    page = (await visitor.get("/admin/bulk?select=all&action=erase&last=week")).text
    assert "Nothing would change" in page
    assert "cannot be undone" not in page
    page = (await visitor.get("/admin/bulk?select=all&action=erase")).text
    assert page.count("cannot be undone") == 1


async def test_viewer_is_offered_no_import(
    post_as_viewer: Poster, visitor: AsyncClient, filled: Services
) -> None:
    assert 'href="/admin/import"' not in (await visitor.get("/admin/subscribers")).text
    page = (await visitor.get("/admin/import")).text
    assert 'type="file"' not in page
    assert "Latest imports" not in page
    assert "read-only" in page


async def test_all_on_the_page_are_selected_at_once(
    post: Poster, visitor: AsyncClient, filled: Services
) -> None:
    with filled.store.begin() as tx:
        for number in range(60):
            store_subscriber(tx, f"x{number}@example.com", status=Status.CONFIRMED, now=NOW)
    page = (await visitor.get("/admin/subscribers?q=x")).text
    assert page.index("With the selected") < page.index("<table")
    assert "all 50 on this page" in page
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    asked = await visitor.get(
        "/admin/bulk", params={"select": "page", "action": "pause", "shown": shown, "q": "x"}
    )
    assert "Pause 50 subscribers?" in asked.text
    assert "all 3 on this page" not in (await visitor.get("/admin/subscribers?q=a")).text
