"""Tests of the documentation: every setting, command, link and table in it is right."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.app.settings import list_variables
from digest.cli import COMMANDS
from digest.cli.subscribers import ACTIONS

TOP = Path(__file__).parent.parent
PAGES = [*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").rglob("*.md"))]
GENERATED = runpy.run_path(str(TOP / "docs/reference/generate.py"))["generate"]()
TEST_VARIABLES = {"DIGEST_RECORDED", "DIGEST_REPLAY", "DIGEST_RANKING"}  # where tests find recorded data
TEXT_FILES = ("*.py", "*.md", "*.toml", "*.txt", "*.html", "*.yml", "*.yaml")


def _get_name(path: Path) -> str:
    return str(path.relative_to(TOP))


def _find_code(text: str) -> Iterator[str]:
    """Yield everything set as code: indented lines, and text between backticks."""
    yield from re.findall(r"^    (.+)$", text, re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", text)


@pytest.mark.parametrize("name", [name for name in GENERATED if not name.endswith("licences.md")])
def test_generated_file_equals_what_the_code_gives(name: str) -> None:
    assert (TOP / name).read_text() == GENERATED[name], "run: make reference"


def test_every_requirement_is_in_the_list_of_licences() -> None:
    listed = re.findall(r"^\| ([\w.-]+) \|", (TOP / "docs/reference/licences.md").read_text(), re.MULTILINE)
    lines = (TOP / "deploy/requirements.txt").read_text().splitlines()
    required = {match[1].lower() for line in lines if (match := re.match(r"([\w.-]+)(?:\[.*\])?==", line))}
    assert required <= set(listed), "run: make reference"


def test_every_page_is_in_the_navigation_and_in_the_index() -> None:
    navigation = (TOP / "mkdocs.yml").read_text()
    index = (TOP / "docs/index.md").read_text()
    for page in sorted((TOP / "docs").rglob("*.md")):
        name = str(page.relative_to(TOP / "docs"))
        if name != "index.md" and not name.startswith("decisions/"):
            assert f"- {name}" in navigation or f"[{name}]" in navigation, name
            assert f"({name}" in index or name == "mutation-testing.md", name


@pytest.mark.parametrize("page", PAGES, ids=_get_name)
def test_every_setting_named_is_a_setting(page: Path) -> None:
    named = {name.removesuffix("_FILE") for name in re.findall(r"\bDIGEST_[A-Z_]+\b", page.read_text())}
    assert named <= {*list_variables().values(), *TEST_VARIABLES}


@pytest.mark.parametrize("page", PAGES, ids=_get_name)
def test_every_command_named_is_a_command(page: Path) -> None:
    for line in _find_code(page.read_text()):
        for command, action in re.findall(r"(?:^|[;&|] |and )digest ([a-z]+)(?: ([a-z]+))?", line):
            assert command in COMMANDS, line
            assert command != "subscribers" or not action or action in ACTIONS, line


@pytest.mark.parametrize("page", PAGES, ids=_get_name)
def test_every_link_to_a_file_works(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=_get_name)
def test_every_link_to_a_heading_works(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            text = ((page.parent / target) if target else page).read_text()
            assert anchor in set(map(_make_anchor, re.findall(r"^#+ (.+)$", text, re.MULTILINE))), anchor


def _make_anchor(heading: str) -> str:
    """Return the anchor of a heading as GitHub and mkdocs make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_get_name)
def test_every_row_of_a_table_has_the_cells_of_its_head(page: Path) -> None:
    for table in re.findall(r"(?:^\|.*\n)+", page.read_text(), re.MULTILINE):
        cells = [(len(re.findall(r"(?<!\\)\|", row)), row) for row in table.splitlines()]
        assert {row for count, row in cells if count != cells[0][0]} == set()  # further cells are not shown


def test_the_readme_is_short_and_names_the_two_commands() -> None:
    text = (TOP / "README.md").read_text()
    assert len(text.splitlines()) <= 100
    assert "make demo" in text
    assert "make test" in text


def test_no_file_names_a_path_of_a_development_machine() -> None:
    folders = ("/wo" + "rk/", "/ro" + "ot/", "/opt/py" + "pi")
    for top in ("digest", "templates", "tests", "deploy", "docs", "bench"):
        for path in (path for pattern in TEXT_FILES for path in (TOP / top).rglob(pattern)):
            text = path.read_text(errors="replace")
            assert not any(folder in text for folder in folders), path


def test_installation_advice_names_our_distribution() -> None:
    """`digest` on PyPI is another project: `pip install 'digest[dkim]'` would install the wrong one."""
    sources = [path for path in (TOP / "digest").rglob("*.py") if "digest[" in path.read_text()]
    for path in [*sources, *PAGES]:
        assert not re.search(r"(?<![-\w])digest\[[a-z]", path.read_text()), path
