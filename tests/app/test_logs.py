"""What happened is told in events: for people or for programs, and never with an address or a token."""

import json
import logging
import re
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from digest.app import logs
from digest.app.services import Services
from digest.pipeline import run
from tests.pipeline.test_run import DUE, THURSDAY, World
from tests.pipeline.test_run import world as world  # noqa: PLC0414  a fixture is known by its name here
from tests.smtp_server import Say, SmtpServer

SECRET = re.compile(r"@[\w-]+\.\w|[?&/](?:t|token|key)=[^…]|hush|[A-Za-z0-9_-]{40,}")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Logging belongs to the whole process: put it back."""
    kept = [(name, logging.getLogger(name).level) for name in (None, "digest", "stamina")]
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in kept:
        logging.getLogger(name).setLevel(level)


def test_an_event_is_one_json_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json")
    logging.getLogger("digest.pipeline.ingest").info("source read", extra={"source": "arxiv", "new": 87})
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert {name: told[name] for name in ("level", "event", "source", "new")} == {
        "level": "info", "event": "source read", "source": "arxiv", "new": 87,
    }  # fmt: skip


def test_people_get_a_line_and_programs_the_traceback_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("pretty")
    logging.getLogger("digest.x").warning("route down", extra={"route": "relay"})
    assert re.fullmatch(r"\d\d:\d\d:\d\d warning: route down route=relay\n", capsys.readouterr().err)
    logs.set_up("json")
    try:
        int("no")
    except ValueError:
        logging.getLogger("digest.x").exception("tick failed")
    assert "ValueError: invalid" in json.loads(capsys.readouterr().err)["traceback"]


def test_libraries_are_heard_only_when_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("auto")
    logging.getLogger("httpx").info("GET https://example.org/?token=hush")
    logging.getLogger("digest").debug("too much")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("form", [logs.Json(), logs.Pretty()])
@pytest.mark.parametrize(
    "secret",
    [
        "ada.loveless@example.com",
        "smtp://ada:hush@mail.example.org:587",
        "/confirm?token=hush",
        "jürgen@bücher.example",
    ],
)
def test_what_another_program_said_is_told_without_its_secrets(form: logging.Formatter, secret: str) -> None:
    reason = f"535 refused <{secret}> for good"
    record = logging.makeLogRecord(
        {"msg": reason, "levelno": logging.INFO, "levelname": "INFO", "why": reason}
    )
    line = form.format(record)
    assert not SECRET.search(line)
    assert not re.search("ada|jürgen", line)
    assert "for good" in line


@pytest.mark.parametrize("form", ["json", "pretty"])
async def test_no_address_and_no_token_is_in_any_line_of_a_day(
    world: World, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("json" if form == "json" else "pretty")
    world.subscribe("ada.loveless@example.com", keywords="robotics")
    world.subscribe("bo@nowhere.example", keywords="vision")
    admin = world.services.settings.model_copy(update={"admin_address": "admin@example.com"})
    services = Services(admin, world.services.store)
    await run.run(services, lambda: THURSDAY)
    day = await run.run(services, lambda: THURSDAY + DUE)
    assert day.tally.sent == 2
    err = capsys.readouterr().err
    assert "source read" in err
    assert not SECRET.search(err), SECRET.search(err)


async def test_a_refusal_that_repeats_the_address_is_logged_without_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("json")
    world.subscribe("ada.loveless@example.com", keywords="robotics")
    await world.fetch(THURSDAY)
    run.plan(world.services.store, THURSDAY + DUE)
    async with SmtpServer().running() as server:
        server.tell(
            "rcpt", Say(550, "5.1.1 <ada.loveless@example.com> unknown, see https://x.example/?t=hush")
        )
        url = SecretStr(f"smtp://127.0.0.1:{server.port}?tls=none")
        services = Services(
            world.services.settings.model_copy(update={"smtp_url": url}), world.services.store
        )
        tally = await run.send(services, lambda: THURSDAY + DUE)
    assert tally.rejected == 1
    err = capsys.readouterr().err
    assert "mail not accepted" in err
    assert not SECRET.search(err), SECRET.search(err)
