"""`digest subscribers set`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import json_option, now_option
from digest.cli.output import show_json
from digest.cli.subscribers.common import (
    desk,
    papers_of,
    shelves_of,
    subscriber_json,
    wish_options,
    wishes_of,
)


@click.command("set", epilog="Example: digest subscribers set ada@example.com --muted blockchain --mix mine")
@click.argument("address")
@wish_options
@now_option
@json_option
def command(*, address: str, now: datetime | None, as_json: bool, **wishes: object) -> None:
    """Change what a subscriber gets. Lists are replaced: an empty text empties them."""
    if all(wish is None for wish in wishes.values()):
        raise click.UsageError("Nothing to change; see digest subscribers set --help.")
    seeds = shelves_of(wishes)
    with desk(now) as (_, tx, by):
        asked, papers = wishes_of(wishes), papers_of(tx, wishes, seeds=seeds)
        reader = subscribers.change(tx, address, asked, papers=papers, by=by)
    if as_json:
        show_json(subscriber_json(reader))
    else:
        named = (*asked, *(("liked",) if papers else ()))
        click.echo(f"Changed {', '.join(named) or 'nothing'} of {reader.address}.")
