"""Tests of unsubscribing with one click from any mail program."""

from email import message_from_bytes

import pytest
from anyio import create_task_group
from httpx import AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Status, Subscriber
from digest.subscribers import Actor
from tests.factories import NOW
from tests.web.visit import BASE, SCANNERS, Clock, ReaderLookup, url_path

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    return url_path(services.links.unsubscribe_url(ada.public_id))


def has_unsubscribed(find_reader: ReaderLookup) -> bool:
    ada = find_reader("ada@example.com")
    return ada is not None and ada.status is Status.UNSUBSCRIBED


async def test_opening_the_page_does_not_unsubscribe(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup
) -> None:
    page = (await visitor.get(link)).text
    assert "Unsubscribe?" in page
    assert "still sent to ada@example.com" in page
    assert not has_unsubscribed(find_reader)


async def test_a_damaged_link_says_what_to_do(visitor: AsyncClient, link: str) -> None:
    page = await visitor.get(link[:-3])
    assert page.status_code == 404
    assert "This link does not work" in page.text
    assert "your latest email" in page.text


@pytest.mark.parametrize(
    "ending",
    [*".,;:>)]}!?/\"'|*", "%20", "%20%20", "%3E", "%3E.", ").", "/.", "&gt;", "%E3%80%82", "%E2%80%9D"],
)
async def test_link_works_with_what_a_mail_program_took_along(
    visitor: AsyncClient, link: str, ending: str, find_reader: ReaderLookup
) -> None:
    for written in (link + ending, link.removeprefix("/u/").upper().join(("/u/", ending))):
        assert "still sent to ada@example.com" in (await visitor.get(written)).text
    response = await visitor.post(link + ending, data=ONE_CLICK)
    assert (response.status_code, has_unsubscribed(find_reader)) == (200, True)


@pytest.mark.parametrize("ending", ["-", "", ".", "%20", "-/"])
async def test_link_of_an_earlier_version_works_without_its_last_dash(
    visitor: AsyncClient, ending: str
) -> None:
    # Signed with the key of these tests before tokens had one case, for a reader who was erased since.
    page = await visitor.get(f"/u/_Sp.Reader-12_X.ulKEYrPcAG75SI2{ending}")
    assert (page.status_code, "You are unsubscribed" in page.text) == (200, True)


BODIES = {
    "urlencoded": {"data": ONE_CLICK},
    "multipart": {"files": {"List-Unsubscribe": (None, "One-Click")}},
    "empty": {},
    "a megabyte": {"content": b"x" * 1_000_000},
    "not what it says": {"content": b"\xff\x00{", "headers": {"content-type": "multipart/form-data"}},
    "stale cookies": {"data": ONE_CLICK, "headers": {"cookie": "session=old; digest=1"}},
    "from elsewhere": {"data": ONE_CLICK, "headers": {"origin": "https://evil.example", "referer": "x"}},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_any_post_to_the_link_unsubscribes(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup, body: dict[str, object]
) -> None:
    response = await visitor.post(link, **body)  # type: ignore[arg-type]
    assert response.status_code == 200
    assert "You are unsubscribed" in response.text
    assert "set-cookie" not in response.headers
    assert "location" not in response.headers
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in response.headers["x-robots-tag"]
    assert has_unsubscribed(find_reader)


async def test_two_clicks_at_once_are_one(visitor: AsyncClient, link: str, find_reader: ReaderLookup) -> None:
    codes = []

    async def click() -> None:
        codes.append((await visitor.post(link, data=ONE_CLICK)).status_code)

    async with create_task_group() as group:
        for _ in range(8):
            group.start_soon(click)
    assert codes == [200] * 8
    assert has_unsubscribed(find_reader)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_scanner_unsubscribes_nobody(
    visitor: AsyncClient, link: str, ada: Subscriber, find_reader: ReaderLookup, method: str
) -> None:
    for agent in SCANNERS:
        for path in (link, f"{link}/undo"):
            await visitor.request(method, path, headers={"user-agent": agent})
    assert find_reader("ada@example.com") == ada


async def test_the_page_has_one_button_and_no_script(visitor: AsyncClient, link: str) -> None:
    page = (await visitor.get(link)).text
    assert page.count("<button") == 1
    assert "<script" not in page
    assert "refresh" not in page


async def test_unsubscribing_twice_or_after_erasure_shows_the_same_page(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    assert (await visitor.post(link)).text == (await visitor.post(link)).text
    with services.store.begin() as tx:
        subscribers.erase(tx, ada.public_id, actor=Actor("test", NOW, services.secret))
    erased = await visitor.post(link)
    assert erased.status_code == 200
    assert "You are unsubscribed" in erased.text
    assert (await visitor.get(link)).status_code == 200


async def test_a_mistake_can_be_undone_for_a_week(
    visitor: AsyncClient, link: str, find_reader: ReaderLookup, clock: Clock
) -> None:
    await visitor.post(link)
    clock.advance(days=6)
    assert "Welcome back" in (await visitor.post(f"{link}/undo")).text
    assert not has_unsubscribed(find_reader)
    await visitor.post(link)
    clock.advance(days=8)
    assert (await visitor.post(f"{link}/undo")).status_code == 404
    assert has_unsubscribed(find_reader)


async def test_links_that_are_not_ours_are_a_plain_404_and_change_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, find_reader: ReaderLookup
) -> None:
    wrong = services.links.keys.sign(Purpose.PREFERENCES, ada.public_id)
    forged = url_path(Links(BASE, Keys(b"another key")).unsubscribe_url(ada.public_id))
    for path in (f"{link}x", link[:-3], f"/u/{wrong}", forged, "/u/", "/u/..%2f"):
        assert (await visitor.post(path, data=ONE_CLICK)).status_code == 404
    assert find_reader("ada@example.com") == ada


async def test_a_link_of_a_retired_key_still_unsubscribes(
    visitor: AsyncClient, services: Services, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    old = url_path(Links(BASE, Keys(b"the old key")).unsubscribe_url(ada.public_id))
    object.__setattr__(services.links, "keys", Keys(services.links.keys.current, (b"the old key",)))
    assert (await visitor.post(old)).status_code == 200
    assert has_unsubscribed(find_reader)


async def test_unsubscribing_before_confirming_erases_the_reader(
    visitor: AsyncClient, services: Services, bob: Subscriber, find_reader: ReaderLookup
) -> None:
    link = url_path(services.links.unsubscribe_url(bob.public_id))
    question = (await visitor.get(link)).text
    assert "Never write to this address again?" in question
    assert "bob@example.com" in question
    assert "still sent" not in question
    assert "Fewer papers" not in question
    for answer in (await visitor.post(link), await visitor.post(link), await visitor.get(link)):
        assert answer.status_code == 200
        assert "Nothing will be sent to this address." in answer.text
        assert "Thank you for reading" not in answer.text
    assert find_reader("bob@example.com") is None


async def test_one_click_in_a_confirmation_mail_stops_further_ones(
    visitor: AsyncClient, services: Services, find_reader: ReaderLookup
) -> None:
    actor = Actor("test", NOW, services.secret)
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "bo@example.com", actor=actor)
        (confirmation,) = tx.deliveries.list_by_subscriber(tx.subscribers.get_by_address("bo@example.com").id)
    message = services.message_builder.build(confirmation)
    assert message
    header = message_from_bytes(message.raw)["List-Unsubscribe"]
    assert (await visitor.post(url_path(header.strip("<>")), data=ONE_CLICK)).status_code == 200
    assert find_reader("bo@example.com") is None
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "bo@example.com", actor=actor)
    assert find_reader("bo@example.com") is None
