"""`digest subscribers add` and `set`: add a subscriber, and change the settings of one."""

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


@click.command("add", epilog="Example: digest subscribers add ada@example.com --keywords optics --confirmed")
@click.argument("address")
@click.option("--confirmed", is_flag=True, help="They have consented already: do not ask them to confirm.")
@settings_options
@now_option
@json_option
def add(*, address: str, confirmed: bool, now: datetime, as_json: bool, **options: object) -> None:
    """Add a subscriber. They are asked by email to confirm, unless you assert that they have consented."""
    seeds = fetch_library_papers(options)
    with open_transaction(now) as (services, tx, actor):
        settings = services.default_settings | select_changes(options)
        papers = load_liked_papers(tx, options, seeds=seeds)
        reader = subscribers.add_subscriber(
            tx, address, settings, papers=papers, has_consented=confirmed, actor=actor
        )
    if as_json:
        show_json(subscriber_to_json(reader))
    elif confirmed:
        click.echo(f"Added {reader.address}; the first digest is due {reader.next_due:%Y-%m-%d %H:%M} UTC.")
    else:
        click.echo(f"Added {reader.address}; `digest serve` or the next `digest run` asks them to confirm.")


@click.command("set", epilog="Example: digest subscribers set ada@example.com --muted blockchain --mix mine")
@click.argument("address")
@settings_options
@now_option
@json_option
def set_(*, address: str, now: datetime, as_json: bool, **options: object) -> None:
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
