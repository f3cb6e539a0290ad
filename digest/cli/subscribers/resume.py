"""`digest subscribers resume`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import now_option
from digest.cli.subscribers.common import desk


@click.command("resume", epilog="Example: digest subscribers resume ada@example.com")
@click.argument("address")
@now_option
def command(*, address: str, now: datetime | None) -> None:
    """Send again, from the next slot on."""
    with desk(now) as (_, tx, by):
        reader = subscribers.resume(tx, subscribers.whom(tx, address).pid, by=by)
    due = f"{reader.next_due:%Y-%m-%d %H:%M} UTC" if reader.next_due else "never"
    click.echo(f"Resumed {reader.address}; the next digest is due {due}.")
