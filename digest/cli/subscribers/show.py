"""`digest subscribers list` and `show`: subscribers filtered and in pages; and everything about one."""

from collections.abc import Mapping, Sequence

import click

from digest.cli.common import json_option, open_services
from digest.cli.output import format_cell, show_json, show_table
from digest.cli.subscribers.common import delivery_to_json, status_option, subscriber_to_json, tag_option
from digest.db.subscribers.search import SORT_COLUMNS, SubscriberCriteria
from digest.models import Status, Subscriber
from digest.models.addresses import hash_address
from digest.subscribers import get_subscriber
from digest.subscribers.table_files import format_csv_row
from digest.web.api.schemas import SuppressionResponse

NO_LIMIT, DEFAULT_LIMIT = 2**31, 50
COLUMNS = ("email", "status", "frequency", "timezone", "send_at", "next_due")


@click.command("list", epilog="Example: digest subscribers list --status confirmed --search example.org")
@status_option
@tag_option
@click.option("--search", default="", help="Only addresses that contain this text.")
@click.option("--sort", type=click.Choice(SORT_COLUMNS), default="created_at", show_default=True)
@click.option("--descending", is_flag=True, help="In descending order.")
@click.option(
    "--limit", type=click.IntRange(1), help="Maximum number. Default: 50; with --json or --csv all."
)
@click.option("--offset", type=click.IntRange(0), default=0)
@click.option("--csv", "as_csv", is_flag=True, help="CSV, safe to open in a spreadsheet.")
@json_option
def list_(
    *, status: str | None, tag: str, search: str, sort: str, descending: bool, limit: int | None, offset: int,
    as_csv: bool, as_json: bool,
) -> None:  # fmt: skip
    """List subscribers, filtered and sorted. With --json or --csv all of them, unless --limit is given."""
    with open_services() as services, services.store.begin(write=False) as tx:
        criteria = SubscriberCriteria(status=Status(status) if status else None, tag=tag, address=search)
        page = tx.subscribers.search(criteria).get_page(
            sort=sort,
            descending=descending,
            limit=limit or (NO_LIMIT if as_json or as_csv else DEFAULT_LIMIT),
            offset=offset,
        )
    if as_json:
        show_json([subscriber_to_json(reader) for reader in page.subscribers])
        return
    rows = [_to_row(reader) for reader in page.subscribers]
    if as_csv:
        click.echo("".join(map(format_csv_row, (COLUMNS, *rows))), nl=False)
        return
    show_table(
        COLUMNS, [[*row[:-1], reader.next_due] for row, reader in zip(rows, page.subscribers, strict=True)]
    )
    click.echo(f"{len(rows)} of {page.total}.", err=True)


def _to_row(reader: Subscriber) -> Sequence[str]:
    fields = subscriber_to_json(reader)
    return [format_cell(fields[name]) for name in COLUMNS]


@click.command("show", epilog="Example: digest subscribers show ada@example.com --json")
@click.argument("address")
@json_option
def show(*, address: str, as_json: bool) -> None:
    """Show one subscriber: status, profile, schedule and the last deliveries."""
    with open_services() as services, services.store.begin(write=False) as tx:
        reader = get_subscriber(tx, address)
        deliveries = tx.deliveries.list_by_subscriber(reader.id, limit=10)
        tags = tx.tags.get_by_subscriber([reader.id]).get(reader.id, ())
        suppression = tx.suppressions.find(hash_address(services.suppression_key, reader.address))
    fields = subscriber_to_json(reader) | {
        "tags": list(tags),
        "suppression": suppression and SuppressionResponse.model_validate(suppression).model_dump(),
    }
    if as_json:
        show_json(fields | {"deliveries": [delivery_to_json(delivery) for delivery in deliveries]})
        return
    profile = {name: value for name, value in fields.pop("profile").items() if value}
    preferences = fields.pop("preferences")
    if suppressed := fields.pop("suppression"):
        fields |= {f"suppressed: {name}": value for name, value in suppressed.items() if value}
    unseen = {"feed_revision"} if fields["frequency"] == "weekly" else {"feed_revision", "weekday"}
    rows = [*fields.items(), *profile.items(), *preferences.items()]
    show_table(("what", "value"), [(name, _to_text(value)) for name, value in rows if name not in unseen])
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
