"""Tests of the service container."""

from contextlib import closing
from pathlib import Path

import pytest

from digest.app.services import load_secret_key, open_services
from digest.app.settings import Settings, load_settings
from digest.models.errors import ConfigError
from tests.mail.examples import make_edition


def make_settings(folder: Path, **overrides: object) -> Settings:
    return load_settings(
        database_url=f"sqlite:///{folder}/digest.sqlite3", outbox_dir=folder / "outbox", **overrides
    )


def test_a_key_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    database = tmp_path / "digest.sqlite3"
    first = load_secret_key(make_settings(tmp_path), database)
    assert load_secret_key(make_settings(tmp_path), database) == first
    assert len(first) >= 32
    assert (tmp_path / "digest.sqlite3.key").stat().st_mode & 0o077 == 0


def test_a_key_must_be_set_if_the_database_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DIGEST_SECRET_KEY"):
        load_secret_key(make_settings(tmp_path), None)


def test_mail_goes_to_files_until_a_server_is_set(tmp_path: Path) -> None:
    with closing(open_services(make_settings(tmp_path))) as services:
        assert [route.name for route in services.routes] == ["files"]


def test_each_server_is_a_route_with_its_weight(tmp_path: Path) -> None:
    urls = "smtp://a.example.org?weight=3 smtp://b.example.org?weight=0"
    with closing(open_services(make_settings(tmp_path, smtp_url=urls))) as services:
        assert [(route.name, route.weight) for route in services.routes] == [("smtp-1", 3.0), ("smtp-2", 0.0)]


def test_bounces_are_read_only_if_a_setting_says_how(tmp_path: Path) -> None:
    with closing(open_services(make_settings(tmp_path))) as services:
        assert not services.reads_bounces
    settings = make_settings(tmp_path, bounce_secret="a shared secret", bounce_domain="bounce.example.org")
    with closing(open_services(settings)) as services:
        assert services.reads_bounces
        assert services.settings.bounce_domain == "bounce.example.org"


def test_the_oldest_key_is_the_suppression_key(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, secret_key="the third key", old_secret_keys="the second,the first")
    with closing(open_services(settings)) as services:
        assert services.suppression_key == b"the first"
        assert services.signing_keys == [b"the third key", b"the second", b"the first"]


def test_sender_with_a_name_stands_in_every_from_header(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, from_='"Lovelace, Ada" <digest@papers.example>')
    with closing(open_services(settings)) as services:
        assert services.site.sender == "digest@papers.example"
        assert services.site.domain == "papers.example"
        raw = services.message_builder.build_digest(make_edition())
    assert b'\r\nFrom: "Lovelace, Ada" <digest@papers.example>\r\n' in b"\r\n" + raw
