"""How does one leave? By one click, from any mail program, for ever."""

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
from tests.web.visit import BASE, SCANNERS, Clock, Look, path_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def link(services: Services, ada: Subscriber) -> str:
    return path_of(services.links.unsubscribe(ada.pid))


def has_left(reader_now: Look) -> bool:
    ada = reader_now("ada@example.com")
    return ada is not None and ada.status is Status.UNSUBSCRIBED


async def test_the_page_says_that_nothing_has_ended_yet(
    visitor: AsyncClient, link: str, reader_now: Look
) -> None:
    page = (await visitor.get(link)).text
    assert "Unsubscribe?" in page
    assert "still comes to ada@example.com" in page
    assert not has_left(reader_now)


async def test_a_damaged_link_says_what_to_do(visitor: AsyncClient, link: str) -> None:
    page = await visitor.get(link[:-3])
    assert page.status_code == 404
    assert "This link does not work" in page.text
    assert "your newest mail" in page.text


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
    visitor: AsyncClient, link: str, reader_now: Look, body: dict[str, object]
) -> None:
    answer = await visitor.post(link, **body)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert "set-cookie" not in answer.headers
    assert "location" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert has_left(reader_now)


async def test_two_clicks_at_once_are_one(visitor: AsyncClient, link: str, reader_now: Look) -> None:
    codes = []

    async def click() -> None:
        codes.append((await visitor.post(link, data=ONE_CLICK)).status_code)

    async with create_task_group() as group:
        for _ in range(8):
            group.start_soon(click)
    assert codes == [200] * 8
    assert has_left(reader_now)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_scanner_unsubscribes_nobody(
    visitor: AsyncClient, link: str, ada: Subscriber, reader_now: Look, method: str
) -> None:
    for agent in SCANNERS:
        for path in (link, f"{link}/undo"):
            await visitor.request(method, path, headers={"user-agent": agent})
    assert reader_now("ada@example.com") == ada


async def test_the_page_has_one_button_and_no_script(visitor: AsyncClient, link: str) -> None:
    page = (await visitor.get(link)).text
    assert page.count("<button") == 1
    assert "<script" not in page
    assert "refresh" not in page


async def test_leaving_again_or_after_being_erased_is_the_same_page(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str
) -> None:
    assert (await visitor.post(link)).text == (await visitor.post(link)).text
    with services.store.begin() as tx:
        subscribers.erase(tx, ada.pid, by=Actor("test", NOW, services.secret))
    erased = await visitor.post(link)
    assert erased.status_code == 200
    assert "You are unsubscribed" in erased.text
    assert (await visitor.get(link)).status_code == 200


async def test_a_mistake_can_be_undone_for_a_week(
    visitor: AsyncClient, link: str, reader_now: Look, clock: Clock
) -> None:
    await visitor.post(link)
    clock.advance(days=6)
    assert "Welcome back" in (await visitor.post(f"{link}/undo")).text
    assert not has_left(reader_now)
    await visitor.post(link)
    clock.advance(days=8)
    assert (await visitor.post(f"{link}/undo")).status_code == 404
    assert has_left(reader_now)


async def test_links_that_are_not_ours_are_a_plain_404_and_change_nothing(
    visitor: AsyncClient, services: Services, ada: Subscriber, link: str, reader_now: Look
) -> None:
    wrong = services.links.keys.sign(Purpose.PREFERENCES, ada.pid)
    forged = path_of(Links(BASE, Keys(b"another house")).unsubscribe(ada.pid))
    for path in (f"{link}x", link[:-3], f"/u/{wrong}", forged, "/u/", "/u/..%2f"):
        assert (await visitor.post(path, data=ONE_CLICK)).status_code == 404
    assert reader_now("ada@example.com") == ada


async def test_a_link_of_a_retired_key_still_unsubscribes(
    visitor: AsyncClient, services: Services, ada: Subscriber, reader_now: Look
) -> None:
    old = path_of(Links(BASE, Keys(b"the old key")).unsubscribe(ada.pid))
    object.__setattr__(services.links, "keys", Keys(services.links.keys.current, (b"the old key",)))
    assert (await visitor.post(old)).status_code == 200
    assert has_left(reader_now)


async def test_who_never_confirmed_is_forgotten_and_never_asked_again(
    visitor: AsyncClient, services: Services, bob: Subscriber, reader_now: Look
) -> None:
    assert (await visitor.post(path_of(services.links.unsubscribe(bob.pid)))).status_code == 200
    assert reader_now("bob@example.com") is None


async def test_the_one_click_of_a_mail_that_asks_means_never_ask_me_again(
    visitor: AsyncClient, services: Services, reader_now: Look
) -> None:
    by = Actor("test", NOW, services.secret)
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "bo@example.com", by=by)
        (asking,) = tx.deliveries.history(tx.subscribers.by_address("bo@example.com").id)
    letter = services.letters.write(asking)
    assert letter
    said = message_from_bytes(letter.raw)["List-Unsubscribe"]
    assert (await visitor.post(path_of(said.strip("<>")), data=ONE_CLICK)).status_code == 200
    assert reader_now("bo@example.com") is None
    with services.store.begin() as tx:
        subscribers.sign_up(tx, "bo@example.com", by=by)
    assert reader_now("bo@example.com") is None
