"""The pages in a real browser with real mail: every flow by clicking; axe and an HTML validator on all."""

import re
from collections.abc import AsyncIterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.async_api import Browser, Page, Route, expect

from digest import subscribers
from digest.models import Preferences, Status
from digest.web.form_tokens import MIN_READING_SECONDS
from digest.web.rate_limits import FLOOD_THRESHOLD, WORLDWIDE
from tests.factories import NOW, store_subscriber
from tests.npm_packages import install_npm_packages, validate_html
from tests.web.every_page import (
    FetchedPage,
    fetch_every_page,
    fill_database,
    find_routes,
    list_html_routes,
)
from tests.web.routes.test_feedback import count_votes
from tests.web.serving import RunningSite, run_site, start_browser
from tests.web.visit import ADMIN

SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
AXE = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Run all tests on one event loop, which is the browser's too."""
    return "asyncio"


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:
    """Start one browser for all tests."""
    async with start_browser() as started:
        yield started


@pytest.fixture
async def chromium(browser: Browser) -> AsyncIterator[Browser]:
    """Return the browser, and close its pages and forget its cookies afterwards."""
    yield browser
    for context in browser.contexts:
        await context.close()


async def test_sign_up_mail_click_confirm_choose_and_leave(tmp_path: Path, chromium: Browser) -> None:
    async with run_site(tmp_path) as site:
        page = await (await chromium.new_context(java_script_enabled=False)).new_page()
        await page.goto(site.url)
        await page.fill("input[name=email]", "ada@example.com")
        await page.fill("input[name=interests]", "sheep")
        await page.select_option("#timezone", "Asia/Tokyo")
        site.clock.advance(seconds=MIN_READING_SECONDS)
        await page.click("text=Subscribe >> visible=true")
        await expect(page.locator("h1")).to_have_text("Check your email")
        await site.send_mail()
        assert site.mailbox.received[-1].rcpt_to == ("ada@example.com",)

        await page.goto(site.find_link("c"))
        await expect(page.locator("h1")).to_have_text("You are subscribed")
        assert await page.evaluate("document.cookie") == ""
        await page.click("text=Interests, time and time zone")
        assert await page.input_value("#keywords") == "sheep"
        assert await page.input_value("#timezone") == "Asia/Tokyo"
        await page.fill("#keywords", "teapots")
        await page.click("button:text-is('Save')")
        assert "Saved." in await page.inner_text("[role=status]")

        await site.send_mail()  # the welcome, with the links of every mail
        await page.goto(site.find_link("u"))
        await page.click("main button")
        await expect(page.locator("h1")).to_have_text("You are unsubscribed")
        with site.services.store.begin(write=False) as tx:
            ada = tx.subscribers.get_by_address("ada@example.com")
        assert ada.status is Status.UNSUBSCRIBED
        assert ada.profile.keywords == ("teapots",)


async def test_the_time_zone_is_found_and_authors_are_completed(tmp_path: Path, chromium: Browser) -> None:
    async with run_site(tmp_path) as site:
        with site.services.store.begin() as tx:
            ada = store_subscriber(tx, "ada@example.com", now=NOW)
        page = await (await chromium.new_context(timezone_id="Asia/Yekaterinburg")).new_page()
        await page.goto(site.url)
        assert await page.input_value("#timezone") == "Asia/Yekaterinburg"  # though it is none of the choices
        await page.goto(site.services.links.preferences_url(ada.public_id))
        await page.click("text=Authors and categories")
        await page.locator("#authors").press_sequentially("Bo Chen, lovel")
        await expect(page.locator("#author-names option")).to_have_attribute("value", "Bo Chen, Ada Loveless")


async def test_a_vote_on_the_web_edition_is_one_press_with_and_without_javascript(
    tmp_path: Path, chromium: Browser
) -> None:
    async with run_site(tmp_path) as site:
        ada, _ = fill_database(site)
        link = site.services.links.edition_url(ada.public_id, NOW.date())
        for is_enabled in (True, False):
            page = await (await chromium.new_context(java_script_enabled=is_enabled)).new_page()
            await page.goto(link)
            await page.click("button:has-text('Less like this') >> nth=0")
            await expect(page.locator(".vote [role=status]")).to_have_text("Noted: less like this.")
            if not is_enabled:
                await page.click("text=Back to where you were")
            assert page.url == link
            await expect(page.locator(".vote [role=status]")).to_have_text("Noted: less like this.")
            await page.click("text=Undo")
            await expect(page.locator(".vote [role=status]")).to_contain_text("Undone")


