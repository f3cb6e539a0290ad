"""`digest deliveries`: list mails by state, and settle those whose outcome is unknown."""

from datetime import datetime

import click

from digest.cli.common import get_actor_name, json_option, now_option, open_services
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import delivery_to_json
from digest.models import DeliveryState
from digest.models.errors import NotFound


@click.command("deliveries", epilog="Example: digest deliveries --resend abcd2345efgh6789")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in DeliveryState]),
    default="uncertain",
    show_default=True,
)
@click.option("--resend", help="Send this uncertain email again; the reader may get it twice.")
@click.option("--count-as-sent", "settle", help="Count this uncertain email as accepted.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@now_option
@json_option
def command(
    *, state: str, resend: str | None, settle: str | None, limit: int, now: datetime, as_json: bool
) -> None:
    """List emails by state; by default the uncertain ones, which need a decision.

    An email is uncertain when the connection broke twice after the server had received all of it: it may
    or may not have arrived, and it is not sent a third time without your decision.
    """
    with open_services() as services, services.store.begin() as tx:
        if resend or settle:
            public_id = resend or settle or ""
            delivery = tx.deliveries.find_by_public_id(public_id)
            if delivery is None or not tx.deliveries.resolve(delivery.id, resend=bool(resend), now=now):
                raise NotFound(f"There is no uncertain email {public_id}; see: digest deliveries")
            tx.audit.write(get_actor_name(), "resolve", public_id, {"resend": bool(resend)}, at=now)
            click.echo("`digest serve` or the next `digest run` sends it." if resend else "Counted as sent.")
            return
        rows = tx.deliveries.list_by_state(DeliveryState(state), limit=limit)
    if as_json:
        show_json([{"id": delivery.public_id, **delivery_to_json(delivery)} for delivery in rows])
        return
    show_table(
        ("id", "kind", "day", "state", "last reply"),
        [
            (
                delivery.public_id,
                delivery.kind,
                delivery.day or delivery.slot.date(),
                delivery.state,
                delivery.last_reply,
            )
            for delivery in rows
        ],
        empty=f"No email is {state}.",
    )
