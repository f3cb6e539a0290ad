"""`digest subscribers suppress`."""

from datetime import datetime

import click

from digest import subscriptions
from digest.cli.house import now_option
from digest.cli.subscribers.desk import desk


@click.command("suppress", epilog="Example: digest subscribers suppress ada@example.com")
@click.argument("address")
@now_option
def command(*, address: str, now: datetime | None) -> None:
    """Never write to an address again, subscribed or not."""
    with desk(now) as (_, tx, by):
        is_changed = subscriptions.suppress(tx, address, by=by)
    click.echo(f"{address} will never be written to." if is_changed else "Nothing to do: it was so already.")
