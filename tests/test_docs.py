"""The documents are held to the product: every setting, every command, every link in them is true."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app.settings import variables
from digest.cli import COMMANDS
from digest.cli.subscribers import ACTIONS

TOP = Path(__file__).parent.parent
PAGES = [*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").rglob("*.md"))]
BESIDE = {"DIGEST_RECORDED", "DIGEST_REPLAY", "DIGEST_RANKING"}  # where tests find genuine answers
WRITTEN = ("*.py", "*.md", "*.toml", "*.txt", "*.html", "*.yml", "*.yaml")


def _named(path: Path) -> str:
    return str(path.relative_to(TOP))


def _code(text: str) -> Iterator[str]:
    """Everything set as code: indented lines, fenced blocks, and what stands between backticks."""
    yield from re.findall(r"^    (.+)$", text, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", text)


def test_every_setting_is_in_the_installation_page() -> None:
    text = (TOP / "docs/install.md").read_text()
    assert all(f"| `{variable}` |" in text for variable in variables().values())


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_setting_named_is_a_setting(page: Path) -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(r"\bDIGEST_[A-Z_]+\b", page.read_text())}
    assert named <= {*variables().values(), *BESIDE}


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_command_named_is_a_command(page: Path) -> None:
    for line in _code(page.read_text()):
        for command, action in re.findall(r"(?:^|[;&|] |and )digest ([a-z]+)(?: ([a-z]+))?", line):
            assert command in COMMANDS, line
            assert command != "subscribers" or not action or action in ACTIONS, line


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_link_to_a_file_leads_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        cells = [(len(re.findall(r"(?<!\\)\|", row)), row) for row in table.splitlines()]
        assert {row for count, row in cells if count != cells[0][0]} == set()  # what is beyond is not shown


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    text = (TOP / "README.md").read_text()
    assert len(text.splitlines()) <= 100
    assert "make demo" in text
    assert "make test" in text


def test_nothing_names_a_place_of_the_machine_it_was_written_on() -> None:
    places = ("/wo" + "rk/", "/ro" + "ot/", "/opt/py" + "pi")
    for room in ("digest", "templates", "tests", "deploy", "docs", "bench"):
        for path in (path for form in WRITTEN for path in (TOP / room).rglob(form)):
            text = path.read_text(errors="replace")
            assert not any(place in text for place in places), path
