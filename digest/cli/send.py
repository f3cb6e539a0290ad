"""`digest send`: plan and send what is due, without reading the sources."""

import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import anyio
import click

from digest.app.services import Services
from digest.cli.common import json_option, now_option, open_services, spoken, ticking
from digest.cli.output import show_json, show_table
from digest.cli.preview import STRANGER, edition_json
from digest.cli.run import log_day, show_day
from digest.delivery.message import OutgoingMessage, Unreachable
from digest.models import Edition, Section, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import DeliveryError, NotFound
from digest.pipeline import plan, run
from digest.pipeline.run import Clock, DayResult


@click.command("send", epilog="Examples: digest send --dry-run   digest send --to me@example.com")
@click.option("--dry-run", is_flag=True, help="Say who would get what; plan and send nothing.")
@click.option(
    "--to", metavar="ADDRESS", help="Send one test mail to this address now; the ledger is not touched."
)
@now_option
@json_option
def command(*, dry_run: bool, to: str | None, now: datetime | None, as_json: bool) -> None:
    """Plan every digest that is due and send until nothing is left, without fetching.

    Exit code 1 when a mail failed, 75 when another process is sending from this database. While sending is
    paused nothing failed: it says so, since when, and how to go on.
    """
    clock = ticking(now)
    beginning = clock()
    with open_services(log_level=spoken()) as services:
        if dry_run:
            _show_due(services, clock, as_json=as_json)
            return
        if to:
            trial = anyio.run(send_test, services, to, clock)
            show_json(asdict(trial)) if as_json else click.echo(trial)
            return
        day = anyio.run(_send, services, clock)
    log_day(day, clock() - beginning)
    show_day(day, as_json=as_json)
    if not day.is_sound:
        sys.exit(1)


async def _send(services: Services, clock: Clock) -> DayResult:
    plans = await run.choose(services, clock, clock())
    return DayResult(plans=plans, tally=await run.send(services, clock))


def _show_due(services: Services, clock: Clock, *, as_json: bool) -> None:
    made: list[Edition] = []
    plans = run.plan(services.store, clock(), vectors=services.vectors, watch=made.append, dry_run=True)
    if as_json:
        show_json([edition_json(edition) for edition in made])
        return
    if plans.stopped:
        click.echo(f"Nothing would be planned. {plans.stopped}")
        return
    show_table(("subscriber", "day", "papers", "first"), [_row(edition) for edition in made])
    click.echo(
        f"{plans.due} due: {plans.planned} would be sent, {plans.quiet} have nothing new. Nothing was sent."
    )


def _row(edition: Edition) -> tuple[object, ...]:
    counts = "+".join(str(len(edition.section(section))) for section in Section)
    return edition.subscriber.address, edition.day, counts, edition.picks[0].paper.title


@dataclass(frozen=True, slots=True)
class Trial:
    """Where a test mail went, by which route, and what the server said to it."""

    to: str
    route: str
    reply: str

    def __str__(self) -> str:
        return f"Sent to {self.to} by {self.route}: {self.reply}"


async def send_test(services: Services, to: str, clock: Clock) -> Trial:
    """One mail outside the ledger: what this subscriber (or a stranger) would get, to the given address."""
    address = parse_address(to).shown
    edition = plan.upcoming(services.store, _reader(services, address), clock(), vectors=services.vectors)
    letter = OutgoingMessage(
        raw=services.letters.digest(edition), mail_from=services.site.sender, rcpt_to=address
    )
    route = services.routes[0]
    try:
        line = await route.transport.open()
    except Unreachable as error:
        raise DeliveryError(f"There is no way to the mail server ({error}). See: digest doctor") from error
    try:
        outcome = await line.deliver(letter)
    finally:
        await line.close()
    if not outcome.is_accepted:
        raise DeliveryError(f"The mail server refused it at {outcome.step}: {outcome.code} {outcome.text}")
    return Trial(address, route.name, outcome.text)


def _reader(services: Services, address: str) -> Subscriber:
    with services.store.begin(write=False) as tx:
        try:
            return tx.subscribers.by_address(address)
        except NotFound:
            return replace(STRANGER, address=address, schedule=services.schedule)
