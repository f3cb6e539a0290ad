"""`digest send`: plan and send what is due, without fetching; or send one test mail."""

import sys
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import anyio
import click

from digest.app import run
from digest.app.run import Clock, RunResult
from digest.app.services import Services
from digest.cli.common import get_log_level, json_option, now_option, open_services, start_clock
from digest.cli.output import echo, show_json, show_table
from digest.cli.preview import ANONYMOUS, edition_to_json
from digest.cli.run import log_run, show_run
from digest.delivery.message import OutgoingMessage, Unreachable
from digest.models import Edition, Section, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import DeliveryError, NotFound
from digest.pipeline.plan import plan_editions


@click.command("send", epilog="Examples: digest send --dry-run   digest send --to me@example.com")
@click.option("--dry-run", is_flag=True, help="List who would get what; plan and send nothing.")
@click.option("--to", metavar="ADDRESS", help="Send one test email to this address now; nothing is recorded.")
@now_option
@json_option
def command(*, dry_run: bool, to: str | None, now: datetime, as_json: bool) -> None:
    """Plan every digest that is due and send until nothing is left, without fetching.

    Exit code 1 when an email failed, 75 when another process is sending from this database. While sending is
    paused nothing fails: the output says why, since when, and how to resume.
    """
    clock = start_clock(now)
    started = clock()
    with open_services(log_level=get_log_level()) as services:
        if dry_run:
            _show_due(services, clock, as_json=as_json)
            return
        if to:
            sent = anyio.run(send_test, services, to, clock)
            show_json(asdict(sent)) if as_json else echo(str(sent))
            return
        result, outbox = anyio.run(_plan_and_send, services, clock), services.outbox
    log_run(result, clock() - started)
    show_run(result, outbox=outbox, as_json=as_json)
    if not result.is_ok:
        sys.exit(1)


async def _plan_and_send(services: Services, clock: Clock) -> RunResult:
    started = clock()
    summary = await run.plan_and_summarize(services, clock, started)
    result = RunResult(plan=summary, send_stats=await run.send(services, clock))
    run.tell_problems(services, result, clock)
    run.record_run(services, result, since=started, clock=clock)
    return result


def _show_due(services: Services, clock: Clock, *, as_json: bool) -> None:
    editions: list[Edition] = []
    summary = plan_editions(
        services.store,
        clock(),
        embedding_model=services.active_embedding_model,
        on_edition=editions.append,
        dry_run=True,
    )
    if as_json:
        show_json([edition_to_json(edition) for edition in editions])
        return
    if summary.stopped:
        echo(f"Nothing would be planned. {summary.stopped}")
        return
    rows = [
        (
            edition.subscriber.address,
            edition.day,
            "+".join(str(len(edition.get_picks(section))) for section in Section),
            edition.picks[0].paper.title,
        )
        for edition in editions
    ]
    show_table(("subscriber", "day", "papers", "first"), rows)
    echo(
        f"{summary.due} due: {summary.planned} would be sent, {summary.quiet} have nothing new."
        " Nothing was sent."
    )


@dataclass(frozen=True, slots=True)
class SendTestResult:
    """Address, route and server reply of a test mail. Field names are JSON keys."""

    to: str
    route: str
    reply: str
    outbox: str | None = None  # the folder it was written to, if no mail server is set

    def __str__(self) -> str:
        if self.outbox:
            return f"Not sent, as no mail server is set: {self.reply.partition(' ')[2]}"
        return f"Sent to {self.to} by {self.route}: {self.reply}"


async def send_test(services: Services, to: str, clock: Clock) -> SendTestResult:
    """Send the address its upcoming digest, or the default one if not subscribed. Nothing is recorded.

    Raises:
        DeliveryError: if the mail server cannot be reached or refuses the mail.
    """
    address = parse_address(to).display
    edition = services.build_upcoming_edition(_load_recipient(services, address), clock())
    message = OutgoingMessage(
        raw=services.message_builder.build_digest(edition), mail_from=services.site.sender, rcpt_to=address
    )
    route = services.routes[0]
    try:
        connection = await route.transport.open()
    except Unreachable as error:
        raise DeliveryError(f"Cannot connect to the mail server ({error}). See: digest doctor") from error
    try:
        send_result = await connection.deliver(message)
    finally:
        await connection.close()
    if not send_result.is_accepted:
        raise DeliveryError(
            f"The mail server refused it at {send_result.stage}: {send_result.code} {send_result.text}"
        )
    outbox = str(services.outbox) if services.outbox else None
    return SendTestResult(address, route.name, send_result.text, outbox)


def _load_recipient(services: Services, address: str) -> Subscriber:
    try:
        return services.find_subscriber(address)
    except NotFound:
        return replace(ANONYMOUS, address=address, schedule=services.default_schedule)
