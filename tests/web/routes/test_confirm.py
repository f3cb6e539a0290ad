"""Is it really you? Only a person's own click confirms."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Status, Subscriber
from digest.subscribers import Actor
from tests.factories import NOW
from tests.web.visit import BASE, SCANNERS, Clock, Look, Mails, path_of, sign_up


@pytest.fixture
async def waiting(visitor: AsyncClient, clock: Clock, reader_now: Look) -> Subscriber:
    """Someone who signed up and was asked, in a browser that has forgotten it since."""
    await sign_up(visitor, clock, "carol@example.com")
    visitor.cookies.clear()
    reader = reader_now("carol@example.com")
    assert reader
    return reader


def link_of(services: Services, reader: Subscriber, **more: str) -> str:
    return path_of(services.links.confirm(reader.pid, expires=NOW + timedelta(hours=72), **more))


async def test_opening_the_link_asks_and_the_button_confirms(
    visitor: AsyncClient, services: Services, waiting: Subscriber, reader_now: Look
) -> None:
    page = await visitor.get(link_of(services, waiting))
    assert page.status_code == 200
    assert "Yes, send it to me" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "carol@example.com" in page.text
    assert "unconfirmed" in str(reader_now("carol@example.com"))
    done = await visitor.post(link_of(services, waiting))
    assert "You are subscribed" in done.text
    carol = reader_now("carol@example.com")
    assert carol is not None
    assert carol.status is Status.CONFIRMED


async def test_the_first_page_says_when_the_first_mail_comes_and_what_was_named(
    visitor: AsyncClient, services: Services, clock: Clock, waiting: Subscriber
) -> None:
    with services.store.begin() as tx:
        wishes: dict[str, object] = {"timezone": "America/New_York", "keywords": "sheep, teapots"}
        subscribers.change(tx, waiting.pid, wishes, by=Actor("test", clock.now, services.secret))
    done = (await visitor.post(link_of(services, waiting))).text
    assert "The next one is due Monday 23 November 2026 at 07:00 (New York), then every day" in done
    assert "by what you named: sheep, teapots." in done
    assert "Tell us what you work on" not in done


async def test_who_named_nothing_is_asked_what_they_work_on(
    visitor: AsyncClient, services: Services, waiting: Subscriber
) -> None:
    assert "Tell us what you work on" in (await visitor.post(link_of(services, waiting))).text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_scanner_confirms_nothing(
    visitor: AsyncClient, services: Services, waiting: Subscriber, reader_now: Look, method: str
) -> None:
    for agent in SCANNERS:
        for path in (link_of(services, waiting), link_of(services, waiting) + "/no"):
            await visitor.request(method, path, headers={"user-agent": agent, "sec-purpose": "prefetch"})
    assert reader_now("carol@example.com") == waiting


async def test_the_browser_that_signed_up_confirms_by_opening_the_link(
    visitor: AsyncClient, services: Services, clock: Clock, reader_now: Look
) -> None:
    answer = await sign_up(visitor, clock, "carol@example.com")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "carol" not in cookie
    carol = reader_now("carol@example.com")
    assert carol
    assert (
        "Yes, send it to me"
        in (await visitor.get(link_of(services, carol), headers={"sec-purpose": "prefetch;prerender"})).text
    )
    assert "You are subscribed" in (await visitor.get(link_of(services, carol))).text


async def test_a_cookie_for_one_address_does_not_confirm_another(
    visitor: AsyncClient, app: FastAPI, services: Services, waiting: Subscriber, clock: Clock
) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as other:
        await sign_up(other, clock, "mallory@example.com")
        assert "Yes, send it to me" in (await other.get(link_of(services, waiting))).text


async def test_confirming_twice_says_yes_twice_and_changes_nothing(
    visitor: AsyncClient, services: Services, waiting: Subscriber, reader_now: Look, clock: Clock
) -> None:
    await visitor.post(link_of(services, waiting))
    first = reader_now("carol@example.com")
    clock.advance(hours=1)
    again = await visitor.post(link_of(services, waiting))
    assert "You are subscribed" in again.text
    assert "You are subscribed" in (await visitor.get(link_of(services, waiting))).text
    assert reader_now("carol@example.com") == first


async def test_that_was_not_me_forgets_the_address_and_never_asks_again(
    visitor: AsyncClient, services: Services, waiting: Subscriber, reader_now: Look, clock: Clock
) -> None:
    assert (await visitor.post(link_of(services, waiting) + "/no")).status_code == 200
    assert reader_now("carol@example.com") is None
    clock.advance(hours=1)
    await sign_up(visitor, clock, "carol@example.com")
    assert reader_now("carol@example.com") is None


async def test_who_left_and_is_signed_up_by_a_stranger_is_not_asked_again_after_saying_no(
    visitor: AsyncClient, services: Services, ada: Subscriber, mails: Mails, clock: Clock
) -> None:
    by = Actor("reader", NOW, services.suppression_key)
    with services.store.begin() as tx:
        subscribers.unsubscribe(tx, ada.pid, by=by)
    await sign_up(visitor, clock, ada.address)
    assert (await visitor.post(link_of(services, ada) + "/no")).status_code == 200
    asked = len(mails(ada.address))
    clock.advance(hours=1)
    await sign_up(visitor, clock, ada.address)
    assert len(mails(ada.address)) == asked
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.by_id(ada.id).status is Status.UNSUBSCRIBED


async def test_links_that_are_not_ours_change_nothing(
    visitor: AsyncClient, services: Services, waiting: Subscriber, ada: Subscriber, reader_now: Look
) -> None:
    genuine = link_of(services, waiting)
    expires = NOW + timedelta(hours=72)
    forged = Links(BASE, Keys(b"another house")).confirm(waiting.pid, expires=expires)
    wrong_purpose = services.links.keys.sign(Purpose.UNSUBSCRIBE, waiting.pid)
    others = (
        genuine[:-1] + "!",
        genuine[:-4],
        path_of(forged),
        f"/c/{wrong_purpose}",
        "/c/x",
        "/c/a.b.c.d.e",
    )
    for path in others:
        for method in ("GET", "POST"):
            assert (await visitor.request(method, path)).status_code == 404
    assert reader_now("carol@example.com") == waiting


async def test_a_link_that_has_expired_says_so(
    visitor: AsyncClient, services: Services, waiting: Subscriber, clock: Clock
) -> None:
    clock.advance(hours=73)
    told = await visitor.post(link_of(services, waiting))
    assert told.status_code == 410
    assert "expired" in told.text


async def test_a_link_signed_with_a_retired_key_still_confirms(
    visitor: AsyncClient, services: Services, waiting: Subscriber
) -> None:
    retired = Links(BASE, Keys(b"the old key")).confirm(waiting.pid, expires=NOW + timedelta(hours=72))
    assert (await visitor.get(path_of(retired))).status_code == 404
    object.__setattr__(services.links, "keys", Keys(services.links.keys.current, (b"the old key",)))
    assert (await visitor.get(path_of(retired))).status_code == 200


async def test_a_new_address_is_used_once_it_says_yes(
    visitor: AsyncClient, services: Services, ada: Subscriber, reader_now: Look
) -> None:
    with services.store.begin() as tx:
        subscribers.change_address(
            tx, ada.pid, "ada@new.example.com", by=Actor("reader", NOW, services.secret)
        )
    link = link_of(services, ada, extra="ada@new.example.com")
    assert "ada@new.example.com" in (await visitor.get(link)).text
    assert reader_now("ada@example.com")
    assert (await visitor.post(link)).status_code == 200
    assert reader_now("ada@example.com") is None
    assert reader_now("ada@new.example.com")
