"""`digest subscribers suppress` and `unsuppress`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import now_option
from digest.cli.subscribers.common import desk


@click.command("unsuppress", epilog="Example: digest subscribers unsuppress ada@example.com")
@click.argument("address")
@now_option
def unsuppress(*, address: str, now: datetime | None) -> None:
    """Allow writing to an address again, once it confirms."""
    with desk(now) as (_, tx, by):
        is_changed = subscribers.unsuppress(tx, address, by=by)
    click.echo(
        f"{address} may be written to again, once it confirms."
        if is_changed
        else "Nothing to do: it was so already."
    )


@click.command("suppress", epilog="Example: digest subscribers suppress ada@example.com")
@click.argument("address")
@now_option
def suppress(*, address: str, now: datetime | None) -> None:
    """Never write to an address again, subscribed or not."""
    with desk(now) as (_, tx, by):
        is_changed = subscribers.suppress(tx, address, by=by)
    click.echo(f"{address} will never be written to." if is_changed else "Nothing to do: it was so already.")
