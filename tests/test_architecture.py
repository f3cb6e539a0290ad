"""The three laws of the house, read off the source itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent / "digest"
FLOORS = [
    {"errors"},
    {"model", "identity", "merging", "withdrawal", "seeds", "discretion"},
    {"rank", "cadence", "throttle"},
    {"compose", "changes"},
    {"fetch", "store", "deliver"},
    {"letters", "usual", "alerts", "library", "outlines", "meaning"},
    {"mornings"},
    {"intake", "editions", "subscriptions"},
    {"imports", "rows", "signups", "housekeeping", "hindsight", "retelling", "rereading"},
    {"pipeline"},
    {"settings", "sense", "logs", "app", "embeddings", "evaluation", "doctor", "jobs"},
    {"cli", "web", "scheduler", "sample", "__main__"},
]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# On the edge floors rooms may know each other where one is a part of the other's work.
NEIGHBOURS = {
    ("app", "settings"), ("settings", "sense"), ("app", "logs"), ("app", "embeddings"),
    ("evaluation", "app"), ("evaluation", "settings"), ("doctor", "app"), ("doctor", "settings"),
    ("jobs", "app"),
    ("cli", "web"), ("cli", "scheduler"), ("cli", "sample"), ("web", "scheduler"), ("__main__", "cli"),
    ("seeds", "identity"), ("identity", "model"), ("seeds", "model"),
    ("merging", "identity"), ("merging", "model"),
    ("rows", "imports"),
}  # fmt: skip
PURE = {
    "rank",
    "throttle",
    "cadence",
    "compose",
    "identity",
    "merging",
    "withdrawal",
    "model",
    "errors",
    "seeds",
    "discretion",
}
WORLD = {
    "httpx", "sqlmodel", "sqlalchemy", "aiosmtplib", "asyncio", "os", "random", "time", "logging",
    "socket", "subprocess", "requests",
}  # fmt: skip
CLOCKS = {"now", "utcnow", "today"}
MODULES = sorted(HOUSE.rglob("*.py"))


def _room(path: Path) -> str:
    inside = path.relative_to(HOUSE)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or "", node.lineno
            if node.module == "digest":
                yield from ((f"digest.{alias.name}", node.lineno) for alias in node.names)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _named(path: Path) -> str:
    return str(path.relative_to(HOUSE.parent))


@pytest.mark.parametrize("path", MODULES, ids=_named)
def test_imports_point_down(path: Path) -> None:
    room = _room(path)
    if room == "__init__":
        return
    for name, line in _imports(_tree(path)):
        parts = name.split(".")
        if parts[0] != "digest" or len(parts) == 1 or parts[1] in (room, "__version__"):
            continue
        target = parts[1]
        assert target in FLOOR_OF, f"{path}:{line} imports {name}, which stands on no floor"
        down = FLOOR_OF[target] < FLOOR_OF[room]
        assert down or (room, target) in NEIGHBOURS, f"{path}:{line} {room} must not import {target}"


@pytest.mark.parametrize("path", [p for p in MODULES if _room(p) in PURE], ids=_named)
def test_pure_rooms_are_pure(path: Path) -> None:
    tree = _tree(path)
    for name, line in _imports(tree):
        assert name.split(".")[0] not in WORLD, f"{path}:{line} a pure room imports {name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asks = node.func.attr in CLOCKS and not node.args and not node.keywords
            assert not asks, f"{path}:{node.lineno} a pure room asks the clock"


def _opens_transaction(node: ast.With | ast.AsyncWith) -> bool:
    return any(
        isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr == "begin"
        for item in node.items
    )


@pytest.mark.parametrize("path", MODULES, ids=_named)
def test_no_await_inside_a_transaction(path: Path) -> None:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.With | ast.AsyncWith) and _opens_transaction(node):
            waits = [n for n in ast.walk(node) if isinstance(n, ast.Await | ast.AsyncFor | ast.AsyncWith)]
            assert not waits, f"{path}:{waits[0].lineno} awaits inside a transaction"


@pytest.mark.parametrize("path", MODULES, ids=_named)
def test_late_imports_give_their_reason(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for outer in ast.walk(_tree(path)):
        if not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(outer):
            if isinstance(node, ast.Import | ast.ImportFrom):
                line = lines[node.lineno - 1]
                assert "# noqa: PLC0415  " in line, f"{path}:{node.lineno} imports late without a reason"


@pytest.mark.parametrize("path", MODULES, ids=_named)
def test_every_module_opens_with_a_sentence(path: Path) -> None:
    assert ast.get_docstring(_tree(path)), f"{path} does not say what it is for"
