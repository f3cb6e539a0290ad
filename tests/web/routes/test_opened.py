"""Opening a paper teaches those who asked for it, once and a little; of others nothing is counted."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Edition, Paper, Subscriber
from digest.pipeline import plan
from digest.ranking.feedback import STEP
from tests.factories import NOW
from tests.web.routes.test_preferences import WISHES
from tests.web.serving import browser, opened
from tests.web.visit import BASE, SCANNERS, TITLES, Look, path_of


@pytest.fixture
def teapots(services: Services) -> Paper:
    with services.store.begin(write=False) as tx:
        return tx.papers.search("teapots")[0]


@pytest.fixture
def willing(services: Services, ada: Subscriber) -> Subscriber:
    """A reader who ticked that opening may teach."""
    return ticked(services, ada)


def ticked(services: Services, reader: Subscriber) -> Subscriber:
    wants = replace(reader.preferences, clicks_may_teach=True)
    with services.store.begin() as tx:
        tx.subscribers.save(replace(reader, preferences=wants))
        return tx.subscribers.by_id(reader.id)


def now_of(reader_now: Look) -> Subscriber:
    reader = reader_now("ada@example.com")
    assert reader
    return reader


def mail_to(services: Services, reader: Subscriber) -> str:
    edition: Edition = plan.upcoming(services.store, reader, NOW)
    assert edition.picks
    email = services.letters.email(edition)
    return email.html + email.text


async def test_from_the_tick_to_the_terms_and_back(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    preferences, link = (
        path_of(services.links.preferences(ada.pid)),
        services.links.opening(ada.pid, teapots.id),
    )
    assert link not in mail_to(services, now_of(reader_now))
    await visitor.post(preferences, data=WISHES | {"muted": "", "trending": "3"})
    assert link in mail_to(services, now_of(reader_now))  # the title's link, in HTML and in text
    page = await visitor.get(path_of(link))
    assert TITLES[1] in page.text
    assert "/opened.js" in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert now_of(reader_now).profile.learnt == ()
    assert (await visitor.post(path_of(link))).status_code == 204
    taught = now_of(reader_now).profile
    assert {weight for _, weight in taught.learnt} == {STEP["click"]}
    assert [each.paper_id for each in taught.opened] == [teapots.id]
    assert taught.liked == ()
    assert (await visitor.post(path_of(link))).status_code == 204
    assert now_of(reader_now).profile == taught  # once
    shown = (await visitor.get(preferences)).text
    assert f"Delete the paper {TITLES[1]}" in shown
    assert f"Delete the term {taught.learnt[0][0]}" in shown
    exported = json.loads((await visitor.get(f"{preferences}/export")).text)["subscriber"]["profile"]
    assert exported["opened"][0]["paper_id"] == teapots.id
    await visitor.post(preferences, data={"do": "forget", "paper": teapots.id})
    assert now_of(reader_now).profile.opened == ()
    await visitor.post(path_of(link))
    await visitor.post(preferences, data={"do": "forget", "everything": "yes"})
    assert not now_of(reader_now).profile.learnt
    assert not now_of(reader_now).profile.opened


async def test_of_who_did_not_ask_nothing_is_counted(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    assert "/o/" not in mail_to(services, ada)
    link = path_of(services.links.opening(ada.pid, teapots.id))
    page = await visitor.get(link)
    assert "<script" not in page.text
    assert "script-src" not in page.headers["content-security-policy"]
    assert (await visitor.post(link)).status_code == 204
    assert reader_now(ada.address) == ada
    for public in (f"/paper/{teapots.id}", path_of(services.links.preferences(ada.pid))):
        assert "/o/" not in (await visitor.get(public)).text


async def test_who_takes_the_tick_away_is_not_counted_by_old_mails(
    visitor: AsyncClient, services: Services, willing: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    link = path_of(services.links.opening(willing.pid, teapots.id))
    silent = {name: value for name, value in WISHES.items() if name != "clicks_may_teach"}
    await visitor.post(path_of(services.links.preferences(willing.pid)), data=silent)
    before = now_of(reader_now)
    await visitor.post(link)
    assert now_of(reader_now) == before


async def test_a_scanner_that_opens_every_link_teaches_nothing(
    visitor: AsyncClient, services: Services, willing: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    link = path_of(services.links.opening(willing.pid, teapots.id))
    for agent in SCANNERS:
        for method in ("GET", "HEAD"):
            assert (await visitor.request(method, link, headers={"user-agent": agent})).status_code == 200
    assert reader_now(willing.address) == willing


async def test_the_link_leads_to_a_stored_paper_and_nowhere_else(
    visitor: AsyncClient, services: Services, willing: Subscriber, teapots: Paper, reader_now: Look
) -> None:
    genuine = path_of(services.links.opening(willing.pid, teapots.id))
    forged = path_of(Links(BASE, Keys(b"another house")).opening(willing.pid, teapots.id))
    elsewhere = path_of(services.links.opening(willing.pid, "https://evil.example/"))
    other_use = f"/o/{services.links.keys.sign(Purpose.VERDICT, willing.pid, teapots.id)}"
    for path in (f"{genuine}x", forged, elsewhere, other_use):
        assert (await visitor.get(path)).status_code == 404
    for path in (f"{genuine}x", forged, other_use):
        assert (await visitor.post(path)).status_code == 404
    await visitor.post(elsewhere)
    assert reader_now(willing.address) == willing


async def test_in_a_browser_a_person_is_told_from_a_page_that_was_only_opened(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        with here.services.store.begin() as tx:
            ada = tx.subscribers.add("ada@example.com", now=NOW - timedelta(hours=1))
            sheep = tx.papers.search("sheep")[0]
        ada = ticked(here.services, ada)
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

        def learnt() -> bool:
            with here.services.store.begin(write=False) as tx:
                return bool(tx.subscribers.by_id(ada.id).profile.opened)

        await page.goto(here.services.links.opening(ada.pid, sheep.id))
        assert not learnt()
        async with page.expect_response(lambda answer: answer.request.method == "POST") as told:
            await page.keyboard.press("Tab")
        assert (await told.value).status == 204
        assert learnt()
        assert errors == []