async def test_a_person_who_follows_a_link_to_vote_has_voted_and_stays_on_the_page(
    tmp_path: Path, chromium: Browser
) -> None:
    async with run_site(tmp_path) as site:
        with site.services.store.begin() as tx:
            ada = store_subscriber(tx, "ada@example.com", now=NOW)
            sheep = tx.papers.search("sheep")[0]
        page = await chromium.new_page()
        link = site.services.links.less_url(ada.public_id, sheep.id)
        await page.goto(link)
        assert count_votes(site.services, ada) == []
        await page.mouse.move(10, 10)
        await page.mouse.move(20, 20)
        await expect(page.locator(".vote [role=status]")).to_have_text("Noted: less like this.")
        assert count_votes(site.services, ada) == [("less", "")]
        await page.click("text=Not good")
        await expect(page.locator(".vote [role=status]")).to_contain_text("not good")
        await page.click("text=Undo")
        await expect(page.locator(".vote [role=status]")).to_contain_text("Undone")
        assert page.url == link
        assert count_votes(site.services, ada) == []


async def test_only_a_key_press_records_the_opening(tmp_path: Path, chromium: Browser) -> None:
    async with run_site(tmp_path) as site:
        with site.services.store.begin() as tx:
            wants = Preferences(clicks_may_teach=True)
            ada = store_subscriber(tx, "ada@example.com", preferences=wants, now=NOW)
            sheep = tx.papers.search("sheep")[0]
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

        def learnt() -> bool:
            with site.services.store.begin(write=False) as tx:
                return bool(tx.subscribers.get_by_id(ada.id).profile.opened)

        await page.goto(site.services.links.opening_url(ada.public_id, sheep.id))
        assert not learnt()
        async with page.expect_response(lambda answer: answer.request.method == "POST") as response:
            await page.keyboard.press("Tab")
        assert (await response.value).status == 204
        assert learnt()
        assert errors == []


async def test_another_browser_confirms_by_the_button(tmp_path: Path, chromium: Browser) -> None:
    async with run_site(tmp_path) as site:
        with site.services.store.begin() as tx:
            actor = subscribers.Actor("reader", NOW, site.services.suppression_key)
            subscribers.sign_up(tx, "ada@example.com", actor=actor)
        await site.send_mail()
        page = await chromium.new_page()
        await page.goto(site.find_link("c"))
        await expect(page.locator("h1")).to_have_text("Confirm your subscription")
        await page.click("text=Yes, send it to me")
        await expect(page.locator("h1")).to_have_text("You are subscribed")


async def test_during_a_flood_the_page_does_the_proof_of_work_within_its_content_policy(
    tmp_path: Path,
    chromium: Browser,
) -> None:
    async with run_site(tmp_path) as site:
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for _ in range(int(WORLDWIDE.burst * (1 - FLOOD_THRESHOLD)) + 60):
            site.ctx.limits.worldwide.take("", site.clock())
        await page.goto(f"{site.url}/papers?q=sheep")
        await page.fill("input[name=email]", "ada@example.com")
        await page.click("button:text-is('Subscribe')")
        await expect(page.locator("h1")).to_have_text("One more step")
        await page.click("button:text-is('Subscribe'):enabled", timeout=60_000)
        await expect(page.locator("h1")).to_have_text("Check your email")
        assert [error for error in errors if "status of 428" not in error] == []


async def test_an_administrator_signs_in_and_out_by_hand(tmp_path: Path, chromium: Browser) -> None:
    async with run_site(tmp_path) as site:
        page = await chromium.new_page()
        await page.goto(f"{site.url}/admin")
        await page.fill("#token", ADMIN)
        await page.click("button:text-is('Sign in')")
        await expect(page.locator("h1")).to_have_text("Overview")
        await page.click("nav >> text=Subscribers")
        await page.fill("#email", "ada@example.com")
        await page.click("button:text-is('Add')")
        await expect(page.locator("h1")).to_have_text("ada@example.com")
        await page.click("text=Sign out")
        await expect(page.locator("h1")).to_have_text("Administration")


