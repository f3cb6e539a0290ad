"""Downloads of papers for reference managers: one paper, or the papers of a reader's digest."""

from datetime import date

from starlette.responses import Response

from digest.mail.tokens import Purpose
from digest.pipeline import exports
from digest.web.context import WebContextDep
from digest.web.exports import parse_format, respond_with_citations
from digest.web.routing import create_router

router = create_router(include_in_schema=False)


@router.get("/cite/{form}/{name:path}")
def export_paper(form: str, name: str, ctx: WebContextDep) -> Response:
    """Return one paper, found by any of its ids or its URL."""
    chosen = parse_format(form)
    [citation] = exports.load_papers(ctx.services.store, [name])
    return respond_with_citations([citation], chosen, name=citation.paper.id)


@router.get("/e/{token}/{form}")
def export_edition(token: str, form: str, ctx: WebContextDep) -> Response:
    """Return the papers of one reader's digest of a day."""
    chosen = parse_format(form)
    claim = ctx.services.links.keys.verify(Purpose.EDITION, token, now=ctx.clock())
    day = date.fromisoformat(claim.extra)
    with ctx.services.store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_public_id(claim.public_id)
    citations = exports.load_digest(ctx.services.store, reader, day)
    return respond_with_citations(citations, chosen, name=f"digest-{day}")
