"""Exports of papers as downloads, and the metadata by which reference managers read a page."""

import re
from collections.abc import Sequence

from starlette.responses import Response

from digest.mail.cards import sanitize_url
from digest.models import Paper
from digest.models.author_names import split_author_name
from digest.models.citations import (
    Citation,
    CitationFormat,
    find_arxiv_id,
    find_doi,
    find_journal,
    format_citations,
)
from digest.models.errors import NotFound
from digest.models.text import clean

MAX_AUTHORS = 200  # named in the metadata of a page
NOT_IN_FILE_NAME = re.compile(r"[^A-Za-z0-9.-]+")


def parse_format(name: str) -> CitationFormat:
    """Return the format of this name. Raises NotFound if there is none."""
    if name not in set(CitationFormat):
        raise NotFound
    return CitationFormat(name)


def respond_with_citations(citations: Sequence[Citation], form: CitationFormat, *, name: str) -> Response:
    """Return papers as a file to download; *name* is that of the file without its ending."""
    file_name = f"{NOT_IN_FILE_NAME.sub('-', name).strip('-.')[:80] or 'papers'}{form.extension}"
    return Response(
        format_citations(citations, form),
        media_type=f"{form.media_type}; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{file_name}"'},
    )


def build_citation_meta(paper: Paper) -> list[tuple[str, str]]:
    """Return the names and contents of the `citation_*` tags, which Zotero and Google Scholar read."""
    names = (split_author_name(author) for author in paper.authors[:MAX_AUTHORS])
    arxiv_id = find_arxiv_id(paper)
    pdf_url = paper.pdf_url or (f"https://arxiv.org/pdf/{arxiv_id}" if arxiv_id else "")
    values = [
        ("citation_title", clean(paper.title)),
        *(("citation_author", ", ".join(filter(None, (name.family, name.given)))) for name in names),
        ("citation_publication_date", f"{paper.published:%Y/%m/%d}" if paper.published else ""),
        ("citation_journal_title", find_journal(paper)),
        ("citation_doi", find_doi(paper)),
        ("citation_arxiv_id", arxiv_id),
        ("citation_abstract_html_url", sanitize_url(paper.url)),
        ("citation_pdf_url", sanitize_url(pdf_url)),
    ]
    return [(name, content) for name, content in values if content]
