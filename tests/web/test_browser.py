"""Does it all hold in a real browser, with real mail? Every flow by clicking, every page by its looks."""

from collections.abc import AsyncIterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from playwright.async_api import Browser, Page, Route, expect

from digest import subscribers
from digest.models import Status
from digest.web.form_tokens import READING
from digest.web.rate_limits import EASY, WORLDWIDE
from tests.factories import NOW
from tests.web.every_page import Page as Fetched
from tests.web.every_page import every_page, html_routes, reached
from tests.web.serving import Open, browser, invalid, npm, opened
from tests.web.visit import ADMIN

SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")
AXE = "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"


async def test_sign_up_mail_click_confirm_choose_and_leave(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        page = await (await chromium.new_context(java_script_enabled=False)).new_page()
        await page.goto(here.url)
        await page.fill("input[name=email]", "ada@example.com")
        await page.click("summary")
        await page.fill("input[name=interests]", "sheep")
        here.clock.advance(seconds=READING)
        await page.click("text=Subscribe >> visible=true")
        await expect(page.locator("h1")).to_have_text("Check your mail")
        await here.post()
        assert here.mailbox.received[-1].rcpt_to == ("ada@example.com",)

        await page.goto(here.link("c"))
        await expect(page.locator("h1")).to_have_text("You are subscribed")
        assert await page.evaluate("document.cookie") == ""
        await page.click("text=Interests, time and time zone")
        assert await page.input_value("#keywords") == "sheep"
        await page.fill("#keywords", "teapots")
        await page.click("button:text-is('Save')")
        assert "Saved." in await page.inner_text("[role=status]")

        await here.post()  # the welcome, with the links of every mail
        await page.goto(here.link("u"))
        await page.click("main button")
        await expect(page.locator("h1")).to_have_text("You are unsubscribed")
        with here.services.store.begin(write=False) as tx:
            ada = tx.subscribers.by_address("ada@example.com")
        assert ada.status is Status.UNSUBSCRIBED
        assert ada.profile.keywords == ("teapots",)


async def test_another_browser_confirms_by_the_button(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        with here.services.store.begin() as tx:
            by = subscribers.Actor("reader", NOW, here.services.suppression_key)
            subscribers.sign_up(tx, "ada@example.com", by=by)
        await here.post()
        page = await chromium.new_page()
        await page.goto(here.link("c"))
        await expect(page.locator("h1")).to_have_text("Confirm your subscription")
        await page.click("text=Yes, send it to me")
        await expect(page.locator("h1")).to_have_text("You are subscribed")


async def test_during_a_flood_the_page_itself_does_the_work_within_the_policy(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for _ in range(int(WORLDWIDE.burst * (1 - EASY)) + 60):
            here.ctx.limits.world.take("", here.clock())
        await page.goto(f"{here.url}/papers?q=sheep")
        await page.fill("input[name=email]", "ada@example.com")
        await page.click("button:text-is('Subscribe')")
        await expect(page.locator("h1")).to_have_text("One more step")
        await page.click("button:text-is('Subscribe'):enabled", timeout=60_000)
        await expect(page.locator("h1")).to_have_text("Check your mail")
        assert [error for error in errors if "status of 428" not in error] == []


async def test_an_administrator_signs_in_and_out_by_hand(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        page = await chromium.new_page()
        await page.goto(f"{here.url}/admin")
        await page.fill("#token", ADMIN)
        await page.click("main button")
        await expect(page.locator("h1")).to_have_text("Overview")
        await page.click("nav >> text=Subscribers")
        await page.fill("#email", "ada@example.com")
        await page.click("button:text-is('Add')")
        await expect(page.locator("h1")).to_have_text("ada@example.com")
        await page.click("text=Sign out")
        await expect(page.locator("h1")).to_have_text("Administration")


async def test_every_page_there_is_is_among_those_that_are_judged(tmp_path: Path) -> None:
    async with opened(tmp_path) as here:
        pages = await every_page(here)
    assert html_routes() - reached(pages) == set()
    unnamed = {page.path for page in pages if page.answer.status_code == 200 and not page.name}
    assert unnamed == set()


@pytest.mark.long
async def test_axe_finds_nothing_to_object_to_and_nothing_scrolls_sideways(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    axe = (npm(request.config) / "axe-core" / "axe.min.js").read_text()
    objections: dict[str, list[str]] = {}
    async with opened(tmp_path) as here, browser() as chromium:
        pages = {page.name: page for page in await every_page(here) if page.name}
        for size, scheme in product(SIZES, SCHEMES):
            async for name, page in _shown(chromium, here, pages, size, scheme):
                if told := await _objections(page, axe):
                    objections[f"{name}, {size}, {scheme}"] = told
    assert objections == {}


async def _objections(page: Page, axe: str) -> list[str]:
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate(AXE)
    assert found["passes"], "axe did not look"
    told = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]
    sideways = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return [*told, "scrolls sideways"] if sideways else told


@pytest.mark.long
async def test_the_validator_finds_no_error(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    packages = npm(request.config)
    folder = tmp_path / "pages"
    folder.mkdir()
    async with opened(tmp_path) as here:
        for page in await every_page(here):
            if page.name:
                (folder / f"{page.name.replace(' ', '-')}.html").write_text(page.answer.text)
    assert invalid(packages, folder) == []


async def _shown(
    chromium: Browser, here: Open, pages: Mapping[str, Fetched], size: str, scheme: str
) -> AsyncIterator[tuple[str, Page]]:
    """Each page in a browser, as it came: answers to forms too. Ours hold no script, so that axe may."""
    context = await chromium.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,
    )

    async def answer(route: Route) -> None:
        page = pages[unquote(route.request.url.rpartition("/")[2])]
        await route.fulfill(body=page.answer.content, content_type="text/html; charset=utf-8")

    await context.route("**/shown/*", answer)
    tab = await context.new_page()
    for name in pages:
        await tab.goto(f"{here.url}/shown/{quote(name)}")
        yield name, tab
    await context.close()
