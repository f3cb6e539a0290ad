"""Does it all hold in a real browser, with real mail? Every flow by clicking, every page by its looks."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from digest import subscriptions
from digest.model import Profile, Status, Subscriber
from digest.rank.learning import Verdict, learn
from digest.web.limits import EASY, WORLDWIDE
from digest.web.tickets import READING
from tests.house import NOW, signal
from tests.web.serving import Open, browser, invalid, npm, opened
from tests.web.visit import ADMIN

SIZES = {"desktop": {"width": 1200, "height": 900}, "phone": {"width": 375, "height": 800}}
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
        assert await page.inner_text("h1") == "Check your mail"
        await here.post()
        assert here.mailbox.received[-1].rcpt_to == ("ada@example.com",)

        await page.goto(here.link("c"))
        assert await page.inner_text("h1") == "You are subscribed"
        assert await page.evaluate("document.cookie") == ""
        await page.click("text=Choose your interests")
        assert await page.input_value("#keywords") == "sheep"
        await page.fill("#keywords", "teapots")
        await page.click("text=Save")
        assert "Saved." in await page.inner_text("[role=status]")

        await here.post()  # the welcome, with the links of every mail
        await page.goto(here.link("u"))
        await page.click("main button")
        assert await page.inner_text("h1") == "You are unsubscribed"
        with here.house.store.begin(write=False) as tx:
            ada = tx.subscribers.by_address("ada@example.com")
        assert ada.status is Status.UNSUBSCRIBED
        assert ada.profile.keywords == ("teapots",)


async def test_another_browser_confirms_by_the_button(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        with here.house.store.begin() as tx:
            by = subscriptions.By("reader", NOW, here.house.pepper)
            subscriptions.sign_up(tx, "ada@example.com", by=by)
        await here.post()
        page = await chromium.new_page()
        await page.goto(here.link("c"))
        assert await page.inner_text("h1") == "Confirm your subscription"
        await page.click("text=Yes, send it to me")
        assert await page.inner_text("h1") == "You are subscribed"


async def test_during_a_flood_the_page_itself_does_the_work_within_the_policy(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        page = await chromium.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        for _ in range(int(WORLDWIDE.burst * (1 - EASY)) + 60):
            here.lobby.limits.world.take("", here.clock())
        await page.goto(f"{here.url}/papers?q=sheep")
        await page.fill("input[name=email]", "ada@example.com")
        await page.click("button:text-is('Subscribe')")
        assert await page.inner_text("h1") == "One more step"
        await page.click("button:text-is('Subscribe'):enabled", timeout=60_000)
        assert await page.inner_text("h1") == "Check your mail"
        assert [error for error in errors if "status of 428" not in error] == []


async def test_an_administrator_signs_in_and_out_by_hand(tmp_path: Path) -> None:
    async with opened(tmp_path) as here, browser() as chromium:
        page = await chromium.new_page()
        await page.goto(f"{here.url}/admin")
        await page.fill("#token", ADMIN)
        await page.click("main button")
        assert await page.inner_text("h1") == "Overview"
        await page.click("nav >> text=Subscribers")
        await page.fill("#email", "ada@example.com")
        await page.click("button:text-is('Add')")
        assert await page.inner_text("h1") == "ada@example.com"
        await page.click("text=Sign out")
        assert await page.inner_text("h1") == "Administration"


def furnished(here: Open) -> dict[str, str]:
    """A reader with something to see, and the address of every kind of page."""
    links = here.house.links
    with here.house.store.begin() as tx:
        ada = tx.subscribers.add(
            "ada@example.com", status=Status.CONFIRMED, profile=Profile(keywords=("sheep",)), now=NOW
        )
        sheep = tx.papers.search("sheep")[0]
        tx.signals.observe([signal(sheep, 3, hours_ago=5)])  # two readings make a sparkline
        tx.subscribers.save(_taught(ada, learn(ada.profile, sheep, Verdict.MORE)))
        gone = tx.subscribers.add("gone@example.com", status=Status.UNSUBSCRIBED, now=NOW)
        tx.sources.hold("daily/2026-11-23", "arXiv answered with half a day.", at=NOW)
    pages = {
        "front": "/", "month": "/?window=month", "search": "/papers?q=sheep", "nothing": "/papers?q=xyz",
        "archive": "/archive", "day": "/archive/2026-11-23", "empty day": "/archive/2026-11-01",
        "help": "/help", "not there": "/nothing", "admin": "/admin", "readers": "/admin/subscribers",
        "reader": f"/admin/subscribers/{ada.pid}?paper={sheep.id}", "import": "/admin/import",
        "audit": "/admin/audit",
    }  # fmt: skip
    own = {
        "preferences": links.preferences(ada.pid), "unsubscribe": links.unsubscribe(ada.pid),
        "unsubscribed": links.unsubscribe(gone.pid), "verdict": links.more(ada.pid, sheep.id),
    }  # fmt: skip
    return {name: f"{here.url}{path}" for name, path in pages.items()} | own


def _taught(reader: Subscriber, profile: Profile) -> Subscriber:
    return Subscriber(**{name: getattr(reader, name) for name in Subscriber.__slots__} | {"profile": profile})


async def _signed_in(chromium: Browser, here: Open, size: str, scheme: str) -> BrowserContext:
    context = await chromium.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,  # axe is injected; our own pages hold no script
    )
    page = await context.new_page()
    await page.goto(f"{here.url}/admin/login")
    await page.fill("#token", ADMIN)
    await page.click("main button")
    return context


@pytest.mark.long
async def test_axe_finds_nothing_to_object_to_and_nothing_scrolls_sideways(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    axe = (npm(request.config) / "axe-core" / "axe.min.js").read_text()
    objections: dict[str, list[str]] = {}
    async with opened(tmp_path) as here, browser() as chromium:
        addresses = furnished(here)
        for size in SIZES:
            for scheme in SCHEMES:
                context = await _signed_in(chromium, here, size, scheme)
                page = await context.new_page()
                for name, address in addresses.items():
                    await page.goto(address)
                    await page.evaluate(axe)
                    found: dict[str, Any] = await page.evaluate(AXE)
                    assert found["passes"], "axe did not look"
                    told = [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]
                    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                        told.append("scrolls sideways")
                    if told:
                        objections[f"{name}, {size}, {scheme}"] = told
                await context.close()
    assert objections == {}


@pytest.mark.long
async def test_the_validator_finds_no_error(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    packages = npm(request.config)
    folder = tmp_path / "pages"
    folder.mkdir()
    async with opened(tmp_path) as here, browser() as chromium:
        addresses = furnished(here)
        context = await _signed_in(chromium, here, "desktop", "light")
        for name, address in addresses.items():
            answer = await context.request.get(address)
            (folder / f"{name.replace(' ', '-')}.html").write_text(await answer.text())
    assert invalid(packages, folder) == []
