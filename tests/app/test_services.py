"""The house is put together from its settings, and from nothing else."""

from contextlib import closing
from pathlib import Path

import pytest

from digest.app.services import open_services, secret_key
from digest.app.settings import Settings, load
from digest.models.errors import ConfigError


def _settings(folder: Path, **given: object) -> Settings:
    return load(database_url=f"sqlite:///{folder}/digest.sqlite3", outbox_dir=folder / "outbox", **given)


def test_a_key_is_made_once_and_kept_where_only_we_read_it(tmp_path: Path) -> None:
    database = tmp_path / "digest.sqlite3"
    first = secret_key(_settings(tmp_path), database)
    assert secret_key(_settings(tmp_path), database) == first
    assert len(first) >= 32
    assert (tmp_path / "digest.sqlite3.key").stat().st_mode & 0o077 == 0


def test_without_a_file_beside_it_a_key_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DIGEST_SECRET_KEY"):
        secret_key(_settings(tmp_path), None)


def test_mail_goes_to_files_until_a_server_is_set(tmp_path: Path) -> None:
    with closing(open_services(_settings(tmp_path))) as services:
        assert [route.name for route in services.routes] == ["files"]


def test_several_servers_are_several_routes_with_their_weights(tmp_path: Path) -> None:
    urls = "smtp://a.example.org?weight=3 smtp://b.example.org?weight=0"
    with closing(open_services(_settings(tmp_path, smtp_url=urls))) as services:
        assert [(route.name, route.weight) for route in services.routes] == [("smtp-1", 3.0), ("smtp-2", 0.0)]


def test_return_addresses_are_our_own_only_where_bounces_are_heard(tmp_path: Path) -> None:
    with closing(open_services(_settings(tmp_path))) as services:
        assert not services.hears_bounces
    heard = _settings(tmp_path, bounce_secret="a shared secret", bounce_domain="bounce.example.org")
    with closing(open_services(heard)) as services:
        assert services.hears_bounces
        assert services.settings.bounce_domain == "bounce.example.org"


def test_the_first_key_ever_keeps_the_suppressed_suppressed(tmp_path: Path) -> None:
    rotated = _settings(tmp_path, secret_key="the third key", old_secret_keys="the second,the first")
    with closing(open_services(rotated)) as services:
        assert services.suppression_key == b"the first"
        assert services.keyring == [b"the third key", b"the second", b"the first"]
