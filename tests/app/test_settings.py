"""Tests of the settings, and of .env.example, which lists every one of them."""

import re
from datetime import time
from pathlib import Path

import pytest

from digest.app.settings import Settings, find_misspelled_variables, list_variables, load_settings
from digest.models.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / ".env.example"
_LINE = re.compile(r"^# (DIGEST_\w+)=(.*)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in list_variables().values():
        monkeypatch.delenv(variable, raising=False)


def read_example() -> dict[str, str]:
    return dict(_LINE.findall(EXAMPLE.read_text().replace("# DIGEST_SECRET_KEY_FILE=", "")))


def test_the_defaults_are_valid() -> None:
    settings = load_settings()
    assert settings.database_url == "sqlite:///digest.sqlite3"
    assert settings.send_at == time(7, 0)
    assert not settings.smtp_url.get_secret_value()


def test_the_example_lists_exactly_the_settings() -> None:
    assert set(read_example()) == set(list_variables().values())


def test_the_example_shows_the_true_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = load_settings()
    for variable, value in read_example().items():
        if value:
            monkeypatch.setenv(variable, value)
    assert load_settings() == defaults


def test_every_setting_has_a_description() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_ARXIV_CATEGORIES", "cs.CL, math.ST,,")
    monkeypatch.setenv("DIGEST_SNS_TOPICS", "arn:aws:sns:eu-west-1:1:bounces")
    assert load_settings().arxiv_categories == ("cs.CL", "math.ST")
    assert load_settings().sns_topics == ("arn:aws:sns:eu-west-1:1:bounces",)


def test_a_secret_may_be_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("DIGEST_SECRET_KEY_FILE", str(tmp_path / "key"))
    assert load_settings().secret_key.get_secret_value() == "from a file"
    assert "from a file" not in repr(load_settings())


def test_a_missing_secret_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_ADMIN_TOKEN_FILE", "nowhere")
    with pytest.raises(ConfigError, match="DIGEST_ADMIN_TOKEN_FILE"):
        load_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DIGEST_SMTP_CONNECTIONS", "0"),
        ("DIGEST_SEND_AT", "late"),
        ("DIGEST_SEND_AT", "07:30+02:00"),
        ("DIGEST_ADMIN_TOKEN", "x"),
        ("DIGEST_VIEWER_TOKEN", "secret"),
        ("DIGEST_ARXIV_CATEGORIES", "cs.CL,cs.XX"),
        ("DIGEST_BASE_URL", "ftp://x"),
        ("DIGEST_BASE_URL", "https://papers.example.org/digest"),
        ("DIGEST_BASE_URL", "https://papers.example.org/digest/"),
        ("DIGEST_BASE_URL", "https://papers.example.org?a=b"),
        ("DIGEST_BASE_URL", "https://"),
        ("DIGEST_BASE_URL", "https://papers.example.org:99999"),
        ("DIGEST_BASE_URL", "https://user:secret@papers.example.org"),
        ("DIGEST_LOG_FORMAT", "xml"),
        ("DIGEST_TIMEZONE", "Mars/Olympus"),
        ("DIGEST_TEMPLATES_DIR", "nowhere"),
        ("DIGEST_DKIM_KEY", "nowhere.pem"),
        ("DIGEST_DKIM_SELECTOR", "a..b"),
        ("DIGEST_FROM", "nobody"),
        ("DIGEST_FROM", "Ada <nobody>"),
        ("DIGEST_FROM", "Ada <ada@example.org"),
        ("DIGEST_FROM", "Ada <ada@example.org>, Bob <bob@example.org>"),
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
def test_an_invalid_setting_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match=rf"^{variable}: [^A-Z]") as error:
        load_settings()
    assert "secret" not in str(error.value)


def test_all_invalid_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SEND_AT", "late")
    monkeypatch.setenv("DIGEST_SMTP_URL", "mail")
    with pytest.raises(ConfigError, match=r"DIGEST_SEND_AT: .* DIGEST_SMTP_URL: "):
        load_settings()


def test_a_misspelled_setting_is_found_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DIGEST_FORM=a@example.org\nDIGEST_FROM=a@example.org\n")
    environ = {"DIGEST_SMPT_URL": "x", "DIGEST_SECRET_KEY_FILE": "x", "PATH": "/bin"}
    error = find_misspelled_variables(environ, tmp_path / ".env")
    assert error == {"DIGEST_FORM": "DIGEST_FROM", "DIGEST_SMPT_URL": "DIGEST_SMTP_URL"}
