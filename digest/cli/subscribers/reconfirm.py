"""`digest subscribers reconfirm`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import now_option
from digest.cli.subscribers.common import desk
from digest.models import Status
from digest.models.errors import NotAsThingsStand


@click.command("reconfirm", epilog="Example: digest subscribers reconfirm ada@example.com")
@click.argument("address")
@now_option
def command(*, address: str, now: datetime | None) -> None:
    """Ask somebody who has not answered to confirm once more."""
    with desk(now) as (_, tx, by):
        reader = subscribers.whom(tx, address)
        if reader.status is not Status.UNCONFIRMED:
            raise NotAsThingsStand(f"{reader.address} is {reader.status}; only the unconfirmed are asked.")
        is_asked = subscribers.ask(tx, reader, by=by)
    click.echo("Asked; the mail goes out with the next run." if is_asked else "Asked just now; wait.")
