"""`digest subscribers restore`: take back suppressions that bounces caused."""

from datetime import datetime

import click

from digest.cli.common import DatetimeParam, json_option, now_option
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import open_transaction
from digest.subscribers.unsubscribe import list_bounced, restore


@click.command("restore", epilog="Example: digest subscribers restore --since 2026-11-23 --dry-run")
@click.option("--since", type=DatetimeParam(), required=True, help="When bounces began to be misjudged.")
@click.option(
    "--dry-run", is_flag=True, help="Show who would be restored, and on what evidence; change nothing."
)
@json_option
@now_option
def command(*, since: datetime, dry_run: bool, as_json: bool, now: datetime) -> None:
    """Undo suppressions that bounces caused since a moment; people who unsubscribed stay unsubscribed."""
    with open_transaction(now) as (_, tx, actor):
        run = list_bounced if dry_run else restore
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
