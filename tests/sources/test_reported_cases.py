"""Reports from the real world, played through the command line where they lie beside the project."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

import pytest

from tests.cli.test_commands import Shell

CASES = Path(__file__).parents[3] / "shared" / "cases" / "sources"
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def player(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the program that plays the cases, which runs the commands in this process."""
    program = CASES / "check.py"
    if not program.is_file():
        pytest.skip(f"no reported cases at {CASES} (tests of the kinds stand in)")
    monkeypatch.setattr(sys, "argv", [str(program)])
    spec = spec_from_file_location("check", program)
    assert spec is not None
    assert spec.loader is not None
    player = module_from_spec(spec)
    spec.loader.exec_module(player)

    def run(house: Any, *args: str) -> CompletedProcess[str]:
        return Shell(Path(house.dir.name), UNREACHABLE)(*args, **house.env)

    monkeypatch.setattr(player.House, "run", run)
    return player


@pytest.mark.parametrize(
    "way", ["feeds", "feeds-apart", "twins", "rss", "hn", "biorxiv", "zotero", "rank", "like"]
)
def test_reported_cases_are_read_right(
    way: str, player: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [case["id"] for case in json.loads((CASES / "cases.json").read_text()) if case["via"] == way]
    monkeypatch.setattr(player, "ONLY", set(ids))

    with pytest.raises(SystemExit) as exit_info:
        player.main()

    played = capsys.readouterr().out
    assert exit_info.value.code == 0, played
    assert f"{len(ids)} passed, 0 failed of {len(ids)}" in played
