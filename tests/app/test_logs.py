"""Tests of both log formats: no line contains an address or a token."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import SecretStr

from digest.app import logs, run
from digest.app.services import Services
from digest.pipeline.plan import plan_editions
from tests.app.test_run import DUE, THURSDAY, Installation
from tests.app.test_run import installation as installation  # noqa: PLC0414  a fixture is known by its name here
from tests.models.test_text import STEERING
from tests.smtp_server import Reply, SmtpServer

SECRET = re.compile(r"@[\w-]+\.\w|[?&/](?:t|token|key)=[^…]|hush|[A-Za-z0-9_-]{40,}")


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Restore the handlers and levels, which belong to the whole process."""
    levels = [(name, logging.getLogger(name).level) for name in (None, "digest", "stamina")]
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in levels:
        logging.getLogger(name).setLevel(level)


def test_an_event_is_one_json_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging("json")
    logging.getLogger("digest.pipeline.ingest").info("source read", extra={"source": "arxiv", "new": 87})
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert {name: event[name] for name in ("level", "event", "source", "new")} == {
        "level": "info", "event": "source read", "source": "arxiv", "new": 87,
    }  # fmt: skip


def test_pretty_logs_are_lines_and_json_logs_have_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging("pretty")
    logging.getLogger("digest.x").warning("route down", extra={"route": "relay"})
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning: route down route=relay\n", capsys.readouterr().err)
    logs.configure_logging("json")
    try:
        int("no")
    except ValueError:
        logging.getLogger("digest.x").exception("tick failed")
    assert "ValueError: invalid" in json.loads(capsys.readouterr().err)["traceback"]


def test_libraries_log_only_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging("auto")
    logging.getLogger("httpx").info("GET https://example.org/?token=hush")
    logging.getLogger("digest").debug("too much")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", [logs.JsonFormatter(), logs.PrettyFormatter()])
@pytest.mark.parametrize(
    "secret",
    [
        "ada.loveless@example.com",
        "smtp://ada:hush@mail.example.org:587",
        "/confirm?token=hush",
        "jürgen@bücher.example",
    ],
)
def test_secrets_are_removed_from_logged_text(form: logging.Formatter, secret: str) -> None:
    reason = f"535 refused <{secret}> for good"
    record = logging.makeLogRecord(
        {"msg": reason, "levelno": logging.INFO, "levelname": "INFO", "why": reason}
    )
    line = form.format(record)
    assert not SECRET.search(line)
    assert not re.search("ada|jürgen", line)
    assert "for good" in line


@pytest.mark.parametrize("form", ["json", "pretty"])
async def test_no_address_and_no_token_is_logged_in_a_run(
    installation: Installation, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure_logging("json" if form == "json" else "pretty")
    installation.subscribe("ada.loveless@example.com", keywords="robotics")
    installation.subscribe("bo@nowhere.example", keywords="vision")
    admin = installation.services.settings.model_copy(update={"admin_address": "admin@example.com"})
    services = Services(admin, installation.services.store)
    await run.run(services, lambda: THURSDAY)
    day = await run.run(services, lambda: THURSDAY + DUE)
    assert day.send_stats.sent == 2
    err = capsys.readouterr().err
    assert "source read" in err
    assert not SECRET.search(err), SECRET.search(err)


async def test_a_refusal_that_repeats_the_address_is_logged_without_it(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure_logging("json")
    installation.subscribe("ada.loveless@example.com", keywords="robotics")
    await installation.fetch(THURSDAY)
    plan_editions(installation.services.store, THURSDAY + DUE)
    async with SmtpServer().running() as server:
        server.respond(
            "rcpt", Reply(550, "5.1.1 <ada.loveless@example.com> unknown, see https://x.example/?t=hush")
        )
        url = SecretStr(f"smtp://127.0.0.1:{server.port}?tls=none")
        services = Services(
            installation.services.settings.model_copy(update={"smtp_url": url}), installation.services.store
        )
        tally = await run.send(services, lambda: THURSDAY + DUE)
    assert tally.rejected == 1
    err = capsys.readouterr().err
    assert "mail not accepted" in err
    assert not SECRET.search(err), SECRET.search(err)


@pytest.mark.parametrize("form", ["json", "pretty"])
def test_no_event_steers_the_terminal_or_forges_a_line(
    form: Literal["json", "pretty"], capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\x1b[2J\x9b1m\u202eb\r\nsource read"
    logs.configure_logging(form)

    logging.getLogger("digest").info("%s", hostile, extra={"note": hostile})

    (line,) = capsys.readouterr().err.split("\n")[:-1]
    assert not STEERING.search(line)
