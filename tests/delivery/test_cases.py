"""Every case in the table of docs/delivery.md has the tests it names."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "delivery.md").read_text(encoding="utf-8")
CASES = range(1, 42)


def parse_table() -> dict[int, list[str]]:
    """Return the tests of each case in the table."""
    rows = re.findall(r"^\| (\d+) \|[^|]+\|([^|]+)\|$", PAGE, re.MULTILINE)
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in rows}


def test_every_case_has_a_test() -> None:
    assert sorted(parse_table()) == list(CASES)
    assert all(parse_table().values())


def test_every_named_test_exists() -> None:
    missing = []
    for test in re.findall(r"`((?:\w+/)+test_\w+\.py::test_\w+)`", PAGE):
        path, _, name = test.partition("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        names = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        missing += [test] if name not in names else []
    assert missing == []


def test_every_numbered_test_belongs_to_an_existing_case() -> None:
    numbers = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(
            r"^(?:async )?def test_(\d+)_[a-z]", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert numbers <= set(CASES)
