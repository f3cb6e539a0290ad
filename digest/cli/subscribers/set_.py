"""`digest subscribers set`: change the settings of a subscriber."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import json_option, now_option
from digest.cli.output import show_json
from digest.cli.subscribers.common import (
    fetch_library_papers,
    load_liked_papers,
    open_transaction,
    select_changes,
    settings_options,
    subscriber_to_json,
)


@click.command("set", epilog="Example: digest subscribers set ada@example.com --muted blockchain --mix mine")
@click.argument("address")
@settings_options
@now_option
@json_option
def command(*, address: str, now: datetime | None, as_json: bool, **options: object) -> None:
    """Change a subscriber. A list replaces the former one; an empty text empties it."""
    if all(value is None for value in options.values()):
        raise click.UsageError("Nothing to change; see digest subscribers set --help.")
    seeds = fetch_library_papers(options)
    with open_transaction(now) as (_, tx, actor):
        changes, papers = select_changes(options), load_liked_papers(tx, options, seeds=seeds)
        reader = subscribers.change_settings(tx, address, changes, papers=papers, actor=actor)
    if as_json:
        show_json(subscriber_to_json(reader))
    else:
        changed_fields = (*changes, *(("liked",) if papers else ()))
        click.echo(f"Changed {', '.join(changed_fields) or 'nothing'} of {reader.address}.")
