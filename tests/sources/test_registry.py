"""Tests of the registry: sources of other packages, by the template in the documentation."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.models import Health
from digest.models.errors import ConfigError
from digest.sources.base import FetchContext, fetch_source
from digest.sources.config import SourceConfig, get_source_title, list_source_names
from digest.sources.http.client import Client
from digest.sources.registry import SOURCES, build_sources
from tests.factories import NOW
from tests.replay_server import ReplayServer, Reply

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "sources.md"


def read_template() -> str:
    """Return the code of the template in the documentation."""
    block = re.search(r"```python\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    assert block
    return block[1]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ReplayServer) -> Iterator[Path]:
    """Install a package with the source of the template, which asks the test's server."""
    module = tmp_path / "my_source.py"
    module.write_text(read_template().replace("https://papers.example", server.url))
    metadata = tmp_path / "my_source-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: my-source\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[digest.sources]\nmine = my_source:Mine\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield module
    sys.modules.pop("my_source", None)


@pytest.mark.usefixtures("package")
async def test_the_template_of_the_documentation_is_a_source(client: Client, server: ReplayServer) -> None:
    lines = [line for line in read_template().splitlines() if line and not line.startswith("from ")]
    assert len(lines) <= 10
    assert list_source_names() == [*SOURCES, "mine"]
    (source,) = build_sources(SourceConfig(sources=("mine",)))
    server.set_replies(
        "/new.json", Reply(body=b'[{"doi": "10.5555/1", "title": "Wool"}, {"doi": 3}]'), Reply(body=b"[1]")
    )
    (result,) = await fetch_source(source, FetchContext(client=client, now=NOW))
    assert [(paper.id, paper.title) for paper in result.papers] == [("doi:10.5555/1", "Wool")]
    assert (result.source, result.health, result.unseen) == ("mine", Health.OK, 1)
    (broken,) = await fetch_source(source, FetchContext(client=client, now=NOW))
    assert broken.health is Health.CHANGED  # whatever it raises


def test_a_source_that_cannot_be_imported_is_named(package: Path) -> None:
    package.write_text("import a_module_that_is_not_there")
    assert build_sources(SourceConfig(sources=("arxiv",)))  # harms no other
    with pytest.raises(ConfigError, match="'mine' of the package my-source cannot be loaded"):
        build_sources(SourceConfig(sources=("mine",)))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="no source 'nature'"):
        build_sources(SourceConfig(), only=["nature"])


def test_every_source_has_a_title() -> None:
    assert [name for name in SOURCES if get_source_title(name) == name] == []
    assert get_source_title("another") == "another"
