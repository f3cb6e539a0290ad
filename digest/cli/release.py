"""`digest release`: let an edition that is on hold be sent."""

from datetime import datetime

import click

from digest.cli.common import get_actor_name, now_option, open_services
from digest.models.errors import NotFound


@click.command("release", epilog="Example: digest release 2026-11-23   (digest status lists what is held)")
@click.argument("key")
@now_option
def command(*, key: str, now: datetime) -> None:
    """Release an edition that was held because something about its papers looked wrong."""
    actor = get_actor_name()
    with open_services() as services, services.store.begin() as tx:
        if not tx.sources.release(key, actor=actor, at=now):
            held = ", ".join(hold.key for hold in tx.sources.list_held()) or "nothing"
            raise NotFound(f"No edition {key} is held; what is held now: {held}.")
        tx.audit.write(actor, "release", key, at=now)
    click.echo(f"Released {key}; `digest serve` or the next `digest run` sends it.")
