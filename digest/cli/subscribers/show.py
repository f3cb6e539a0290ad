"""`digest subscribers show`: everything about one subscriber."""

from collections.abc import Mapping

import click

from digest.cli.common import json_option, open_services
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import delivery_to_json, subscriber_to_json, suppression_to_json
from digest.models.addresses import hash_address
from digest.subscribers import get_subscriber


@click.command("show", epilog="Example: digest subscribers show ada@example.com --json")
@click.argument("address")
@json_option
def command(*, address: str, as_json: bool) -> None:
    """Show one subscriber: status, profile, schedule and the last deliveries."""
    with open_services() as services, services.store.begin(write=False) as tx:
        reader = get_subscriber(tx, address)
        deliveries = tx.deliveries.list_by_subscriber(reader.id, limit=10)
        tags = tx.tags.get_by_subscriber([reader.id]).get(reader.id, ())
        suppression = tx.suppressions.find(hash_address(services.suppression_key, reader.address))
    fields = subscriber_to_json(reader) | {
        "tags": list(tags),
        "suppression": suppression_to_json(suppression),
    }
    if as_json:
        show_json(fields | {"deliveries": [delivery_to_json(delivery) for delivery in deliveries]})
        return
    profile = {name: value for name, value in fields.pop("profile").items() if value}
    preferences = fields.pop("preferences")
    if suppressed := fields.pop("suppression"):
        fields |= {f"suppressed: {name}": value for name, value in suppressed.items() if value}
    if fields["frequency"] != "weekly":
        fields.pop("weekday")
    rows = [*fields.items(), *profile.items(), *preferences.items()]
    show_table(("what", "value"), [(name, _to_text(value)) for name, value in rows])
    show_table(
        ("delivery", "day", "state", "last reply"),
        [
            (delivery.kind, delivery.day or delivery.slot.date(), delivery.state, delivery.last_reply)
            for delivery in deliveries
        ],
    )


def _to_text(value: object) -> object:
    """Return lists joined by commas, papers and facets as their title or name, booleans as yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return str(value.get("title") or value.get("name"))
    if isinstance(value, list | tuple):
        return ", ".join(str(_to_text(item)) for item in value)
    return value
