"""`digest bounces`: read the mailbox to which bounces and complaints return."""

from datetime import datetime

import click

from digest.cli.house import clock, json_option, now_option, open_house, show_json
from digest.deliver.bounces import open_mailbox, read_bounces
from digest.deliver.reports import Heard
from digest.errors import ConfigError
from digest.store.standing import Standing


@click.command("bounces", epilog="Example: digest bounces   (from cron: */10 * * * * digest bounces)")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """Read the bounce mailbox; never write again to addresses that are gone, or that complained."""
    with open_house() as house:
        url = house.settings.bounce_mailbox.get_secret_value()
        if not url:
            raise ConfigError(
                "Set DIGEST_BOUNCE_MAILBOX, like maildir:/var/mail/bounces or imaps://user:pass@host/INBOX."
            )

        def hear(report: Heard) -> bool:
            with house.store.begin() as tx:
                standing = Standing(tx.connection, pepper=house.pepper)
                return standing.report(
                    report.pid, report.kind, now=clock(now), code=report.code, raw_hash=report.raw_hash
                )

        retired = [key.get_secret_value().encode() for key in house.settings.old_secret_keys]
        with open_mailbox(url) as box:
            reading = read_bounces(box, hear, keys=[house.secret, *retired])
    if as_json:
        show_json({"read": reading.read, "heard": reading.heard, "ignored": reading.ignored})
    else:
        click.echo(
            f"{reading.read} mails read: {reading.heard} told something new, {reading.ignored} ignored."
        )
