"""The demo's settings hear nobody."""

from dataclasses import fields
from pathlib import Path

import pytest

from digest.sources.registry import Plan
from digest.tools.demo.setting import sealed


def test_neither_the_environment_nor_a_file_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DIGEST_BRAND=From a file\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_BASE_URL", "nonsense")
    monkeypatch.setenv("DIGEST_SEND_AT", "never")
    settings = sealed(tmp_path / "x.sqlite3", upstream="http://127.0.0.1:1", mailbox="smtp://127.0.0.1:2")
    assert settings.brand == "Trending Papers"
    assert settings.base_url == "https://papers.example"


def test_every_source_is_read_from_our_own_server(tmp_path: Path) -> None:
    settings = sealed(tmp_path / "x.sqlite3", upstream="http://127.0.0.1:1", mailbox="smtp://127.0.0.1:2")
    urls = [entry.name for entry in fields(Plan) if entry.name.endswith("_url")]
    assert urls
    assert all(getattr(settings, name).startswith("http://127.0.0.1:1") for name in urls)
