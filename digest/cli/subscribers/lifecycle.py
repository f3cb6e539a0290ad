"""`digest subscribers pause`, `resume`, `reconfirm`, `remove`, `suppress`, `unsuppress` and `restore`."""

import sys
from datetime import datetime
from pathlib import Path

import click

from digest import subscribers
from digest.cli.common import (
    INPUT_FILE,
    DatetimeParam,
    DayParam,
    confirm,
    get_actor_name,
    json_option,
    now_option,
    open_services,
)
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import open_transaction
from digest.models import SUBSCRIBED, Status
from digest.models.errors import StateConflict
from digest.subscribers.importing import RowResult
from digest.subscribers.restore import list_bounced
from digest.subscribers.restore import restore as undo_suppressions
from digest.subscribers.suppression_list import import_suppressions

NO_LIMIT = 1_000_000


@click.command("remove", epilog="Example: digest subscribers remove ada@example.com --yes")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show who would be erased; erase nothing.")
@now_option
def remove(*, address: str, yes: bool, dry_run: bool, now: datetime) -> None:
    """Erase a subscriber and everything stored about them. Queued emails are cancelled."""
    with open_services() as services:
        with services.store.begin(write=False) as tx:  # while it asks, others can write
            reader = subscribers.get_subscriber(tx, address)
            mail_count = len(tx.deliveries.list_by_subscriber(reader.id, limit=NO_LIMIT)) if dry_run else 0
        if dry_run:
            click.echo(
                f"Would erase {reader.address} ({reader.status}) and {mail_count} emails. Nothing was erased."
            )
            return
        if not yes:
            confirm(f"Erase {reader.address} and everything about them?")
        with services.store.begin() as tx:
            actor = services.actor(get_actor_name(), now)
            subscribers.erase(tx, reader.public_id, actor=actor)
    click.echo(f"Erased {address}.")


@click.command("pause", epilog="Example: digest subscribers pause ada@example.com --until 2026-12-24")
@click.argument("address")
@click.option("--until", type=DayParam(), help="The first day on which digests are sent again.")
@now_option
def pause(*, address: str, until: datetime | None, now: datetime) -> None:
    """Pause a subscriber until a day, or until `resume`."""
    with open_transaction(now) as (_, tx, actor):
        subscribers.pause(tx, address, until=until.date() if until else None, actor=actor)
    click.echo(f"Paused {address}{f' until {until:%Y-%m-%d}' if until else ''}.")


@click.command("resume", epilog="Example: digest subscribers resume ada@example.com")
@click.argument("address")
@now_option
def resume(*, address: str, now: datetime) -> None:
    """End a pause; the next digest is sent at its usual time."""
    with open_transaction(now) as (_, tx, actor):
        reader = subscribers.resume(tx, address, actor=actor)
    due = f"{reader.next_due:%Y-%m-%d %H:%M} UTC" if reader.next_due else "never"
    click.echo(f"Resumed {reader.address}; the next digest is due {due}.")


@click.command("reconfirm", epilog="Example: digest subscribers reconfirm ada@example.com")
@click.argument("address")
@now_option
def reconfirm(*, address: str, now: datetime) -> None:
    """Send the confirmation email again to somebody who has not confirmed."""
    with open_transaction(now) as (_, tx, actor):
        reader = subscribers.get_subscriber(tx, address)
        if reader.status is not Status.UNCONFIRMED:
            raise StateConflict(f"{reader.address} is {reader.status}; only the unconfirmed are asked.")
        is_asked = subscribers.request_confirmation(tx, reader, actor=actor)
    asked = f"`digest serve` or the next `digest run` asks {reader.address} to confirm."
    click.echo(asked if is_asked else "It was sent a moment ago; please wait.")


@click.command("suppress", epilog="Example: digest subscribers suppress ada@example.com")
@click.argument("address", required=False)
@click.option("--file", type=INPUT_FILE, help="Every address of this file: one a line, or a column `email`.")
@click.option("--dry-run", is_flag=True, help="With --file: report what would happen; change nothing.")
@now_option
def suppress(*, address: str | None, file: Path | None, dry_run: bool, now: datetime) -> None:
    """Never send email to an address again, subscribed or not; or to all addresses of a file."""
    if (address is None) == (file is None) or (address and dry_run):
        raise click.UsageError("Give one address, or --file FILE with or without --dry-run.")
    if file:
        _suppress_file(file, dry_run=dry_run, now=now)
        return
    with open_transaction(now) as (_, tx, actor):
        is_changed = subscribers.suppress(tx, str(address), actor=actor)
    click.echo(f"{address} will never be written to." if is_changed else "Nothing to do: it was so already.")


def _suppress_file(file: Path, *, dry_run: bool, now: datetime) -> None:
    with open_services() as services, file.open("rb") as source:
        actor = services.actor(get_actor_name(), now)
        report = import_suppressions(
            services.store, source, actor=actor, dry_run=dry_run, file_name=file.name
        )
    show_table(("result", "rows"), sorted(report.counts.items()))
    if dry_run:
        click.echo("Dry run: nothing was written.", err=True)
    if report.counts[RowResult.INVALID]:
        sys.exit(1)


@click.command("unsuppress", epilog="Example: digest subscribers unsuppress ada@example.com")
@click.argument("address")
@now_option
def unsuppress(*, address: str, now: datetime) -> None:
    """Allow email to an address again; a subscription ended by a bounce or an administrator goes on."""
    with open_transaction(now) as (_, tx, actor):
        is_changed = subscribers.unsuppress(tx, address, actor=actor)
        reader = tx.subscribers.find_by_address(address)
    if not is_changed:
        click.echo("Nothing to do: it was so already.")
    elif reader and reader.status in SUBSCRIBED:
        click.echo(f"{address} may be written to again; the subscription is {reader.status}, as before.")
    else:
        click.echo(f"{address} may be written to again, once it confirms.")


@click.command("restore", epilog="Example: digest subscribers restore --since 2026-11-23 --dry-run")
@click.option("--since", type=DatetimeParam(), required=True, help="When bounces began to be misjudged.")
@click.option(
    "--dry-run", is_flag=True, help="Show who would be restored, and on what evidence; change nothing."
)
@json_option
@now_option
def restore(*, since: datetime, dry_run: bool, as_json: bool, now: datetime) -> None:
    """Undo suppressions that bounces caused since a moment; people who unsubscribed stay unsubscribed."""
    with open_transaction(now) as (_, tx, actor):
        run = list_bounced if dry_run else undo_suppressions
        bounced = run(tx, since, actor=actor)
    rows = [
        {
            "address": reader.address if reader else None,
            "at": suppression.at.isoformat(),
            "status": suppression.prior_status,
            "evidence": suppression.evidence,
        }
        for suppression, reader in bounced
    ]
    readers = sum(row["address"] is not None for row in rows)
    if as_json:
        show_json({"dry_run": dry_run, "suppressions": len(rows), "readers": readers, "restored": rows})
        return
    if rows:
        show_table(
            ("address", "suppressed", "evidence"),
            [(row["address"] or "(not subscribed)", row["at"], row["evidence"]) for row in rows],
        )
    would = "would be " if dry_run else ""
    click.echo(f"{len(rows)} suppressions {would}lifted, {readers} readers {would}restored.")
