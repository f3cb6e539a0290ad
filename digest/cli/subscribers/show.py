"""`digest subscribers show`."""

from collections.abc import Mapping

import click

from digest.cli.common import json_option, open_services
from digest.cli.output import show_json, show_table
from digest.cli.subscribers.common import delivery_json, subscriber_json
from digest.subscribers import get_subscriber


@click.command("show", epilog="Example: digest subscribers show ada@example.com --json")
@click.argument("address")
@json_option
def command(*, address: str, as_json: bool) -> None:
    """Everything about one subscriber: status, profile, schedule and the last deliveries."""
    with open_services() as services, services.store.begin(write=False) as tx:
        reader = get_subscriber(tx, address)
        history = tx.deliveries.history(reader.id, limit=10)
    told = subscriber_json(reader)
    if as_json:
        show_json(told | {"deliveries": [delivery_json(each) for each in history]})
        return
    profile = {name: value for name, value in told.pop("profile").items() if value}
    preferences = told.pop("preferences")
    if told["frequency"] != "weekly":
        told.pop("weekday")
    facts = [*told.items(), *profile.items(), *preferences.items()]
    show_table(("what", "value"), [(name, _in_words(value)) for name, value in facts])
    show_table(
        ("delivery", "day", "state", "last reply"),
        [(each.kind, each.day or each.slot.date(), each.state, each.last_reply) for each in history],
    )


def _in_words(value: object) -> object:
    """Lists by commas, papers and interests by their titles and names, yes and no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return str(value.get("title") or value.get("name"))
    if isinstance(value, list | tuple):
        return ", ".join(str(_in_words(item)) for item in value)
    return value
