"""`digest bounces`: read the mailbox to which bounces and complaints return."""

from dataclasses import asdict
from datetime import datetime

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_json
from digest.worker.bounces import read_returned


@click.command("bounces", epilog="Example: digest bounces   (from cron: */10 * * * * digest bounces)")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """Read the bounce mailbox; never write again to who is gone, complained, or unsubscribed by mail."""
    with open_services() as services:
        reading = read_returned(services, clock(now))
    if as_json:
        show_json(asdict(reading))
    else:
        click.echo(
            f"{reading.read} mails read: {reading.heard} bounces and complaints, "
            f"{reading.left} unsubscribed, {reading.ignored} ignored."
        )
