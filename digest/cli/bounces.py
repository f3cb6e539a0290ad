"""`digest bounces`: read the mailbox to which bounces and complaints return."""

from dataclasses import asdict
from datetime import datetime
from functools import partial

import click

from digest import subscriptions
from digest.cli.house import clock, json_option, now_option, open_house, show_json
from digest.compose.links import Purpose
from digest.deliver.bounces import open_mailbox, read_bounces
from digest.errors import ConfigError, InvalidToken
from digest.subscriptions import By


@click.command("bounces", epilog="Example: digest bounces   (from cron: */10 * * * * digest bounces)")
@now_option
@json_option
def command(*, now: datetime | None, as_json: bool) -> None:
    """Read the bounce mailbox; never write again to who is gone, complained, or unsubscribed by mail."""
    with open_house() as house:
        url = house.settings.bounce_mailbox.get_secret_value()
        if not url:
            raise ConfigError(
                "Set DIGEST_BOUNCE_MAILBOX, like maildir:/var/mail/bounces or imaps://user:pass@host/INBOX."
            )

        def leave(token: str) -> bool:
            by = By(actor="reader", now=clock(now), pepper=house.pepper)
            try:
                claim = house.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=by.now)
            except InvalidToken:
                return False  # forged: it counts among the ignored
            with house.store.begin() as tx:
                subscriptions.unsubscribe(tx, claim.pid, by=by)
            return True

        with open_mailbox(url) as box:
            hear = partial(house.hear, now=clock(now))
            reading = read_bounces(box, hear, keys=house.keyring, leave=leave)
    if as_json:
        show_json(asdict(reading))
    else:
        click.echo(
            f"{reading.read} mails read: {reading.heard} bounces and complaints, "
            f"{reading.left} unsubscribed, {reading.ignored} ignored."
        )
