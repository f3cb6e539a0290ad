"""Tests of recording that a paper was opened: once, and only for readers who allow it."""

import json
from dataclasses import replace

import pytest
from httpx import AsyncClient

from digest.app.services import Services
from digest.mail.links import Links
from digest.mail.tokens import Keys, Purpose
from digest.models import Edition, Paper, Subscriber
from digest.pipeline import plan
from digest.ranking.feedback import WEIGHT_STEPS
from tests.factories import NOW
from tests.web.routes.test_preferences import FORM_DATA
from tests.web.visit import BASE, SCANNERS, TITLES, ReaderLookup, list_scripts, url_path


@pytest.fixture
def teapots(services: Services) -> Paper:
    with services.store.begin(write=False) as tx:
        return tx.papers.search("teapots")[0]


@pytest.fixture
def consenting(services: Services, ada: Subscriber) -> Subscriber:
    """A reader who allows that opened papers are recorded."""
    return allow_clicks(services, ada)


def allow_clicks(services: Services, reader: Subscriber) -> Subscriber:
    wants = replace(reader.preferences, clicks_may_teach=True)
    with services.store.begin() as tx:
        tx.subscribers.save(replace(reader, preferences=wants))
        return tx.subscribers.get_by_id(reader.id)


def load_ada(find_reader: ReaderLookup) -> Subscriber:
    reader = find_reader("ada@example.com")
    assert reader
    return reader


def render_digest(services: Services, reader: Subscriber) -> str:
    edition: Edition = plan.build_upcoming_edition(services.store, reader, NOW)
    assert edition.picks
    email = services.message_builder.render_email(edition)
    return email.html + email.text


async def test_an_opened_paper_is_learnt_shown_exported_and_deleted(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    preferences, link = (
        url_path(services.links.preferences_url(ada.public_id)),
        services.links.opening_url(ada.public_id, teapots.id),
    )
    assert link not in render_digest(services, load_ada(find_reader))
    await visitor.post(preferences, data=FORM_DATA | {"muted": "", "trending": "3"})
    assert link in render_digest(services, load_ada(find_reader))  # the title's link, in HTML and in text
    page = await visitor.get(url_path(link))
    assert TITLES[1] in page.text
    assert "/opened.js" in page.text
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert load_ada(find_reader).profile.learnt == ()
    assert (await visitor.post(url_path(link))).status_code == 204
    profile = load_ada(find_reader).profile
    assert {weight for _, weight in profile.learnt} == {WEIGHT_STEPS["click"]}
    assert [liked.paper_id for liked in profile.opened] == [teapots.id]
    assert profile.liked == ()
    assert (await visitor.post(url_path(link))).status_code == 204
    assert load_ada(find_reader).profile == profile  # once
    shown = (await visitor.get(preferences)).text
    assert f"Delete the paper {TITLES[1]}" in shown
    assert f"Delete the term {profile.learnt[0][0]}" in shown
    exported = json.loads((await visitor.get(f"{preferences}/export")).text)["subscriber"]["profile"]
    assert exported["opened"][0]["paper_id"] == teapots.id
    await visitor.post(preferences, data={"do": "forget", "paper": teapots.id})
    assert load_ada(find_reader).profile.opened == ()
    await visitor.post(url_path(link))
    await visitor.post(preferences, data={"do": "forget", "everything": "yes"})
    assert not load_ada(find_reader).profile.learnt
    assert not load_ada(find_reader).profile.opened


async def test_without_permission_an_opened_paper_is_not_recorded(
    visitor: AsyncClient, services: Services, ada: Subscriber, teapots: Paper, find_reader: ReaderLookup
) -> None:
    assert "/o/" not in render_digest(services, ada)
    link = url_path(services.links.opening_url(ada.public_id, teapots.id))
    page = await visitor.get(link)
    assert [source.partition("?")[0] for source in list_scripts(page.text)] == ["/vote.js"]
    assert (await visitor.post(link)).status_code == 204
    assert find_reader(ada.address) == ada
    for public in (f"/paper/{teapots.id}", url_path(services.links.preferences_url(ada.public_id))):
        assert "/o/" not in (await visitor.get(public)).text


async def test_after_permission_is_withdrawn_old_links_record_nothing(
    visitor: AsyncClient,
    services: Services,
    consenting: Subscriber,
    teapots: Paper,
    find_reader: ReaderLookup,
) -> None:
    link = url_path(services.links.opening_url(consenting.public_id, teapots.id))
    unticked = {name: value for name, value in FORM_DATA.items() if name != "clicks_may_teach"}
    await visitor.post(url_path(services.links.preferences_url(consenting.public_id)), data=unticked)
    before = load_ada(find_reader)
    await visitor.post(link)
    assert load_ada(find_reader) == before


async def test_a_link_scanner_records_nothing(
    visitor: AsyncClient,
    services: Services,
    consenting: Subscriber,
    teapots: Paper,
    find_reader: ReaderLookup,
) -> None:
    link = url_path(services.links.opening_url(consenting.public_id, teapots.id))
    for agent in SCANNERS:
        for method in ("GET", "HEAD"):
            assert (await visitor.request(method, link, headers={"user-agent": agent})).status_code == 200
    assert find_reader(consenting.address) == consenting


async def test_the_link_leads_to_a_stored_paper_and_nowhere_else(
    visitor: AsyncClient,
    services: Services,
    consenting: Subscriber,
    teapots: Paper,
    find_reader: ReaderLookup,
) -> None:
    genuine = url_path(services.links.opening_url(consenting.public_id, teapots.id))
    forged = url_path(Links(BASE, Keys(b"another key")).opening_url(consenting.public_id, teapots.id))
    elsewhere = url_path(services.links.opening_url(consenting.public_id, "https://evil.example/"))
    wrong_purpose = f"/o/{services.links.keys.sign(Purpose.FEEDBACK, consenting.public_id, teapots.id)}"
    for path in (f"{genuine}x", forged, elsewhere, wrong_purpose):
        assert (await visitor.get(path)).status_code == 404
    for path in (genuine.replace("/o/", "/o/x"), forged, wrong_purpose):
        assert (await visitor.post(path)).status_code == 404
    for path in (elsewhere, f"{genuine}x"):
        await visitor.post(path)
    assert find_reader(consenting.address) == consenting


async def test_links_sent_before_tokens_were_shared_work_for_their_paper_alone(
    visitor: AsyncClient,
    services: Services,
    consenting: Subscriber,
    teapots: Paper,
    find_reader: ReaderLookup,
) -> None:
    token = services.links.keys.sign(Purpose.OPENING, consenting.public_id, teapots.id)
    name = url_path(services.links.opening_url(consenting.public_id, teapots.id)).rpartition("/")[2]
    for path in (f"/o/{token}/{name}", f"/o/{services.links.keys.sign(Purpose.OPENING, 'ada')}"):
        assert (await visitor.post(path)).status_code == 404
    assert find_reader(consenting.address) == consenting
    assert TITLES[1] in (await visitor.get(f"/o/{token}")).text
    assert (await visitor.post(f"/o/{token}")).status_code == 204
    assert [liked.paper_id for liked in load_ada(find_reader).profile.opened] == [teapots.id]
