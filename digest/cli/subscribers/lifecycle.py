"""`digest subscribers remove`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import now_option
from digest.cli.subscribers.common import desk

ALL = 1_000_000


@click.command("remove", epilog="Example: digest subscribers remove ada@example.com --yes")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say who would be erased; erase nothing.")
@now_option
def command(*, address: str, yes: bool, dry_run: bool, now: datetime | None) -> None:
    """Erase a subscriber: no trace of the address stays. Mail that waits for them is cancelled."""
    with desk(now) as (_, tx, by):
        reader = subscribers.whom(tx, address)
        if dry_run:
            mails = len(tx.deliveries.history(reader.id, limit=ALL))
            click.echo(
                f"Would erase {reader.address} ({reader.status}) and {mails} mails. Nothing was erased."
            )
            return
        if not yes:
            click.confirm(f"Erase {reader.address} and everything about them?", abort=True, err=True)
        subscribers.erase(tx, reader.pid, by=by)
    click.echo(f"Erased {address}.")
