"""Tests of confirmation: only a person's own click confirms."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from digest import subscribers
from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Status, Subscriber
from digest.models.errors import StateConflict
from digest.subscribers import Actor
from tests.factories import NOW
from tests.web.visit import BASE, SCANNERS, Clock, MailLookup, ReaderLookup, sign_up, url_path


@pytest.fixture
async def unconfirmed(visitor: AsyncClient, clock: Clock, find_reader: ReaderLookup) -> Subscriber:
    """A reader who signed up; the browser has lost the cookie since."""
    await sign_up(visitor, clock, "carol@example.com")
    visitor.cookies.clear()
    reader = find_reader("carol@example.com")
    assert reader
    return reader


def link_of(services: Services, reader: Subscriber, **more: str) -> str:
    return url_path(services.links.confirm_url(reader.public_id, expires=NOW + timedelta(hours=72), **more))


async def test_opening_the_link_asks_and_the_button_confirms(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, find_reader: ReaderLookup
) -> None:
    page = await visitor.get(link_of(services, unconfirmed))
    assert page.status_code == 200
    assert "Yes, send it to me" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert "carol@example.com" in page.text
    assert "unconfirmed" in str(find_reader("carol@example.com"))
    done = await visitor.post(link_of(services, unconfirmed))
    assert "You are subscribed" in done.text
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert carol.status is Status.CONFIRMED


async def test_the_confirmed_page_names_the_next_digest_and_the_interests(
    visitor: AsyncClient, services: Services, clock: Clock, unconfirmed: Subscriber
) -> None:
    with services.store.begin() as tx:
        changes: dict[str, object] = {"timezone": "America/New_York", "keywords": "sheep, teapots"}
        subscribers.change_settings(
            tx, unconfirmed.public_id, changes, actor=Actor("test", clock.now, services.secret)
        )
    done = (await visitor.post(link_of(services, unconfirmed))).text
    assert "The first digest, with papers from the last few days, arrives within minutes." in done
    # Not this morning's, as the first one is that of the day.
    assert "The next one is due Tuesday 24 November 2026 at 07:00 (New York), then every day" in done
    assert "from your topics: sheep, teapots." in done
    assert "Tell us what you work on" not in done


async def test_the_confirmed_page_asks_for_interests_if_there_are_none(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber
) -> None:
    assert "Tell us what you work on" in (await visitor.post(link_of(services, unconfirmed))).text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_scanner_confirms_nothing(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, find_reader: ReaderLookup, method: str
) -> None:
    for agent in SCANNERS:
        for path in (link_of(services, unconfirmed), link_of(services, unconfirmed) + "/no"):
            await visitor.request(method, path, headers={"user-agent": agent, "sec-purpose": "prefetch"})
    assert find_reader("carol@example.com") == unconfirmed


async def test_the_browser_that_signed_up_confirms_by_opening_the_link(
    visitor: AsyncClient, services: Services, clock: Clock, find_reader: ReaderLookup
) -> None:
    response = await sign_up(visitor, clock, "carol@example.com")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "carol" not in cookie
    carol = find_reader("carol@example.com")
    assert carol
    assert (
        "Yes, send it to me"
        in (await visitor.get(link_of(services, carol), headers={"sec-purpose": "prefetch;prerender"})).text
    )
    assert "You are subscribed" in (await visitor.get(link_of(services, carol))).text


async def test_a_cookie_for_one_address_does_not_confirm_another(
    visitor: AsyncClient, app: FastAPI, services: Services, unconfirmed: Subscriber, clock: Clock
) -> None:
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as other:
        await sign_up(other, clock, "mallory@example.com")
        assert "Yes, send it to me" in (await other.get(link_of(services, unconfirmed))).text


async def test_confirming_twice_changes_nothing(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, find_reader: ReaderLookup, clock: Clock
) -> None:
    await visitor.post(link_of(services, unconfirmed))
    first = find_reader("carol@example.com")
    clock.advance(hours=1)
    again = await visitor.post(link_of(services, unconfirmed))
    assert "You are subscribed" in again.text
    assert "You are subscribed" in (await visitor.get(link_of(services, unconfirmed))).text
    assert find_reader("carol@example.com") == first


async def test_denying_erases_the_address_and_never_asks_it_again(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, find_reader: ReaderLookup, clock: Clock
) -> None:
    assert (await visitor.post(link_of(services, unconfirmed) + "/no")).status_code == 200
    assert find_reader("carol@example.com") is None
    clock.advance(hours=1)
    await sign_up(visitor, clock, "carol@example.com")
    assert find_reader("carol@example.com") is None


async def test_denying_after_an_unsubscribe_stops_further_confirmation_mails(
    visitor: AsyncClient, services: Services, ada: Subscriber, find_mails: MailLookup, clock: Clock
) -> None:
    actor = Actor("reader", NOW, services.suppression_key)
    with services.store.begin() as tx:
        subscribers.unsubscribe(tx, ada.public_id, actor=actor)
    await sign_up(visitor, clock, ada.address)
    assert (await visitor.post(link_of(services, ada) + "/no")).status_code == 200
    mails_before = len(find_mails(ada.address))
    clock.advance(hours=1)
    await sign_up(visitor, clock, ada.address)
    assert len(find_mails(ada.address)) == mails_before
    with services.store.begin(write=False) as tx:
        assert tx.subscribers.get_by_id(ada.id).status is Status.UNSUBSCRIBED


async def test_links_that_are_not_ours_change_nothing(
    visitor: AsyncClient,
    services: Services,
    unconfirmed: Subscriber,
    ada: Subscriber,
    find_reader: ReaderLookup,
) -> None:
    genuine = link_of(services, unconfirmed)
    expires = NOW + timedelta(hours=72)
    forged = Links(BASE, Keys(b"another key")).confirm_url(unconfirmed.public_id, expires=expires)
    wrong_purpose = services.links.keys.sign(Purpose.UNSUBSCRIBE, unconfirmed.public_id)
    others = (
        genuine[:-1] + "!",
        genuine[:-4],
        url_path(forged),
        f"/c/{wrong_purpose}",
        "/c/x",
        "/c/a.b.c.d.e",
    )
    for path in others:
        for method in ("GET", "POST"):
            assert (await visitor.request(method, path)).status_code == 404
    assert find_reader("carol@example.com") == unconfirmed


async def test_a_link_that_has_expired_says_so(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, clock: Clock
) -> None:
    clock.advance(hours=73)
    response = await visitor.post(link_of(services, unconfirmed))
    assert response.status_code == 410
    assert "expired" in response.text


async def test_a_link_signed_with_a_retired_key_still_confirms(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber
) -> None:
    retired = Links(BASE, Keys(b"the old key")).confirm_url(
        unconfirmed.public_id, expires=NOW + timedelta(hours=72)
    )
    assert (await visitor.get(url_path(retired))).status_code == 404
    object.__setattr__(services.links, "keys", Keys(services.links.keys.current, (b"the old key",)))
    assert (await visitor.get(url_path(retired))).status_code == 200


async def test_a_new_address_is_used_once_it_is_confirmed(
    visitor: AsyncClient, services: Services, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    with services.store.begin() as tx:
        subscribers.change_address(
            tx, ada.public_id, "ada@new.example.com", actor=Actor("reader", NOW, services.secret)
        )
    link = link_of(services, ada, extra="ada@new.example.com")
    assert "ada@new.example.com" in (await visitor.get(link)).text
    assert find_reader("ada@example.com")
    assert (await visitor.post(link)).status_code == 200
    assert find_reader("ada@example.com") is None
    assert find_reader("ada@new.example.com")


async def test_denying_what_is_confirmed_already_leads_to_unsubscribing(
    visitor: AsyncClient, services: Services, unconfirmed: Subscriber, find_reader: ReaderLookup
) -> None:
    link = link_of(services, unconfirmed)
    await visitor.post(link)
    answer = await visitor.post(link + "/no")
    assert "Nothing will be sent" not in answer.text
    page = await visitor.get(url_path(answer.headers["location"]))
    assert "Unsubscribe?" in page.text
    carol = find_reader("carol@example.com")
    assert carol is not None
    assert carol.status is Status.CONFIRMED


async def test_denying_a_new_address_keeps_the_old_one_or_leads_to_unsubscribing(
    visitor: AsyncClient, services: Services, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    link = link_of(services, ada, extra="ada@new.example.com")
    assert "Nothing will be sent to this address." in (await visitor.post(link + "/no")).text
    assert find_reader("ada@example.com") == ada
    await visitor.post(link)
    answer = await visitor.post(link + "/no")
    assert answer.headers["location"] == services.links.unsubscribe_url(ada.public_id)


@pytest.mark.parametrize("is_changed", [False, True])
async def test_new_address_is_not_called_subscribed_after_unsubscribing(
    visitor: AsyncClient, services: Services, ada: Subscriber, find_reader: ReaderLookup, *, is_changed: bool
) -> None:
    link, actor = link_of(services, ada, extra="ada@new.example.com"), Actor("reader", NOW, services.secret)
    if is_changed:
        await visitor.post(link)
    with services.store.begin() as tx:
        subscribers.unsubscribe(tx, ada.public_id, actor=actor)
    for answer in (await visitor.get(link), await visitor.post(link)):
        assert "You are subscribed" not in answer.text
    assert answer.status_code == 404
    assert "please sign up again" in answer.text
    assert bool(find_reader("ada@new.example.com")) is is_changed
    with services.store.begin() as tx, pytest.raises(StateConflict):
        subscribers.change_address(tx, ada.public_id, "ada@other.example.com", actor=actor)


async def test_confirmed_page_does_not_promise_emails_during_a_pause(
    visitor: AsyncClient, services: Services, ada: Subscriber
) -> None:
    assert "will be sent to ada@example.com" in (await visitor.get(link_of(services, ada))).text
    with services.store.begin() as tx:
        subscribers.pause(tx, ada.public_id, actor=Actor("reader", NOW, services.secret))
    page = (await visitor.get(link_of(services, ada))).text
    assert "Your subscription is paused." in page
    assert "will be sent to" not in page
