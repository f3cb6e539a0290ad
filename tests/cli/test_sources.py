"""Tests of `digest sources`: listing, turning on and off, importing feeds."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from digest.app.services import open_services
from digest.app.settings import list_variables, load_settings
from digest.cli.sources import command
from digest.models import FetchResult, Health
from tests.factories import NOW


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty working folder, without settings."""
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


def list_on() -> list[str]:
    return [row["source"] for row in json.loads(run("--json")) if row["on"]]


@pytest.mark.usefixtures("workplace")
def test_sources_are_listed_with_their_last_reading_and_what_they_need() -> None:
    services = open_services(load_settings())
    with services.store.begin() as tx:
        tx.sources.record(
            FetchResult(source="arxiv", scope="cs.CL", read_at=NOW, health=Health.STALE, note="Old.")
        )
    services.close()
    rows = {(row["source"], row["scope"]): row for row in json.loads(run("--json"))}
    assert rows["arxiv", "cs.CL"] == {
        "source": "arxiv", "on": True, "scope": "cs.CL", "health": "stale", "read_at": NOW.isoformat(),
        "fetched": 0, "unseen": 0, "note": "Old.",
    }  # fmt: skip
    assert rows["pubmed", ""]["note"] == "Needs DIGEST_PUBMED_QUERY."
    assert not rows["pubmed", ""]["on"]
    assert "cs.CL" in run()


@pytest.mark.usefixtures("workplace")
def test_a_source_is_turned_on_and_off_for_every_process() -> None:
    assert list_on() == ["arxiv", "huggingface", "huggingface-repos", "hackernews"]
    assert "it needs DIGEST_JOURNALS or DIGEST_CROSSREF_QUERY" in run("on", "crossref")
    run("off", "arxiv", "hackernews", "huggingface-repos")
    assert list_on() == ["huggingface", "crossref"]
    services = open_services(load_settings())
    assert [source.name for source in services.sources] == ["huggingface", "crossref"]
    services.close()
    run("on", "arxiv")
    run("off", "crossref")
    assert list_on() == ["arxiv", "huggingface"]
    unknown = CliRunner().invoke(command, ["on", "nature"])
    assert "There is no source 'nature'" in str(unknown.exception)


def test_feeds_are_imported_from_opml_once(workplace: Path) -> None:
    opml = workplace / "feeds.opml"
    opml.write_text(
        '<opml version="2.0"><body><outline text="Wool"><outline type="rss" xmlUrl="https://wool.example/feed"/>'
        '<outline xmlUrl="feed://fleece.example/rss"/><outline xmlUrl="https://wool.example/feed"/></outline></body></opml>'
    )
    assert run("import", str(opml)) == "Feeds added: 2. There already: 0.\n"
    assert run("import", str(opml)) == "Feeds added: 0. There already: 2.\n"
    assert "feeds" in list_on()
    services = open_services(load_settings())
    assert services.source_config.feeds == ("https://wool.example/feed", "https://fleece.example/rss")
    services.close()
    run("off", "feeds")
    assert "feeds" not in list_on()
    opml.write_text("<html><body>no list</body></html>")
    assert "contains no feed" in str(CliRunner().invoke(command, ["import", str(opml)]).exception)
