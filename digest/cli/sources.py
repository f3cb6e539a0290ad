"""`digest sources`: list the sources with their last reading, turn them on and off, import feeds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from digest.app.services import Services
from digest.app.settings import PREFIX
from digest.app.source_choices import load_choices, save_choices
from digest.cli.common import INPUT_FILE, get_actor_name, json_option, now_option, open_services
from digest.cli.output import echo, format_age, show_json, show_table
from digest.db.sources import SourceState
from digest.models.errors import InvalidChange
from digest.sources.config import find_missing_settings, list_source_names
from digest.sources.opml import parse_opml

HEADERS = ("source", "on", "scope", "health", "read", "fetched", "unseen", "note")


@click.group("sources", invoke_without_command=True, epilog="Example: digest sources on pubmed")
@now_option
@json_option
@click.pass_context
def command(ctx: click.Context, *, now: datetime, as_json: bool) -> None:
    """List all sources: whether each is on, and how it was last read. Change that with on, off and import."""
    if ctx.invoked_subcommand:
        return
    with open_services() as services:
        rows = list_sources(services)
    if as_json:
        show_json(rows)
        return
    for row in rows:
        row["on"] = "on" if row["on"] else "off"
        row["read"] = format_age(datetime.fromisoformat(row["read_at"]), now) if row["read_at"] else ""
    show_table(list(HEADERS), [[row[name] for name in HEADERS] for row in rows])


@command.command("on")
@click.argument("names", nargs=-1, required=True)
@now_option
def turn_on(*, names: Sequence[str], now: datetime) -> None:
    """Turn sources on, also those that DIGEST_SOURCES does not name."""
    with open_services() as services:
        _change(services, names, now, on=True)
        for name in names:
            missing = find_missing_settings(services.source_config, name)
            needs = f"; it needs {_format_settings(missing)}" if missing else ""
            echo(f"{name} is on: it is read from the next fetch on{needs}.")


@command.command("off")
@click.argument("names", nargs=-1, required=True)
@now_option
def turn_off(*, names: Sequence[str], now: datetime) -> None:
    """Turn sources off, also those that DIGEST_SOURCES names; their papers are kept."""
    with open_services() as services:
        _change(services, names, now, on=False)
    for name in names:
        echo(f"{name} is off: it is not read any more; its stored papers stay.")


@command.command("import")
@click.argument("file", type=INPUT_FILE)
@now_option
def import_feeds(*, file: Path, now: datetime) -> None:
    """Add the feeds of an OPML file to those of DIGEST_FEEDS."""
    urls = parse_opml(file.read_bytes())
    with open_services() as services, services.store.begin() as tx:
        known = {*services.settings.feeds, *load_choices(tx).feeds}
        new = tuple(url for url in urls if url not in known)
        choices = load_choices(tx)
        save_choices(tx, replace(choices, feeds=(*choices.feeds, *new)))
        tx.audit.write(get_actor_name(), "feeds import", file.name, {"feeds": len(new)}, at=now)
    echo(f"Feeds added: {len(new)}. There already: {len(urls) - len(new)}.")


def list_sources(services: Services) -> list[dict[str, Any]]:
    """Return a row for each scope of each source, and one for a source that was never read."""
    config = services.source_config
    with services.store.begin(write=False) as tx:
        states = tx.sources.list_latest()
    names = dict.fromkeys([*list_source_names(), *config.enabled, *(state.source for state in states)])
    rows = []
    for name in names:
        missing = find_missing_settings(config, name)
        needs = f"Needs {_format_settings(missing)}." if missing else ""
        scopes: list[SourceState | None] = [state for state in states if state.source == name]
        rows += [
            {
                "source": name,
                "on": name in config.enabled,
                "scope": state.scope if state else "",
                "health": str(state.health) if state else "",
                "read_at": state.read_at.isoformat() if state else None,
                "fetched": state.fetched if state else None,
                "unseen": state.unseen if state else None,
                "note": (state.note if state else "") or needs,
            }
            for state in scopes or [None]
        ]
    return rows


def _change(services: Services, names: Sequence[str], now: datetime, *, on: bool) -> None:
    known = list_source_names()
    if unknown := [name for name in names if name not in known]:
        raise InvalidChange(f"There is no source {unknown[0]!r}; choose among {', '.join(known)}.")
    with services.store.begin() as tx:
        choices = load_choices(tx)
        for name in names:
            choices = choices.switch(name, on=on)
            tx.audit.write(get_actor_name(), "source on" if on else "source off", name, at=now)
        save_choices(tx, choices)


def _format_settings(fields: Sequence[str]) -> str:
    return " or ".join(f"{PREFIX}{name.upper()}" for name in fields)
