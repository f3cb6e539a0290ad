"""`digest subscribers channels`: list, add, pause, resume and remove the channels of a subscriber."""

import sys
from datetime import datetime

import click

from digest import subscribers
from digest.cli.common import json_option, now_option
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import open_transaction
from digest.models.errors import ConfigError
from digest.subscribers import channels as use_cases


@click.command("channels", epilog="Example: digest subscribers channels lab@example.com --add < webhook.txt")
@click.argument("address")
@click.option(
    "--add",
    is_flag=True,
    help="Add a channel. Its address, which is a secret, is asked for or read from standard input.",
)
@click.option("--pause", "to_pause", metavar="ID", help="Post nothing to a channel for now.")
@click.option("--resume", "to_resume", metavar="ID", help="Use a channel that was paused or had failed.")
@click.option("--remove", "to_remove", metavar="ID", help="Delete a channel.")
@click.option(
    "--mail/--no-mail",
    "by_mail",
    default=None,
    help="Send digests by email too, or only while no channel works.",
)
@now_option
@json_option
def command(
    *,
    address: str,
    add: bool,
    to_pause: str | None,
    to_resume: str | None,
    to_remove: str | None,
    by_mail: bool | None,
    now: datetime,
    as_json: bool,
) -> None:
    """List the channels of a subscriber (Slack, Discord, a webhook ...), after changing them if asked to."""
    secret = _read_secret() if add else ""
    with open_transaction(now) as (services, tx, actor):
        if add:
            if not services.has_channels:
                raise ConfigError(
                    "Channels are off. Name the hosts they may reach: DIGEST_CHANNEL_HOSTS=hooks.slack.com."
                )
            hosts, seal = services.settings.channel_hosts, services.sealer.seal
            use_cases.add_channel(tx, address, secret, allowed_hosts=hosts, seal=seal, actor=actor)
        for change, public_id in (
            (use_cases.pause_channel, to_pause),
            (use_cases.resume_channel, to_resume),
            (use_cases.remove_channel, to_remove),
        ):
            if public_id:
                change(tx, address, public_id, actor=actor)
        if by_mail is not None:
            use_cases.choose_mail(tx, address, by_mail=by_mail, actor=actor)
        channels = use_cases.list_channels(tx, subscribers.get_subscriber(tx, address))
    if as_json:
        names = ("kind", "host", "state", "note", "accepted_at", "created_at")
        show_json(
            [{"id": item.public_id, **{name: getattr(item, name) for name in names}} for item in channels]
        )
        return
    rows = [(item.public_id, item.kind, item.host, item.state, item.note) for item in channels]
    show_table(("id", "kind", "host", "state", "last problem"), rows, empty="There are no channels.")


def _read_secret() -> str:
    """Return the address from a hidden prompt, or from a pipe."""
    if sys.stdin.isatty():
        return str(click.prompt("Address of the channel", hide_input=True))
    return sys.stdin.readline().strip()
