"""Shared parts of the subscriber commands: settings options, libraries, transaction, JSON."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import anyio
import click

from digest.app.services import Services
from digest.cli.common import INPUT_FILE, get_actor_name, open_services
from digest.cli.output import echo_err
from digest.db import Transaction
from digest.models import (
    LANGUAGES,
    Delivery,
    Frequency,
    LikedPaper,
    Mix,
    Status,
    Subscriber,
    Threshold,
)
from digest.models.errors import InvalidChange
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.pipeline.edition_payload import get_paper_ids
from digest.sources.libraries.bibliography import SeedPapers
from digest.sources.libraries.clients import LibraryAccounts, fetch_seeds
from digest.sources.text.encoding import decode_text
from digest.subscribers import Actor
from digest.subscribers.seed_papers import complete_seeds, parse_library
from digest.subscribers.validation import MAX_ITEMS
from digest.web.api.schemas import DeliverySummary, SubscriberResponse

MIN_TITLE_WORDS = 3  # a shorter line that names no paper is not taken for a title
LIBRARY_OPTIONS = frozenset({"like", "zotero", "orcid", "author_id"})
NO_SEEDS = SeedPapers()
F = TypeVar("F", bound=Callable[..., Any])
_SETTINGS_OPTIONS = (
    click.option("--keywords", help="Interests, comma-separated."),
    click.option("--muted", help="Papers with any of these words are never sent; comma-separated."),
    click.option("--authors", help="Authors to follow, comma-separated."),
    click.option("--affiliations", help="Affiliations to follow, comma-separated."),
    click.option("--categories", help="Categories to follow, comma-separated, like cs.CL."),
    click.option("--text", help="Interests as a paragraph."),
    click.option(
        "--like",
        type=INPUT_FILE,
        help="A file of papers they like: ids, links, BibTeX, RIS, JSON, EndNote XML, or titles.",
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
    click.option("--mix", type=click.Choice([str(m) for m in Mix]), help="Own interests, or votes."),
    click.option("--trending", type=int, help="Papers under Trending today."),
    click.option("--picked", type=int, help="Maximum number of papers under Picked for you."),
    click.option("--threshold", type=click.Choice([str(t) for t in Threshold]), help="How well picks match."),
    click.option("--also-new", type=int, help="Maximum number of papers under Also new."),
    click.option("--empty-day-note/--no-empty-day-note", default=None, help="A note on days without papers."),
    click.option("--language", help=f"Language of the emails: {', '.join(LANGUAGES)}."),
)  # fmt: skip


status_option = click.option(
    "--status",
    type=click.Choice([str(status) for status in Status]),
    help="Only subscribers with this status.",
)
tag_option = click.option("--tag", default="", help="Only subscribers with this tag.")


def settings_options(command: F) -> F:
    """Add the options that change a subscriber to *command*; each is None if it is not given."""
    for option in reversed(_SETTINGS_OPTIONS):
        command = option(command)
    return command


def select_changes(options: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that were given, without the libraries, which `load_liked_papers` reads."""
    return {
        name: value for name, value in options.items() if value is not None and name not in LIBRARY_OPTIONS
    }


def load_liked_papers(
    tx: Transaction, options: Mapping[str, object], *, seeds: SeedPapers = NO_SEEDS
) -> tuple[LikedPaper, ...]:
    """Return the papers of the --like file and the *seeds* that were fetched before the transaction."""
    path = options.get("like")
    papers = (*(read_liked_file(tx, path) if isinstance(path, Path) else ()), *_complete_seeds(tx, seeds))
    if len(papers) > MAX_LIKED_PAPERS:
        echo_err(f"The first {MAX_LIKED_PAPERS} of {len(papers)} papers are remembered.")
    return papers


def fetch_library_papers(options: Mapping[str, object]) -> SeedPapers:
    """Fetch the papers of the Zotero library, ORCID record and author id that were given."""
    names = {name: str(options.get(name) or "") for name in ("zotero", "orcid", "author_id")}
    if not any(names.values()):
        return NO_SEEDS
    key = _get_zotero_key() if names["zotero"] else ""
    accounts = LibraryAccounts(
        zotero=names["zotero"], zotero_key=key, orcid=names["orcid"], author=names["author_id"]
    )
    with open_services() as services:
        return anyio.run(_fetch_seeds, services, accounts)


async def _fetch_seeds(services: Services, accounts: LibraryAccounts) -> SeedPapers:
    async with services.open_library_client() as client:
        return await fetch_seeds(client, services.source_config, accounts)


def _get_zotero_key() -> str:
    """Return the Zotero key from the environment or a hidden prompt; empty for a public library."""
    key = os.environ.get("ZOTERO_API_KEY", "")
    if key or not sys.stdin.isatty():
        return key
    return str(click.prompt("Zotero API key (empty for a public library)", hide_input=True, default=""))


def _complete_seeds(tx: Transaction, seeds: SeedPapers) -> tuple[LikedPaper, ...]:
    library = complete_seeds(tx, seeds)
    if seeds != NO_SEEDS:
        echo_err(f"{len(library.papers)} papers recognised.")
    if library.unknown:
        echo_err(f"Not known here, so left out: {'; '.join(map(str, library.unknown[:10]))}.")
    return library.papers


def read_liked_file(tx: Transaction, path: Path) -> tuple[LikedPaper, ...]:
    """Read liked papers from a file: ids, links, BibTeX, RIS, JSON, EndNote XML, or one title a line.

    Raises:
        InvalidChange: if it has no paper that is known here.
    """
    text, _ = decode_text(path.read_bytes())
    library = parse_library(tx, text)
    if not library.papers and not text.lstrip().startswith(("{", "[", "<", "@")):
        lines = re.split(r"\r\n?|\n", text)
        titles = [line.strip() for line in lines if len(line.split()) >= MIN_TITLE_WORDS]
        if titles:
            return tuple(map(LikedPaper, titles[:MAX_ITEMS]))
    if library.unknown:
        echo_err(f"Not known here, so left out: {'; '.join(map(str, library.unknown[:10]))}.")
    if not library.papers:
        raise InvalidChange(f"{path} names no paper that is known here.")
    return library.papers


@contextmanager
def open_transaction(now: datetime) -> Iterator[tuple[Services, Transaction, Actor]]:
    """Open the services and one write transaction, with the user of the command as actor."""
    with open_services() as services:
        actor = services.actor(get_actor_name(), now)
        with services.store.begin() as tx:
            yield services, tx, actor


def subscriber_to_json(reader: Subscriber) -> dict[str, Any]:
    """Return a subscriber as JSON."""
    fields = SubscriberResponse.model_validate(reader).model_dump()
    public_id = fields.pop("id")
    return {**fields, "id": public_id}


def delivery_to_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as JSON."""
    return {
        **DeliverySummary.model_validate(delivery).model_dump(),
        "papers": get_paper_ids(delivery.payload),
    }
