"""The routes of the JSON API that export papers for reference managers."""

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from digest import subscribers as subscriptions
from digest.models.citations import CitationFormat, format_citations
from digest.pipeline import exports
from digest.web.api.auth import ApiActor
from digest.web.api.routing import create_api_router
from digest.web.context import WebContextDep

MAX_PAPERS = 200  # of one request
DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {form.media_type: {"schema": {"type": "string"}} for form in CitationFormat},
        "description": "the papers, in the format that was asked for",
    }
}

router = create_api_router("export")


class PaperSelection(BaseModel):
    """Papers to export."""

    model_config = ConfigDict(extra="forbid")

    paper: list[str] = Field(
        min_length=1, max_length=MAX_PAPERS, description="arXiv ids, DOIs or links", examples=[["2607.28628"]]
    )
    format: CitationFormat = CitationFormat.BIBTEX


class DigestSelection(BaseModel):
    """A digest to export."""

    model_config = ConfigDict(extra="forbid")

    day: date | None = Field(None, description="the subscriber's local day; without it, the latest digest")
    format: CitationFormat = CitationFormat.BIBTEX


class SavedSelection(BaseModel):
    """Saved papers to export."""

    model_config = ConfigDict(extra="forbid")

    tag: str = Field("", max_length=100, description="only papers with this tag")
    format: CitationFormat = CitationFormat.BIBTEX


@router.get("/export", response_class=Response, responses=DOCUMENT)
def export_papers(_: ApiActor, ctx: WebContextDep, selection: Annotated[PaperSelection, Query()]) -> Response:
    """Export papers as BibTeX, RIS, CSL-JSON or Markdown."""
    citations = exports.load_papers(ctx.services.store, selection.paper)
    return _respond(format_citations(citations, selection.format), selection.format)


@router.get("/subscribers/{who}/digest/export", response_class=Response, responses=DOCUMENT)
def export_digest(
    _: ApiActor, ctx: WebContextDep, who: str, selection: Annotated[DigestSelection, Query()]
) -> Response:
    """Export the papers of a subscriber's digest."""
    with ctx.services.store.begin(write=False) as tx:
        reader = subscriptions.get_subscriber(tx, who)
    citations = exports.load_digest(ctx.services.store, reader, selection.day)
    return _respond(format_citations(citations, selection.format), selection.format)


@router.get("/subscribers/{who}/saved/export", response_class=Response, responses=DOCUMENT)
def export_saved(
    _: ApiActor, ctx: WebContextDep, who: str, selection: Annotated[SavedSelection, Query()]
) -> Response:
    """Export the papers that a subscriber saved, with notes and tags."""
    with ctx.services.store.begin(write=False) as tx:
        reader = subscriptions.get_subscriber(tx, who)
    citations = exports.load_saved(ctx.services.store, reader, selection.tag)
    return _respond(format_citations(citations, selection.format), selection.format)


def _respond(document: str, form: CitationFormat) -> Response:
    return Response(document, media_type=form.media_type)
