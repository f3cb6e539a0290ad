"""`digest subscribers pause`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import Day, now_option
from digest.cli.subscribers.common import desk


@click.command("pause", epilog="Example: digest subscribers pause ada@example.com --until 2026-12-24")
@click.argument("address")
@click.option("--until", type=Day(), help="The first day on which mail goes again.")
@now_option
def command(*, address: str, until: datetime | None, now: datetime | None) -> None:
    """Send nothing for now: until a day, or until `resume`."""
    with desk(now) as (_, tx, by):
        pid = subscribers.whom(tx, address).pid
        subscribers.pause(tx, pid, until=until.date() if until else None, by=by)
    click.echo(f"Paused {address}{f' until {until:%Y-%m-%d}' if until else ''}.")
