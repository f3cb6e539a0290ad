"""The rules of docs/architecture.md, checked against the source: layers, purity, transactions."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "digest"
LAYERS = [
    {"models"},
    {"trending", "mail", "sources", "delivery", "db"},
    {"ranking", "subscribers"},
    {"pipeline"},
    {"app"},
    {"worker", "web", "cli", "tools"},
]
LAYER_OF = {package: number for number, packages in enumerate(LAYERS, 1) for package in packages}
STARTED_BY_CLI = {"web", "worker", "tools"}  # the one exception: cli imports from its own layer
PURE = {"models", "trending", "mail", "ranking"}
IO_MODULES = {
    "httpx", "sqlmodel", "sqlalchemy", "aiosmtplib", "asyncio", "os", "random", "time", "logging",
    "socket", "subprocess", "requests",
}  # fmt: skip
GIVEN = ("httpx", "bs4", "jinja2", "apscheduler", "sqlmodel", "aiosmtplib")
CLOCKS = {"now", "utcnow", "today"}


def _package_of(path: Path) -> str:
    """Return the package at the top of digest/ that *path* is in, "" for a module beside the packages."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0] if len(inside.parts) > 1 else ""


@cache
def _walk(tree: ast.AST) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in _walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or "", node.lineno
            if node.module == "digest":
                yield from ((f"digest.{alias.name}", node.lineno) for alias in node.names)


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Return the source of every module of digest, parsed."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def test_every_package_has_a_layer() -> None:
    made = {"__pycache__", "commit.txt"}  # the second by an installation, for `digest --version`
    entries = {path.name for path in PACKAGE.iterdir()} - made

    assert entries == LAYER_OF.keys() | {"__init__.py", "__main__.py", "py.typed"}


def test_imports_go_to_lower_layers(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        package = _package_of(path)
        if not package:
            continue
        for name, line in _imports(tree):
            parts = name.split(".")
            if parts[0] != "digest" or len(parts) == 1 or parts[1] in (package, "__version__"):
                continue
            target = parts[1]
            assert target in LAYER_OF, f"{path}:{line} imports {name}, which is in no layer"
            is_lower = LAYER_OF[target] < LAYER_OF[package]
            is_started = package == "cli" and target in STARTED_BY_CLI
            assert is_lower or is_started, f"{path}:{line} {package} must not import {target}"


def test_pure_packages_do_no_io(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        if _package_of(path) not in PURE:
            continue
        for name, line in _imports(tree):
            assert name.split(".")[0] not in IO_MODULES, f"{path}:{line} a pure package imports {name}"
        for node in _walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                asks_the_clock = node.func.attr in CLOCKS and not node.args and not node.keywords
                assert not asks_the_clock, f"{path}:{node.lineno} a pure package asks the clock"


def _opens_transaction(node: ast.With | ast.AsyncWith) -> bool:
    return any(
        isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr == "begin"
        for item in node.items
    )


def test_no_await_inside_a_transaction(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        for node in _walk(tree):
            if isinstance(node, ast.With | ast.AsyncWith) and _opens_transaction(node):
                waits = [n for n in _walk(node) if isinstance(n, ast.Await | ast.AsyncFor | ast.AsyncWith)]
                assert not waits, f"{path}:{waits[0].lineno} awaits inside a transaction"


def test_late_imports_give_their_reason(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        lines = path.read_text(encoding="utf-8").splitlines()
        for outer in _walk(tree):
            if not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in _walk(outer):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    line = lines[node.lineno - 1]
                    assert "# noqa: PLC0415  " in line, f"{path}:{node.lineno} imports late without a reason"


def test_every_module_has_a_head_that_states(trees: dict[Path, ast.Module]) -> None:
    for path, tree in trees.items():
        head = ast.get_docstring(tree) or ""

        assert head.partition("\n")[0].endswith((".", ":")), f"{path} does not say what it is"
        assert "?" not in head.partition("\n")[0], f"{path} asks instead of saying what it is"


def test_one_module_imports_httpx(trees: dict[Path, ast.Module]) -> None:
    importers = {_name(path) for path, tree in trees.items() for name, _ in _imports(tree) if name == "httpx"}

    assert importers == {"digest/sources/http/client.py"}


def test_every_imported_package_is_installed_with_the_program(trees: dict[Path, ast.Module]) -> None:
    """What only the tests and benchmarks need is there too when tests run."""
    top = PACKAGE.parent
    lines = (top / "deploy/requirements.txt").read_text().splitlines()
    extras = tomllib.loads((top / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    found = (re.match(r"[\w.-]*", line) for line in (*lines, *chain(*extras.values())))
    installed = {name.group().lower() for name in found if name} | {"sentence-transformers"}  # of one's own
    distributions = packages_distributions()
    imported = {name.partition(".")[0] for tree in trees.values() for name, _ in _imports(tree)}
    unknown = imported - sys.stdlib_module_names - {"digest"}

    for package in unknown:
        owners = distributions.get(package, [package])
        names = {owner.lower().replace("_", "-") for owner in owners}
        assert names & installed, f"{package} is not among the requirements"


def test_every_given_package_is_used(trees: dict[Path, ast.Module]) -> None:
    imported = {name.partition(".")[0] for tree in trees.values() for name, _ in _imports(tree)}

    assert imported >= set(GIVEN)


def test_class_names_are_unique(trees: dict[Path, ast.Module]) -> None:
    homes: dict[str, list[str]] = {}
    for path, tree in trees.items():
        for node in _walk(tree):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(_name(path))

    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_no_possessive_group_begins_with_a_lookahead(trees: dict[Path, ast.Module]) -> None:
    """Python before 3.11.5 never matches one."""
    pattern = re.compile(r"\(\?:\(\?!.*\)[*+]\+")
    assert pattern.search(r"<!--(?:(?!-->).)*+-->")
    assert [_name(path) for path in trees if pattern.search(path.read_text(encoding="utf-8"))] == []
