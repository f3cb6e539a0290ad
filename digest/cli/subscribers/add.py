"""`digest subscribers add`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import json_option, now_option
from digest.cli.output import show_json
from digest.cli.subscribers.common import (
    defaults_of,
    desk,
    papers_of,
    shelves_of,
    subscriber_json,
    wish_options,
    wishes_of,
)


@click.command("add", epilog="Example: digest subscribers add ada@example.com --keywords optics --confirmed")
@click.argument("address")
@click.option("--confirmed", is_flag=True, help="They have consented already: send without asking them.")
@wish_options
@now_option
@json_option
def command(*, address: str, confirmed: bool, now: datetime | None, as_json: bool, **wishes: object) -> None:
    """Add a subscriber. They get a mail to confirm first, unless you assert that they have consented."""
    seeds = shelves_of(wishes)
    with desk(now) as (services, tx, by):
        wanted = defaults_of(services) | wishes_of(wishes)
        papers = papers_of(tx, wishes, seeds=seeds)
        reader = subscribers.enrol(tx, address, wanted, papers=papers, has_consented=confirmed, by=by)
    if as_json:
        show_json(subscriber_json(reader))
    elif confirmed:
        click.echo(f"Added {reader.address}; the first digest is due {reader.next_due:%Y-%m-%d %H:%M} UTC.")
    else:
        click.echo(f"Added {reader.address}; a mail to confirm goes out with the next `digest run`.")
