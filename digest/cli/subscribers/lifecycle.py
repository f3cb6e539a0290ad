"""`digest subscribers pause`, `resume`, `reconfirm` and `remove`."""

from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import DayParam, now_option
from digest.cli.subscribers.common import desk
from digest.models import Status
from digest.models.errors import NotAsThingsStand

ALL = 1_000_000


@click.command("remove", epilog="Example: digest subscribers remove ada@example.com --yes")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say who would be erased; erase nothing.")
@now_option
def remove(*, address: str, yes: bool, dry_run: bool, now: datetime | None) -> None:
    """Erase a subscriber: no trace of the address stays. Mail that waits for them is cancelled."""
    with desk(now) as (_, tx, by):
        reader = subscribers.get_subscriber(tx, address)
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


@click.command("pause", epilog="Example: digest subscribers pause ada@example.com --until 2026-12-24")
@click.argument("address")
@click.option("--until", type=DayParam(), help="The first day on which mail goes again.")
@now_option
def pause(*, address: str, until: datetime | None, now: datetime | None) -> None:
    """Send nothing for now: until a day, or until `resume`."""
    with desk(now) as (_, tx, by):
        pid = subscribers.get_subscriber(tx, address).pid
        subscribers.pause(tx, pid, until=until.date() if until else None, by=by)
    click.echo(f"Paused {address}{f' until {until:%Y-%m-%d}' if until else ''}.")


@click.command("resume", epilog="Example: digest subscribers resume ada@example.com")
@click.argument("address")
@now_option
def resume(*, address: str, now: datetime | None) -> None:
    """Send again, from the next slot on."""
    with desk(now) as (_, tx, by):
        reader = subscribers.resume(tx, subscribers.get_subscriber(tx, address).pid, by=by)
    due = f"{reader.next_due:%Y-%m-%d %H:%M} UTC" if reader.next_due else "never"
    click.echo(f"Resumed {reader.address}; the next digest is due {due}.")


@click.command("reconfirm", epilog="Example: digest subscribers reconfirm ada@example.com")
@click.argument("address")
@now_option
def reconfirm(*, address: str, now: datetime | None) -> None:
    """Ask somebody who has not answered to confirm once more."""
    with desk(now) as (_, tx, by):
        reader = subscribers.get_subscriber(tx, address)
        if reader.status is not Status.UNCONFIRMED:
            raise NotAsThingsStand(f"{reader.address} is {reader.status}; only the unconfirmed are asked.")
        is_asked = subscribers.ask(tx, reader, by=by)
    click.echo("Asked; the mail goes out with the next run." if is_asked else "Asked just now; wait.")
