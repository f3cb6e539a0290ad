"""`digest bounces`: read bounces, complaints and unsubscribe requests from the bounce mailbox."""

from dataclasses import asdict
from datetime import datetime

import click

from digest.cli.common import json_option, now_option, open_services
from digest.cli.output import show_json
from digest.worker.bounces import read_bounce_mailbox


@click.command("bounces", epilog="Example: digest bounces   (from cron: */10 * * * * digest bounces)")
@now_option
@json_option
def command(*, now: datetime, as_json: bool) -> None:
    """Read the bounce mailbox; suppress addresses that bounced or complained, and unsubscribe by email."""
    with open_services() as services:
        summary = read_bounce_mailbox(services, now)
    if as_json:
        show_json(asdict(summary))
    else:
        click.echo(
            f"{summary.read} messages read: {summary.heard} bounces and complaints, "
            f"{summary.left} unsubscribed, {summary.ignored} ignored."
        )
