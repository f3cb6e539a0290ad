"""Reports from the real world, played through the command line where they lie beside the project."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parents[3] / "shared" / "cases" / "sources"


@pytest.mark.parametrize(
    "way", ["feeds", "feeds-apart", "twins", "rss", "hn", "biorxiv", "zotero", "rank", "like"]
)
def test_reported_cases_are_read_right(way: str) -> None:
    if not (CASES / "check.py").is_file():
        pytest.skip(f"no reported cases at {CASES} (tests of the kinds stand in)")
    cases = json.loads((CASES / "cases.json").read_text())
    ids = [case["id"] for case in cases if case["via"] == way]

    played = subprocess.run(
        [sys.executable, "-B", CASES / "check.py", sys.executable, *ids],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert played.returncode == 0, played.stdout
    assert f"{len(ids)} passed, 0 failed of {len(ids)}" in played.stdout
