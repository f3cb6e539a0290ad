"""Mails in a real browser: wide and narrow, light and dark, with and without their <style>."""

import json
import re
import subprocess
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from digest.mail.locale import LANGUAGES
from digest.models import Section
from tests.mail.examples import BULK, make_edition, render_every_mail
from tests.mail.hostile import make_hostile_picks
from tests.npm_packages import validate_html

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
WIDTHS = (320, 375, 600, 1000)
CHIP_BOXES = """[...document.querySelectorAll('.chips')].map(row => [...row.querySelectorAll('.chip')].map(
    chip => { const box = chip.getBoundingClientRect(); return [Math.round(box.top), Math.round(box.height)] }
))"""


@cache
def render_pages() -> dict[str, str]:
    """Return the HTML of every mail, and of one with hostile papers."""
    mails = {name: email.html for name, (email, _) in render_every_mail().items()}
    mails |= {
        f"digest {language}": render_every_mail(language)["digest"][0].html for language in ("de", "zh")
    }
    mails["hostile"] = BULK.render_email(make_edition(picks=make_hostile_picks(Section.PICKED))).html
    return mails


def open_page(browser: Browser, *, scheme: Scheme = "light", width: int = 1000) -> tuple[Page, list[str]]:
    """Return a page that loads nothing, and the list of URLs it was requested to load."""
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    requested: list[str] = []

    def refuse(route: Route) -> None:
        requested.append(route.request.url)
        route.abort()

    page.route("**/*", refuse)
    return page, requested


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways_and_nothing_is_loaded(chromium: Browser, width: int) -> None:
    page, requested = open_page(chromium, width=width)
    for name, html in render_pages().items():
        for variant, shown_html in (("with", html), ("without", STYLE.sub("", html))):
            page.set_content(shown_html)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} {variant} <style>"
    assert requested == []
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_feedback_chips_stand_in_one_row_and_do_not_break(chromium: Browser, language: str) -> None:
    page, _ = open_page(chromium, width=320)
    page.set_content(render_every_mail(language)["digest"][0].html)
    rows = page.evaluate(CHIP_BOXES)
    assert len(rows) == 9  # papers with feedback
    for boxes in rows:
        assert [height for _, height in boxes] == [32, 32]
        assert len({top for top, _ in boxes}) == 1
    page.context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_no_violation(chromium: Browser, npm: Path, scheme: Scheme) -> None:
    page, _ = open_page(chromium, scheme=scheme)
    axe = (npm / "axe-core" / "axe.min.js").read_text()
    violations: dict[str, list[str]] = {}
    for name, html in render_pages().items():
        page.set_content(html)
        page.evaluate(axe)
        report: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        if report["violations"]:
            violations[name] = [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in report["violations"]]
    assert violations == {}
    page.context.close()


def test_the_dark_scheme_is_dark_and_the_light_one_light(chromium: Browser) -> None:
    background = "getComputedStyle(document.querySelector('.card')).backgroundColor"
    for scheme, colour in zip(SCHEMES, ("rgb(255, 255, 255)", "rgb(22, 27, 34)"), strict=True):
        page, _ = open_page(chromium, scheme=scheme)
        page.set_content(render_pages()["digest"])
        assert page.evaluate(background) == colour
        page.context.close()


def test_phones_get_a_narrower_margin(chromium: Browser) -> None:
    padding = "getComputedStyle(document.querySelector('.card')).paddingLeft"
    for width, margin in ((375, "16px"), (1000, "24px")):
        page, _ = open_page(chromium, width=width)
        page.set_content(render_pages()["digest"])
        assert page.evaluate(padding) == margin
        page.context.close()


def test_the_validator_finds_no_error(npm: Path, tmp_path: Path) -> None:
    for name, html in render_pages().items():
        (tmp_path / f"{name.replace(' ', '-')}.html").write_text(html, errors="replace")
    assert validate_html(npm, tmp_path) == []


# What some programs do not support and a mail does without: its look without is tested above.
DISPENSABLE_FEATURES = {
    "color-scheme meta tag",  # it then follows the media query, or stays light
    "@media",  # it then shows the inline styles
    "Type selector",  # only resets stand in <style>
    "<body> element",  # the frame inside carries the same background
    "aria-label attribute",  # the heading says it too
    "word-break",  # a long word then breaks as that program pleases
    "border-radius",  # chips and buttons then have corners
    "display:inline-block",  # their padding is then narrower
    "letter-spacing",
    "white-space",  # a chip may then break
}


def test_no_major_mail_program_lacks_what_the_mails_need(npm: Path, tmp_path: Path) -> None:
    script = Path(__file__).parent / "caniemail.mjs"
    (tmp_path / "digest.html").write_text(render_pages()["digest"])
    command = ["node", str(script), str(npm), str(tmp_path / "digest.html")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    unsupported = {
        client: set(features) - DISPENSABLE_FEATURES for client, features in json.loads(run.stdout).items()
    }
    assert len(unsupported) == 15
    assert not any(unsupported.values()), unsupported


IMAGES = Path(__file__).parents[2] / "docs" / "images"
SCREENSHOTS: tuple[tuple[str, Scheme, int, int], ...] = (
    ("email-desktop.png", "light", 700, 860),
    ("email-phone.png", "light", 375, 812),
    ("email-dark.png", "dark", 375, 812),
)
IFRAME = '<iframe srcdoc="{}" style="border:0;width:{}px;height:560px;border-radius:8px"></iframe>'
FRAMES_PAGE = '<body style="margin:0;padding:16px;background:#d8dee4;display:flex;gap:16px">{}{}</body>'


def test_the_docs_show_the_digest_in_small_pictures(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update-pages", default=False):
        _take_screenshots(request.getfixturevalue("chromium"))
    for name in ("digest.png", *(name for name, *_ in SCREENSHOTS)):
        assert 10_000 < (IMAGES / name).stat().st_size < 150_000, name


def _take_screenshots(chromium: Browser) -> None:
    for name, scheme, width, height in SCREENSHOTS:
        page, _ = open_page(chromium, scheme=scheme, width=width)
        page.set_viewport_size({"width": width, "height": height})
        page.set_content(render_pages()["digest"])
        page.screenshot(path=IMAGES / name)
        page.context.close()
    page, _ = open_page(chromium)
    page.set_viewport_size({"width": 976, "height": 592})
    light = escape(render_pages()["digest"])
    dark = light.replace("(prefers-color-scheme:dark)", "all")  # a frame takes the scheme of its page
    page.set_content(FRAMES_PAGE.format(IFRAME.format(light, 584), IFRAME.format(dark, 344)))
    page.screenshot(path=IMAGES / "digest.png")
    page.context.close()
