"""Does every case that docs/delivery.md promises have the test it names?"""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "delivery.md").read_text(encoding="utf-8")
CASES = range(1, 41)


def named() -> dict[int, list[str]]:
    """The tests of each row of the table."""
    rows = re.findall(r"^\| (\d+) \|[^|]+\|([^|]+)\|$", PAGE, re.MULTILINE)
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in rows}


def test_every_case_has_a_test() -> None:
    assert sorted(named()) == list(CASES)
    assert all(named().values())


def test_every_test_named_is_there() -> None:
    missing = []
    for test in re.findall(r"`((?:\w+/)+test_\w+\.py::test_\w+)`", PAGE):
        path, _, name = test.partition("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        there = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        missing += [test] if name not in there else []
    assert missing == []


def test_every_test_with_a_cases_number_stands_for_a_case_there_is() -> None:
    numbers = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(
            r"^(?:async )?def test_(\d+)_[a-z]", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert numbers <= set(CASES)
