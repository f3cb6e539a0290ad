"""`digest export`: write papers for a reference manager."""

import sys
from datetime import datetime
from pathlib import Path

import click

from digest.app.services import Services
from digest.cli.common import OUTPUT_FILE, DayParam, open_services
from digest.cli.output import echo_err
from digest.db.backup import create_private_file
from digest.models.citations import Citation, CitationFormat, format_citations
from digest.pipeline import exports

FORMAT_BY_SUFFIX = {form.extension: form for form in CitationFormat}


@click.command(
    "export",
    epilog="\b\nExamples: digest export ada@example.com --format bibtex --out today.bib\n"
    "          digest export ada@example.com --saved --format ris\n"
    "          digest export --paper 2607.28628 --paper 10.1038/s41586-026-1",
)
@click.argument("address", required=False)
@click.option("--paper", "papers", multiple=True, help="This paper: arXiv id, DOI or link. Repeatable.")
@click.option("--day", type=DayParam(), help="The digest of that day. Default: the latest one.")
@click.option("--saved", is_flag=True, help="The saved papers of the subscriber, with notes and tags.")
@click.option("--tag", default="", help="Only saved papers with this tag.")
@click.option(
    "--format",
    "form",
    type=click.Choice([str(form) for form in CitationFormat]),
    help="Default: bibtex, or what --out ends in.",
)
@click.option("--out", type=OUTPUT_FILE, help="Write it to this file.")
def command(
    *,
    address: str | None,
    papers: tuple[str, ...],
    day: datetime | None,
    saved: bool,
    tag: str,
    form: str | None,
    out: Path | None,
) -> None:
    """Write papers as BibTeX, RIS, CSL-JSON or Markdown.

    With an ADDRESS: the papers of a subscriber's digest, or those they saved. Otherwise the given papers.
    """
    if bool(address) == bool(papers):
        raise click.UsageError("Give an ADDRESS, or papers with --paper.")
    if not address and (day or saved or tag):
        raise click.UsageError("--day, --saved and --tag belong to an ADDRESS.")
    if day and (saved or tag):
        raise click.UsageError("Give --day or --saved, not both.")
    chosen = CitationFormat(form) if form else _guess_format(out)
    with open_services() as services:
        citations = _load(services, address, papers, day=day, is_saved=saved or bool(tag), tag=tag)
    content = format_citations(citations, chosen).encode()
    if out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    if saved or tag:
        create_private_file(out)  # notes are private
    out.write_bytes(content)
    echo_err(f"Papers written to {out}: {len(citations)}.")


def _guess_format(out: Path | None) -> CitationFormat:
    """Return the format that a file's name ends in; BibTeX for text, or without a name or ending.

    Raises:
        click.UsageError: the name ends in something else.
    """
    suffix = out.suffix.lower() if out else ""
    if suffix in ("", ".txt"):
        return CitationFormat.BIBTEX
    if suffix not in FORMAT_BY_SUFFIX:
        known = ", ".join(FORMAT_BY_SUFFIX)
        raise click.UsageError(f"There is no format for {suffix}: end --out in {known}, or give --format.")
    return FORMAT_BY_SUFFIX[suffix]


def _load(
    services: Services,
    address: str | None,
    papers: tuple[str, ...],
    *,
    day: datetime | None,
    is_saved: bool,
    tag: str,
) -> list[Citation]:
    if address is None:
        return exports.load_papers(services.store, papers)
    reader = services.find_subscriber(address)
    if is_saved:
        return exports.load_saved(services.store, reader, tag)
    return exports.load_digest(services.store, reader, day.date() if day else None)
