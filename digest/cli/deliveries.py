"""`digest deliveries`: the ledger of mail, and the operator's word on mails nobody knows the end of."""

from datetime import datetime

import click

from digest.cli.common import clock, json_option, now_option, open_services
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import actor, delivery_json
from digest.models import DeliveryState
from digest.models.errors import NotFound


@click.command("deliveries", epilog="Example: digest deliveries --resend abcd2345efgh6789")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in DeliveryState]),
    default="uncertain",
    show_default=True,
)
@click.option("--resend", help="Send this uncertain mail again; the reader may get it twice.")
@click.option("--count-as-sent", "settle", help="Count this uncertain mail as accepted.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@now_option
@json_option
def command(
    *, state: str, resend: str | None, settle: str | None, limit: int, now: datetime | None, as_json: bool
) -> None:
    """List mails by state; by default the uncertain ones, which wait for your word.

    A mail is uncertain when the connection broke twice after the server had all of it: it may or may
    not have arrived, and a third copy would be worse than a question.
    """
    with open_services() as services, services.store.begin() as tx:
        if resend or settle:
            pid = resend or settle or ""
            found = tx.deliveries.find(pid)
            if found is None or not tx.deliveries.resolve(found.id, resend=bool(resend), now=clock(now)):
                raise NotFound(f"There is no uncertain mail {pid}; see: digest deliveries")
            tx.audit.write(f"cli:{actor()}", "resolve", pid, {"resend": bool(resend)}, at=clock(now))
            click.echo("It goes out with the next run." if resend else "Counted as sent.")
            return
        rows = tx.deliveries.in_state(DeliveryState(state), limit=limit)
    if as_json:
        show_json([{"id": each.pid, **delivery_json(each)} for each in rows])
        return
    show_table(
        ("id", "kind", "day", "state", "last reply"),
        [(each.pid, each.kind, each.day or each.slot.date(), each.state, each.last_reply) for each in rows],
        empty=f"No mail is {state}.",
    )
