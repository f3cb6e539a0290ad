"""Settings come from the environment, files and defaults; .env.example lists every one of them."""

import re
from datetime import time
from pathlib import Path

import pytest

from digest.app.settings import Settings, load, misspelt, variables
from digest.models.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / ".env.example"
_LINE = re.compile(r"^# (DIGEST_\w+)=(.*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in variables().values():
        monkeypatch.delenv(variable, raising=False)


def _listed() -> dict[str, str]:
    return dict(_LINE.findall(EXAMPLE.read_text().replace("# DIGEST_SECRET_KEY_FILE=", "")))


def test_nothing_set_at_all_works() -> None:
    settings = load()
    assert settings.database_url == "sqlite:///digest.sqlite3"
    assert settings.send_at == time(7, 0)
    assert not settings.smtp_url.get_secret_value()


def test_the_example_lists_every_setting_and_invents_none() -> None:
    assert set(_listed()) == set(variables().values())


def test_the_example_shows_the_true_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load()
    for variable, value in _listed().items():
        if value:
            monkeypatch.setenv(variable, value)
    assert load() == defaults


def test_every_setting_says_what_it_means() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_ARXIV_CATEGORIES", "cs.CL, math.ST,,")
    assert load().arxiv_categories == ("cs.CL", "math.ST")


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("DIGEST_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert load().secret_key.get_secret_value() == "from a file"
    assert "from a file" not in repr(load())


def test_a_secret_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_ADMIN_TOKEN_FILE", "nowhere")
    with pytest.raises(ConfigError, match="DIGEST_ADMIN_TOKEN_FILE"):
        load()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIGEST_SMTP_CONNECTIONS", "0"),
        ("DIGEST_SEND_AT", "late"),
        ("DIGEST_BASE_URL", "ftp://x"),
        ("DIGEST_LOG_FORMAT", "xml"),
        ("DIGEST_TIMEZONE", "Mars/Olympus"),
        ("DIGEST_TEMPLATES_DIR", "nowhere"),
        ("DIGEST_DKIM_KEY", "nowhere.pem"),
        ("DIGEST_DKIM_SELECTOR", "a..b"),
        ("DIGEST_FROM", "nobody"),
        ("DIGEST_REPLY_TO", "A Person <a@example.org>"),
        ("DIGEST_ADMIN_ADDRESS", "me"),
        ("DIGEST_BOUNCE_DOMAIN", "a@b"),
        ("DIGEST_BOUNCE_MAILBOX", "pop3://user:secret@example.org"),
        ("DIGEST_COLOURS", "link=pink"),
        ("DIGEST_SMTP_URL", "mail.example.org:587"),
        ("DIGEST_SMTP_URL", "smtp://user:secret@example.org:99999"),
        ("DIGEST_SMTP_URL", "smtp://a.example.org smtp://user:secret@b.example.org?tls=perhaps"),
        ("DIGEST_SOURCES", "arxiv,slashdot"),
        ("DIGEST_ARXIV_CATEGORIES", "cs.CL,Computer Science"),
        ("DIGEST_FEEDS", "example.org/feed.xml"),
        ("DIGEST_TRUSTED_PROXIES", "caddy"),
        ("DIGEST_VECTORS", "magic"),
        ("DIGEST_LLM_URL", "localhost:11434"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=rf"^{variable}: [^A-Z]") as told:
        load()
    assert "secret" not in str(told.value)


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SEND_AT", "late")
    monkeypatch.setenv("DIGEST_SMTP_URL", "mail")
    with pytest.raises(ConfigError, match=r"DIGEST_SEND_AT: .* DIGEST_SMTP_URL: "):
        load()


def test_a_misspelt_setting_is_told_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DIGEST_FORM=a@example.org\nDIGEST_FROM=a@example.org\n")
    environ = {"DIGEST_SMPT_URL": "x", "DIGEST_SECRET_KEY_FILE": "x", "PATH": "/bin"}
    told = misspelt(environ, tmp_path / ".env")
    assert told == {"DIGEST_FORM": "DIGEST_FROM", "DIGEST_SMPT_URL": "DIGEST_SMTP_URL"}
