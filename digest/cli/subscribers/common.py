"""What do the subscriber commands share? Wishes from options, and a subscriber in JSON or in words."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click

from digest.app.services import Services
from digest.cli.common import clock, open_services
from digest.cli.output import tell
from digest.db import Transaction
from digest.models import LANGUAGES, Delivery, Frequency, LikedPaper, Mix, Subscriber, Threshold
from digest.models.errors import InvalidChange
from digest.models.subscribers import MOST_LIKED
from digest.pipeline.edition_payload import paper_ids
from digest.sources.libraries.bibliography import Seeds
from digest.sources.libraries.clients import LibraryAccounts, gathered
from digest.subscribers import Actor
from digest.subscribers.seed_papers import filled, understood
from digest.subscribers.validation import MOST_ITEMS

TITLE_WORDS = 3  # a shorter line that names no paper is no title
LIBRARIES = frozenset({"like", "zotero", "orcid", "author_id"})
NO_SEEDS = Seeds()
F = TypeVar("F", bound=Callable[..., Any])

_WISHES = (
    click.option("--keywords", help="Interests, comma-separated."),
    click.option("--muted", help="Words that must never appear, comma-separated."),
    click.option("--authors", help="People to follow, comma-separated."),
    click.option("--affiliations", help="Places to follow, comma-separated."),
    click.option("--categories", help="Categories to follow, comma-separated, like cs.CL."),
    click.option("--text", help="Interests as a paragraph."),
    click.option(
        "--like",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A file of papers they like: ids or links, BibTeX, RIS, JSON lines, or titles.",
    ),
    click.option(
        "--zotero",
        metavar="USER",
        help="Their Zotero library: user id, or groups/ID. The key of a private one is asked for, or taken "
        "from ZOTERO_API_KEY; it is not kept.",
    ),
    click.option("--orcid", help="Their ORCID iD: the papers they wrote."),
    click.option("--author-id", help="Their Semantic Scholar author id: the papers they wrote."),
    click.option("--timezone", help="Like Europe/Berlin."),
    click.option("--send-at", help="Local time of day, like 07:00."),
    click.option("--frequency", type=click.Choice([str(f) for f in Frequency])),
    click.option("--weekday", type=click.IntRange(0, 6), help="For weekly digests: 0 is Monday."),
    click.option("--mix", type=click.Choice([str(m) for m in Mix]), help="Own interests, or everyone's."),
    click.option("--trending", type=int, help="Papers under Trending today."),
    click.option("--picked", type=int, help="Most papers under Picked for you."),
    click.option("--threshold", type=click.Choice([str(t) for t in Threshold]), help="How near a pick is."),
    click.option("--also-new", type=int, help="Most lines under Also new."),
    click.option("--empty-day-note/--no-empty-day-note", default=None, help="A line on days without papers."),
    click.option("--language", help=f"Of the mail's own words: {', '.join(LANGUAGES)}."),
)  # fmt: skip


def wish_options(command: F) -> F:
    """The options that change a subscriber; what is not given stays as it is."""
    for option in reversed(_WISHES):
        command = option(command)
    return command


def wishes_of(given: Mapping[str, object]) -> dict[str, object]:
    """Only what was asked for; libraries are read by `papers_of`."""
    return {name: value for name, value in given.items() if value is not None and name not in LIBRARIES}


def papers_of(
    tx: Transaction, given: Mapping[str, object], *, seeds: Seeds = NO_SEEDS
) -> tuple[LikedPaper, ...]:
    """The papers of the libraries that were given: of the file, and those that were asked for before."""
    path = given.get("like")
    found = (*(liked_in(tx, path) if isinstance(path, Path) else ()), *_filled(tx, seeds))
    if len(found) > MOST_LIKED:
        tell(f"The first {MOST_LIKED} of {len(found)} papers are remembered.")
    return found


def shelves_of(given: Mapping[str, object]) -> Seeds:
    """The papers of the Zotero library, the ORCID record and the author that were named; asked for now."""
    names = {name: str(given.get(name) or "") for name in ("zotero", "orcid", "author_id")}
    if not any(names.values()):
        return NO_SEEDS
    key = _zotero_key() if names["zotero"] else ""
    shelves = LibraryAccounts(
        zotero=names["zotero"], zotero_key=key, orcid=names["orcid"], author=names["author_id"]
    )
    with open_services() as services:
        return anyio.run(_gather, services, shelves)


async def _gather(services: Services, shelves: LibraryAccounts) -> Seeds:
    async with services.connect_to_libraries() as client:
        return await gathered(client, services.fetch_plan.libraries, shelves)


def _zotero_key() -> str:
    """The key of a private library: from the environment, else typed unseen; a public one needs none."""
    known = os.environ.get("ZOTERO_API_KEY", "")
    if known or not sys.stdin.isatty():
        return known
    return str(click.prompt("Zotero API key (empty for a public library)", hide_input=True, default=""))


def _filled(tx: Transaction, seeds: Seeds) -> tuple[LikedPaper, ...]:
    library = filled(tx, seeds)
    if seeds != NO_SEEDS:
        tell(f"{len(library.likings)} papers understood.")
    if library.unknown:
        tell(f"Not known here, so left out: {', '.join(library.unknown[:10])}.")
    return library.likings


def liked_in(tx: Transaction, path: Path) -> tuple[LikedPaper, ...]:
    """The papers a file names, or the titles in it, one a line; what nobody understands is named."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if text.lstrip().startswith("{"):
        return _likings(text)
    library = understood(tx, text)
    titles = [line.strip() for line in text.splitlines() if len(line.split()) >= TITLE_WORDS]
    if not library.likings and titles:
        return tuple(map(LikedPaper, titles[:MOST_ITEMS]))
    if library.unknown:
        tell(f"Not known here, so left out: {', '.join(library.unknown[:10])}.")
    if not library.likings:
        raise InvalidChange(f"{path} names no paper that is known here.")
    return library.likings


def _likings(text: str) -> tuple[LikedPaper, ...]:
    """JSON lines with `title` and `abstract`, as `digest rank` reads them."""
    try:
        told = [json.loads(line) for line in text.splitlines() if line.strip()]
        return tuple(LikedPaper(str(each["title"]), str(each.get("abstract") or "")) for each in told)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidChange('A liked paper in JSON lines reads {"title": "…", "abstract": "…"}.') from error


@contextmanager
def desk(now: datetime | None = None) -> Iterator[tuple[Services, Transaction, Actor]]:
    """One transaction in the name of whoever typed the command."""
    with open_services() as services:
        by = Actor(actor=f"cli:{actor()}", now=clock(now), suppression_key=services.suppression_key)
        with services.store.begin() as tx:
            yield services, tx, by


def defaults_of(services: Services) -> dict[str, object]:
    """When somebody who chose nothing gets the digest."""
    return {"timezone": services.settings.timezone, "send_at": services.settings.send_at}


def actor() -> str:
    """Who is at the keyboard, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def subscriber_json(reader: Subscriber) -> dict[str, Any]:
    """A subscriber as programs read it."""
    schedule = reader.schedule
    return {
        "email": reader.address,
        "status": str(reader.status),
        "profile": plain(asdict(reader.profile)),
        "frequency": str(schedule.frequency),
        "timezone": schedule.timezone,
        "send_at": f"{schedule.send_at:%H:%M}",
        "weekday": schedule.weekday,
        "paused_until": plain(schedule.paused_until),
        "preferences": plain(asdict(reader.preferences)),
        "created_at": plain(reader.created_at),
        "confirmed_at": plain(reader.confirmed_at),
        "next_due": plain(reader.next_due),
        "id": reader.pid,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """A delivery as programs read it."""
    return {
        "kind": str(delivery.kind),
        "day": plain(delivery.day),
        "slot": plain(delivery.slot),
        "state": str(delivery.state),
        "papers": paper_ids(delivery.payload),
        "accepted_at": plain(delivery.accepted_at),
        "last_reply": delivery.last_reply,
    }


def plain(value: Any) -> Any:
    """Dates and enums as text, tuples as lists."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Enum) else value
