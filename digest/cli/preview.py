"""`digest preview`: show exactly the mail that would be sent, and send nothing."""

import json
import sys
import tempfile
import webbrowser
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import anyio
import click

from digest.app.services import Services
from digest.cli.common import INPUT_FILE, OUTPUT_FILE, DayParam, now_option, open_services
from digest.cli.output import echo_err, show_progress
from digest.cli.subscribers.common import read_liked_file
from digest.db.backup import create_private_file
from digest.mail.locale import get_locale
from digest.mail.tokens import PREVIEW_ID
from digest.mail.wording import describe_reason
from digest.models import Edition, Profile, Status, Subscriber
from digest.models.errors import DigestError, NotFound
from digest.models.schedule import get_local_day, get_slot
from digest.models.text import split_list
from digest.pipeline import plan
from digest.pipeline.ingest import fetch_sources
from digest.sources.http.reachability import is_any_reachable

ANONYMOUS = Subscriber(id=0, public_id=PREVIEW_ID, address="you@example.org", status=Status.CONFIRMED)
MAX_KEYWORD_WORDS = 4  # a longer part between commas is prose, not a keyword
CONNECT_TIMEOUT = 4.0  # seconds within which one of the sources must accept a connection
NO_NETWORK = (
    "No source can be reached. Is the network up, or must HTTPS_PROXY name a proxy? "
    "See: digest doctor. Without a network, try: digest demo"
)
FORMATS = ("html", "text", "eml", "json")


@click.command(
    "preview",
    epilog="\b\nExamples: digest preview --interests 'diffusion policies, robotics' --open\n"
    "          digest preview ada@example.com --format eml --out tomorrow.eml",
)
@click.argument("address", required=False)
@click.option("--interests", default="", help="Keywords separated by commas, or a sentence.")
@click.option(
    "--like",
    type=INPUT_FILE,
    help="A file of papers you like: ids or links, BibTeX, RIS, JSON lines, or titles.",
)
@click.option("--as-of", type=DayParam(), help="The email of that day.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: text, or what --out ends in.")
@click.option("--out", type=OUTPUT_FILE, help="Write it to this file.")
@click.option("--open", "in_browser", is_flag=True, help="Show the HTML in the browser.")
@now_option
def command(
    *,
    address: str | None,
    interests: str,
    like: Path | None,
    as_of: datetime | None,
    form: str | None,
    out: Path | None,
    in_browser: bool,
    now: datetime,
) -> None:
    """Show exactly the email that would be sent, byte for byte; send nothing.

    Without an ADDRESS: for the given interests, otherwise trending papers only. The first call reads the
    sources once.
    """
    if address and (interests or like):
        raise click.UsageError("Give an ADDRESS or interests, not both: a subscriber has interests already.")
    with open_services() as services:
        # before fetching: an unknown address must fail at once
        subscriber = services.find_subscriber(address) if address else None
        _fetch_if_empty(services, now)
        reader = subscriber or _build_anonymous_reader(services, interests, like)
        edition = _load_edition(services, reader, now, as_of.date() if as_of else None)
        if not edition.picks:
            raise NotFound(f"Nothing new for {edition.day}: no email would be sent. See: digest status")
        if not subscriber:
            echo_err("This is a preview for nobody: its links lead to pages that say so and change nothing.")
        if in_browser:
            _open_in_browser(services, edition, out)
        else:
            _write(_render(services, edition, form or _guess_format(out)), out)


def _fetch_if_empty(services: Services, now: datetime) -> None:
    """Read the sources if the database has no papers yet.

    Raises:
        DigestError: if no source can be reached or read.
    """
    with services.store.begin(write=False) as tx:
        if tx.papers.count():
            return
    echo_err("No papers yet: reading the sources once. This takes about half a minute.")
    if not is_any_reachable(services.source_config.trusted_urls, timeout=CONNECT_TIMEOUT):
        raise DigestError(NO_NETWORK)
    with show_progress("reading the sources") as bar:
        results = anyio.run(
            lambda: fetch_sources(
                services.store,
                services.sources,
                lambda: services.open_client(interactive=True),
                now,
                on_progress=bar,
            )
        )
    if not any(stored.result.papers for stored in results):
        notes = " ".join(dict.fromkeys(stored.result.note for stored in results if stored.result.note))
        raise DigestError(f"No source could be read. {notes} Without a network, try: digest demo")


def _build_anonymous_reader(services: Services, interests: str, like: Path | None) -> Subscriber:
    with services.store.begin(write=False) as tx:
        liked = read_liked_file(tx, like) if like else ()
    profile = replace(parse_interests(interests), liked=liked)
    return replace(ANONYMOUS, profile=profile, schedule=services.default_schedule)


def parse_interests(interests: str) -> Profile:
    """Parse interests: only short parts between commas are keywords, anything longer is a description."""
    parts = split_list(interests)
    if all(len(part.split()) <= MAX_KEYWORD_WORDS for part in parts):
        return Profile(keywords=tuple(parts))
    return Profile(text=interests.strip())


def _load_edition(services: Services, reader: Subscriber, now: datetime, day: date | None) -> Edition:
    if day is not None:
        planned = plan.load_planned_edition(services.store, reader, day)
        if planned is not None:
            return planned
        if day != get_local_day(reader.schedule, now):
            now = get_slot(reader.schedule, day) or datetime.combine(day, time(12), UTC)
    return services.build_upcoming_edition(reader, now)


def _render(services: Services, edition: Edition, form: str) -> bytes:
    if form == "eml":
        return services.message_builder.build_digest(edition)
    if form == "json":
        return (json.dumps(edition_to_json(edition), indent=2, ensure_ascii=False) + "\n").encode()
    email = services.message_builder.render_email(edition)
    return (email.html if form == "html" else f"Subject: {email.subject}\n\n{email.text}").encode()


def _guess_format(out: Path | None) -> str:
    suffix = out.suffix.lower().lstrip(".") if out else ""
    return {"htm": "html", "txt": "text"}.get(suffix, suffix if suffix in FORMATS else "text")


def _write(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        create_private_file(out)  # its links sign the subscriber in
        out.write_bytes(content)
        echo_err(f"Written to {out}.")


def _open_in_browser(services: Services, edition: Edition, out: Path | None) -> None:
    path = out or Path(tempfile.mkdtemp(prefix="digest-")) / "preview.html"
    _write(_render(services, edition, "html"), path)
    if not webbrowser.open(path.resolve().as_uri()):
        echo_err("No browser could be started; open the file yourself.")


def edition_to_json(edition: Edition) -> dict[str, Any]:
    """Return an edition as JSON."""
    reader_locale = get_locale(edition.subscriber.preferences.language)
    return {
        "day": edition.day.isoformat(),
        "slot": edition.slot.isoformat(),
        "address": edition.subscriber.address,
        "picks": [
            {
                "paper": pick.paper.id,
                "title": pick.paper.title,
                "url": pick.paper.url,
                "section": str(pick.section),
                "affinity": round(pick.affinity, 4),
                "heat": round(pick.heat.value, 4),
                "score": round(pick.score, 4),
                "reason": describe_reason(reader_locale, pick, edition.day),
            }
            for pick in edition.picks
        ],
        "news": [
            {
                "kind": str(item.kind),
                "paper": item.paper_id,
                "title": item.title,
                "link": item.link or item.url,
            }
            for item in edition.news
        ],
    }
