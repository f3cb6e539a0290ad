"""Tests of the options --zotero, --orcid and --author-id; the Zotero key must not be stored or printed."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from digest.cli.subscribers import command
from digest.db import Database
from digest.models import Paper, Status
from tests.factories import NOW, store_subscriber
from tests.replay_server import ReplayServer, Reply

REPLAYS = Path(__file__).parents[1] / "replays" / "libraries"


@pytest.fixture
def ada(store: Database) -> Database:
    """Return a store with a reader, and with a paper that ORCID lists by title only."""
    talk = Paper(id="arxiv:2611.00042", title="A talk without a number", abstract="About sheep.")
    with store.begin() as tx:
        tx.papers.add([talk], seen_at=NOW)
        store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
    return store


def test_zotero_orcid_and_an_author_id_become_liked_papers(ada: Database, tmp_path: Path) -> None:
    with ReplayServer() as server:
        server.set_replies("/users/4711/items/top", Reply(body=(REPLAYS / "zotero.json").read_bytes()))
        server.set_replies(
            "/v3.0/0000-0002-1825-0097/works", Reply(body=(REPLAYS / "orcid.json").read_bytes())
        )
        result = CliRunner().invoke(
            command,
            ["set", "ada@example.com", "--zotero", "4711", "--orcid", "0000-0002-1825-0097"],
            env={
                "DIGEST_DATABASE_URL": str(ada.engine.url),
                "DIGEST_ZOTERO_URL": server.url,
                "DIGEST_ORCID_URL": server.url,
                "ZOTERO_API_KEY": "a-secret-key",
            },
        )
    assert result.exit_code == 0, result.output
    with ada.begin(write=False) as tx:
        liked = {
            paper.title: paper for paper in tx.subscribers.get_by_address("ada@example.com").profile.liked
        }
    assert set(liked) == {
        "Counting Sheep at Night", "On Goats", "A Book of Herds", "A Talk Without a Number",
    }  # fmt: skip
    assert liked["A Talk Without a Number"].abstract == "About sheep."
    assert liked["A Talk Without a Number"].paper_id == "arxiv:2611.00042"
    assert "4 papers recognised." in result.output
    assert "a-secret-key" not in result.output
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.is_file())
    assert b"a-secret-key" not in written
