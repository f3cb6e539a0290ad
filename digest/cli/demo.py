"""`digest demo`: ten mornings on embedded parts, and that a second run sends nothing."""

import time
from pathlib import Path

import anyio
import click

from digest.cli.output import progress, show_table
from digest.models import Section
from digest.models.errors import DeliveryError
from digest.tools.demo import report as page
from digest.tools.demo.dataset import READERS
from digest.tools.demo.scenario import Played, SentMail, play

DATABASE = "demo.sqlite3"  # never the name of a real one: a demo begins by removing it
LONGEST_TITLE = 44


@click.command("demo", epilog="Example: digest demo --out /tmp/demo")
@click.option(
    "--out",
    default=Path("digest-demo"),
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the mails, the page and the database go.",
)
def command(*, out: Path) -> None:
    """Play ten invented mornings: no network, no configuration, a real database and a real mail server.

    Exit code 1 when running the last day again sends anything, or a reader got no mail.
    """
    started = time.monotonic()
    database = out / DATABASE
    if out.exists() and any(out.iterdir()) and not database.exists():
        raise click.UsageError(
            f"{out} holds other things. Choose an empty folder, or one of an earlier demo."
        )
    out.mkdir(parents=True, exist_ok=True)
    with progress("the demo") as bar:
        played = anyio.run(lambda: play(database, tell=lambda what, n, of: bar(n, of, what)))
    opened = page.write(played, out)
    report(played)
    judge(played)
    digests = sum(morning.mails for morning in played.mornings)
    click.echo(
        f"\n{played.received} mails went out over SMTP: {digests} digests, and {played.received - digests} to"
        " confirm and to welcome. Running the last day again sent none."
        f" {time.monotonic() - started:.1f} seconds.\nOpen {opened.resolve()}"
    )


def report(played: Played) -> None:
    """How the mornings went, and what each reader got on the last one, with the reason beside it."""
    rows = [(f"{m.now:%a %d %b}", m.new, m.counts, m.mails) for m in played.mornings]
    click.secho("Ten mornings", bold=True)
    show_table(("morning", "new papers", "counts read", "digests"), rows)
    for posted in latest(played):
        reader = posted.reader
        click.secho(f"\n{reader.name} ({reader.taste}): {posted.mail.message()['Subject']}", bold=True)
        show_table(("section", "paper", "why"), _rows(posted))


def latest(played: Played) -> list[SentMail]:
    """Each reader's mail of the last day."""
    last = max((posted.edition.day for posted in played.posted), default=None)
    return [posted for posted in played.posted if posted.edition.day == last]


def judge(played: Played) -> None:
    """DeliveryError when the demo did not show what it is there to show."""
    if played.again:
        raise DeliveryError(f"Running the last day again sent {played.again} mails; it must send none.")
    if len(latest(played)) != len(READERS):
        raise DeliveryError(f"Only {len(latest(played))} of {len(READERS)} readers got their mail.")


def _rows(posted: SentMail) -> list[tuple[str, str, str]]:
    lines = page.lines(posted)
    told = [(line.section, _cut(line.title), line.why) for line in lines if line.why]
    more = len(lines) - len(told)
    return [*told, (page.SECTIONS[Section.ALSO_NEW], f"{more} more", "")] if more else told


def _cut(title: str) -> str:
    """The title before its colon, or as much of it as leaves room for the reason."""
    head = title.partition(": ")[0]
    return head if len(head) <= LONGEST_TITLE else head[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "…"
