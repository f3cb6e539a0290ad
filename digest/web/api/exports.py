"""The routes of the JSON API that export papers for reference managers."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from digest.models.citations import Citation, CitationFormat, format_citations
from digest.pipeline import exports
from digest.web.api.auth import require_role
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import ApiRequest
from digest.web.context import WebContextDep

MAX_PAPERS = 200  # of one request
DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {form.media_type: {"schema": {"type": "string"}} for form in CitationFormat},
        "description": "the papers, in the format that was asked for",
    }
}

router = create_api_router("export", require_role)


class PaperSelection(ApiRequest):
    """Papers to export."""

    paper: list[str] = Field(
        min_length=1, max_length=MAX_PAPERS, description="arXiv ids, DOIs or links", examples=[["2607.28628"]]
    )
    format: CitationFormat = CitationFormat.BIBTEX


class DigestSelection(ApiRequest):
    """A digest to export."""

    day: date | None = Field(None, description="the subscriber's local day; without it, the latest digest")
    format: CitationFormat = CitationFormat.BIBTEX


class SavedSelection(ApiRequest):
    """Saved papers to export."""

    tag: str = Field("", max_length=100, description="only papers with this tag")
    format: CitationFormat = CitationFormat.BIBTEX


@router.get("/export", response_class=Response, responses=DOCUMENT)
def export_papers(ctx: WebContextDep, selection: Annotated[PaperSelection, Query()]) -> Response:
    """Export papers as BibTeX, RIS, CSL-JSON or Markdown."""
    return _respond(exports.load_papers(ctx.services.store, selection.paper), selection.format)


@router.get("/subscribers/{who}/digest/export", response_class=Response, responses=DOCUMENT)
def export_digest(ctx: WebContextDep, who: str, selection: Annotated[DigestSelection, Query()]) -> Response:
    """Export the papers of a subscriber's digest."""
    reader = ctx.services.find_subscriber(who)
    return _respond(exports.load_digest(ctx.services.store, reader, selection.day), selection.format)


@router.get("/subscribers/{who}/saved/export", response_class=Response, responses=DOCUMENT)
def export_saved(ctx: WebContextDep, who: str, selection: Annotated[SavedSelection, Query()]) -> Response:
    """Export the papers that a subscriber saved, with notes and tags."""
    reader = ctx.services.find_subscriber(who)
    return _respond(exports.load_saved(ctx.services.store, reader, selection.tag), selection.format)


def _respond(citations: Sequence[Citation], form: CitationFormat) -> Response:
    return Response(format_citations(citations, form), media_type=form.media_type)