async def test_an_invited_administrator_accepts_makes_a_token_and_signs_in_again_by_mail(
    tmp_path: Path,
    chromium: Browser,
) -> None:
    async with run_site(tmp_path) as site:
        page = await (await chromium.new_context(java_script_enabled=False)).new_page()
        await page.goto(f"{site.url}/admin/login")
        await page.fill("#token", ADMIN)
        await page.click("button:text-is('Sign in')")
        await page.click("nav >> text=Administrators")
        await page.fill("#name", "Cem Yilmaz")
        await page.fill("#email", "cem@example.com")
        await page.click("label:has-text('editor')")
        await page.click("text=Send the invitation")
        await page.click("text=Sign out")
        await site.send_mail()
        await page.goto(site.find_link("a"))
        await page.click("main button:text-is('Sign in')")
        await expect(page.locator("h1")).to_have_text("Overview")
        await page.click("nav >> text=API tokens")
        await page.fill("#name", "nightly export")
        await page.click("text=Create the token")
        assert re.fullmatch(r"digest_admin_[0-9a-f]{48}", await page.input_value("#new-token"))
        await page.click("text=Sign out")
        await page.fill("#email", "cem@example.com")
        await page.click("text=Email me a link")
        await expect(page.locator("h1")).to_have_text("Check your email")
        await site.send_mail()
        await page.goto(site.find_link("a"))
        await page.click("main button:text-is('Sign in')")
        await expect(page.locator(".out")).to_contain_text("Cem Yilmaz, editor")


async def test_the_validated_pages_cover_every_route(tmp_path: Path) -> None:
    async with run_site(tmp_path) as site:
        pages = await fetch_every_page(site)
    assert list_html_routes() - find_routes(pages) == set()
    unnamed = {page.path for page in pages if page.response.status_code == 200 and not page.name}
    assert unnamed == set()


@pytest.mark.long
async def test_axe_finds_no_violation_and_no_page_scrolls_sideways(
    tmp_path: Path, request: pytest.FixtureRequest, chromium: Browser
) -> None:
    axe = (install_npm_packages(request.config) / "axe-core" / "axe.min.js").read_text()
    violations: dict[str, list[str]] = {}
    async with run_site(tmp_path) as site:
        pages = {page.name: page for page in await fetch_every_page(site) if page.name}
        for size, scheme in product(SIZES, SCHEMES):
            async for name, page in _open_pages(chromium, site, pages, size, scheme):
                if messages := await _find_violations(page, axe):
                    violations[f"{name}, {size}, {scheme}"] = messages
    assert violations == {}


async def _find_violations(page: Page, axe: str) -> list[str]:
    await page.evaluate(axe)
    result: dict[str, Any] = await page.evaluate(AXE)
    assert result["passes"], "axe did not run"
    violations = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in result["violations"]]
    sideways = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*violations, "scrolls sideways"] if sideways else violations


@pytest.mark.long
async def test_the_html_validator_finds_no_error(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    packages = install_npm_packages(request.config)
    folder = tmp_path / "pages"
    folder.mkdir()
    async with run_site(tmp_path) as site:
        for page in await fetch_every_page(site):
            if page.name:
                (folder / f"{page.name.replace(' ', '-')}.html").write_text(page.response.text)
    assert validate_html(packages, folder) == []


async def _open_pages(
    chromium: Browser, site: RunningSite, pages: Mapping[str, FetchedPage], size: str, scheme: str
) -> AsyncIterator[tuple[str, Page]]:
    """Show each received page in a browser, responses to forms too. CSP is off, so that axe can run."""
    context = await chromium.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,
    )

    async def answer(route: Route) -> None:
        page = pages[unquote(route.request.url.rpartition("/")[2])]
        await route.fulfill(body=page.response.content, content_type="text/html; charset=utf-8")

    await context.route("**/shown/*", answer)
    tab = await context.new_page()
    for name in pages:
        await tab.goto(f"{site.url}/shown/{quote(name)}")
        yield name, tab
    await context.close()
