"""`digest preview`: exactly the mail that would be sent, shown and not sent."""

import json
import re
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
from digest.cli.common import DayParam, clock, now_option, open_services
from digest.cli.output import progress, tell
from digest.cli.subscribers.common import liked_in
from digest.mail.locale import get_locale
from digest.mail.wording import why
from digest.models import Edition, Pick, Profile, Status, Subscriber
from digest.models.errors import DigestError, NotFound
from digest.models.schedule import local_day, slot_on
from digest.pipeline import plan, run
from digest.tools.doctor.network import anyone_opens

STRANGER = Subscriber(id=0, pid="preview", address="you@example.org", status=Status.CONFIRMED)
KEYWORD_WORDS = 4  # a longer piece between commas is prose, not a keyword
KNOCK = 4.0  # seconds in which some source must take a connection
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
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of papers you like: ids or links, BibTeX, RIS, JSON lines, or titles.",
)
@click.option("--as-of", type=DayParam(), help="The mail of that day.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: text, or what --out ends in.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
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
    now: datetime | None,
) -> None:
    """Show exactly what would be sent, byte for byte; claim and send nothing.

    Without an ADDRESS: for the interests given, else the trending edition. On a first call the
    sources are read once.
    """
    if address and (interests or like):
        raise click.UsageError("Give an ADDRESS or interests, not both: a subscriber has interests already.")
    with open_services() as services:
        moment = clock(now)
        known = (
            _subscriber(services, address) if address else None
        )  # an unknown address must not cost a reading
        _read_once(services, moment)
        reader = known or _stranger(services, interests, like)
        edition = _edition(services, reader, moment, as_of.date() if as_of else None)
        if not edition.picks:
            raise NotFound(f"Nothing new for {edition.day}: no mail would go out. See: digest status")
        if in_browser:
            _open(services, edition, out)
        else:
            _write(_rendered(services, edition, form or _form_of(out)), out)


def _read_once(services: Services, now: datetime) -> None:
    """On a first call there is nothing to show yet: read the sources."""
    with services.store.begin(write=False) as tx:
        if tx.papers.count():
            return
    tell("No papers yet: reading the sources once. This takes about half a minute.")
    if not anyone_opens(services.fetch_plan.trusted, within=KNOCK):
        raise DigestError(NO_NETWORK)
    with progress("reading the sources") as bar:
        fetched = anyio.run(
            lambda: run.fetch(
                services.store,
                services.sources,
                lambda: services.connect(hasty=True),
                now,
                tell=lambda what, n, of: bar(n, of, what),
            )
        )
    if not any(each.reading.papers for each in fetched):
        notes = " ".join(dict.fromkeys(each.reading.note for each in fetched if each.reading.note))
        raise DigestError(f"No source could be read. {notes} Without a network, try: digest demo")


def _subscriber(services: Services, address: str) -> Subscriber:
    with services.store.begin(write=False) as tx:
        return tx.subscribers.by_address(address)


def _stranger(services: Services, interests: str, like: Path | None) -> Subscriber:
    with services.store.begin(write=False) as tx:
        liked = liked_in(tx, like) if like else ()
    profile = replace(profile_of(interests), liked=liked)
    return replace(STRANGER, profile=profile, schedule=services.schedule)


def profile_of(interests: str) -> Profile:
    """Short pieces between commas are keywords; anything longer is read as a description."""
    pieces = [piece.strip() for piece in re.split(r"[,;\n]", interests) if piece.strip()]
    if all(len(piece.split()) <= KEYWORD_WORDS for piece in pieces):
        return Profile(keywords=tuple(pieces))
    return Profile(text=interests.strip())


def _edition(services: Services, reader: Subscriber, now: datetime, day: date | None) -> Edition:
    if day is None:
        return plan.upcoming(services.store, reader, now, vectors=services.vectors)
    slot = slot_on(reader.schedule, day) or datetime.combine(day, time(12), UTC)
    moment = now if day == local_day(reader.schedule, now) else slot
    return plan.recall(services.store, reader, slot) or plan.upcoming(
        services.store, reader, moment, vectors=services.vectors
    )


def _rendered(services: Services, edition: Edition, form: str) -> bytes:
    if form == "eml":
        return services.letters.digest(edition)
    if form == "json":
        return (json.dumps(edition_json(edition), indent=2, ensure_ascii=False) + "\n").encode()
    email = services.letters.email(edition)
    return (email.html if form == "html" else f"Subject: {email.subject}\n\n{email.text}").encode()


def _form_of(out: Path | None) -> str:
    suffix = out.suffix.lower().lstrip(".") if out else ""
    return {"htm": "html", "txt": "text"}.get(suffix, suffix if suffix in FORMATS else "text")


def _write(content: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    else:
        out.write_bytes(content)
        tell(f"Written to {out}.")


def _open(services: Services, edition: Edition, out: Path | None) -> None:
    path = out or Path(tempfile.mkdtemp(prefix="digest-")) / "preview.html"
    path.write_bytes(_rendered(services, edition, "html"))
    tell(f"Written to {path}.")
    if not webbrowser.open(path.resolve().as_uri()):
        tell("No browser could be started; open the file yourself.")


def edition_json(edition: Edition) -> dict[str, Any]:
    """An edition as programs read it."""
    speaks = get_locale(edition.subscriber.preferences.language)
    return {
        "day": edition.day.isoformat(),
        "slot": edition.slot.isoformat(),
        "address": edition.subscriber.address,
        "picks": [_pick_json(pick, why(speaks, pick, edition.day)) for pick in edition.picks],
    }


def _pick_json(pick: Pick, reason: str) -> dict[str, Any]:
    return {
        "paper": pick.paper.id,
        "title": pick.paper.title,
        "url": pick.paper.url,
        "section": str(pick.section),
        "affinity": round(pick.affinity, 4),
        "heat": round(pick.heat.value, 4),
        "score": round(pick.score, 4),
        "reason": reason,
    }
