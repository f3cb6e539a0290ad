"""How do the mails stand in a real browser: wide and narrow, light and dark, without their <style>?"""

import json
import re
import subprocess
from html import escape
from pathlib import Path
from shutil import which
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from digest.models import Section
from tests.mail.examples import RENDERER, edition, every_mail
from tests.mail.hostile import hostile_picks

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (320, 375, 600, 1000)


def pages() -> dict[str, str]:
    """Every mail, and the worst one."""
    mails = {name: email.html for name, (email, _) in every_mail().items()}
    mails |= {f"digest {language}": every_mail(language)["digest"][0].html for language in ("de", "zh")}
    mails["hostile"] = RENDERER.digest(edition(chosen=hostile_picks(Section.PICKED))).html
    return mails


def opened(browser: Browser, *, scheme: Scheme = "light", width: int = 1000) -> tuple[Page, list[str]]:
    """A tab that loads nothing, and the list of what it was asked to load."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    return page, asked


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways_and_nothing_is_loaded(chromium: Browser, width: int) -> None:
    page, asked = opened(chromium, width=width)
    for name, html in pages().items():
        for kind, shown in (("with", html), ("without", STYLE.sub("", html))):
            page.set_content(shown)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} {kind} <style>"
    assert asked == []
    page.context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_to_object_to(chromium: Browser, npm: Path, scheme: Scheme) -> None:
    page, _ = opened(chromium, scheme=scheme)
    axe = (npm / "axe-core" / "axe.min.js").read_text()
    objections: dict[str, list[str]] = {}
    for name, html in pages().items():
        page.set_content(html)
        page.evaluate(axe)
        found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        if found["violations"]:
            objections[name] = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]]
    assert objections == {}
    page.context.close()


def test_the_dark_scheme_is_dark_and_the_light_one_light(chromium: Browser) -> None:
    background = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    for scheme, colour in zip(SCHEMES, ("rgb(255, 255, 255)", "rgb(22, 27, 34)"), strict=True):
        page, _ = opened(chromium, scheme=scheme)
        page.set_content(pages()["digest"])
        assert page.evaluate(background) == colour
        page.context.close()


def test_phones_get_a_narrower_margin(chromium: Browser) -> None:
    padding = "getComputedStyle(document.querySelector('.card')).paddingLeft"
    for width, margin in ((375, "16px"), (1000, "24px")):
        page, _ = opened(chromium, width=width)
        page.set_content(pages()["digest"])
        assert page.evaluate(padding) == margin
        page.context.close()


def test_the_validator_finds_no_error(npm: Path, tmp_path: Path) -> None:
    if which("java") is None:
        pytest.skip("no Java here for the HTML validator: apt-get install default-jre-headless")
    for name, html in pages().items():
        (tmp_path / f"{name.replace(' ', '-')}.html").write_text(html, errors="replace")
    jar = next(npm.glob("vnu-jar/**/vnu.jar"))
    command = ["java", "-jar", str(jar), "--format", "json", "--stdout", *map(str, tmp_path.glob("*.html"))]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    messages = json.loads(run.stdout)["messages"]
    assert [f"{Path(m['url']).name}: {m['message']}" for m in messages if m["type"] == "error"] == []


# What some program does not know and nobody misses there: how it looks without is tested above.
GRACEFUL = {
    "color-scheme meta tag",  # it then follows the media query, or stays light
    "@media",  # it then shows the inline styles
    "Type selector",  # only resets stand in <style>
    "<body> element",  # the frame inside carries the same background
    "aria-label attribute",  # the heading says it too
    "word-break",  # a long word then breaks as that program pleases
}


def test_no_major_mail_program_lacks_what_the_mails_need(npm: Path, tmp_path: Path) -> None:
    script = Path(__file__).parent / "caniemail.mjs"
    (tmp_path / "digest.html").write_text(pages()["digest"])
    command = ["node", str(script), str(npm), str(tmp_path / "digest.html")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    unsupported = {client: set(features) - GRACEFUL for client, features in json.loads(run.stdout).items()}
    assert len(unsupported) == 15
    assert not any(unsupported.values()), unsupported


IMAGES = Path(__file__).parents[2] / "docs" / "images"
SHOTS: tuple[tuple[str, Scheme, int, int], ...] = (
    ("email-desktop.png", "light", 700, 860),
    ("email-phone.png", "light", 375, 812),
    ("email-dark.png", "dark", 375, 812),
)
FRAME = '<iframe srcdoc="{}" style="border:0;width:{}px;height:560px;border-radius:8px"></iframe>'
TABLE = '<body style="margin:0;padding:16px;background:#d8dee4;display:flex;gap:16px">{}{}</body>'


def test_the_docs_show_the_digest_in_small_pictures(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-pages", default=False):
        _photograph(request.getfixturevalue("chromium"))
    for name in ("digest.png", *(name for name, *_ in SHOTS)):
        assert 10_000 < (IMAGES / name).stat().st_size < 150_000, name


def _photograph(chromium: Browser) -> None:
    for name, scheme, width, height in SHOTS:
        page, _ = opened(chromium, scheme=scheme, width=width)
        page.set_viewport_size({"width": width, "height": height})
        page.set_content(pages()["digest"])
        page.screenshot(path=IMAGES / name)
        page.context.close()
    page, _ = opened(chromium)
    page.set_viewport_size({"width": 976, "height": 592})
    light = escape(pages()["digest"])
    dark = light.replace("(prefers-color-scheme:dark)", "all")  # a frame takes the scheme of its page
    page.set_content(TABLE.format(FRAME.format(light, 584), FRAME.format(dark, 344)))
    page.screenshot(path=IMAGES / "digest.png")
    page.context.close()
