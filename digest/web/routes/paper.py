"""The public page of one paper: all authors, the whole abstract and how its votes came in."""

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from digest.mail.locale import gettext_noop
from digest.mail.wording import format_votes, name_category
from digest.models import Heat, Paper
from digest.models.citations import Citation, CitationFormat, format_citations
from digest.models.text import clean
from digest.pipeline import exports
from digest.trending.heat import compute_heat
from digest.web.components import build_public_card, paper_path
from digest.web.context import WebContext, WebContextDep
from digest.web.exports import build_citation_meta, parse_format, respond_with_citations
from digest.web.languages import get_page_locale
from digest.web.routing import create_router
from digest.web.signup_form import SCRIPTS, build_signup_fields

MAX_AUTHORS = 200  # nobody reads the thousands of a large collaboration
MAX_ABSTRACT_CHARS = 20_000

router = create_router(include_in_schema=False)


@router.get("/paper/{name:path}")
def show_paper(name: str, ctx: WebContextDep) -> Response:
    """Show one paper, found by any of its ids or its URL."""
    values = build_paper_values(ctx, name)
    scripts = (*SCRIPTS, "copy.js")
    return ctx.pages.render("paper", scripts=scripts, signup=build_signup_fields(ctx), **values)


@router.get("/cite/{form}/{name:path}")
def export_paper(form: str, name: str, ctx: WebContextDep) -> Response:
    """Return one paper, found by any of its ids or its URL."""
    chosen = parse_format(form)
    [citation] = exports.load_papers(ctx.services.store, [name])
    return respond_with_citations([citation], chosen, name=citation.paper.id)


def build_paper_values(ctx: WebContext, name: str) -> dict[str, Any]:
    """Return the template values of a paper's page. Raises NotFound if the paper is not stored."""
    now, locale = ctx.clock(), get_page_locale()
    with ctx.services.store.begin(write=False) as tx:
        paper = tx.papers.get(name, missing=gettext_noop("This paper is not stored here."))
        signals = tx.signals.get_until([paper.id], until=now)
        repositories = tx.hub_repositories.list_by_paper(paper.id)
    voted = [paper] if signals.get(paper.id) else []
    heat = compute_heat(voted, signals, now, baselines=ctx.trending_lists.baselines(now)).get(paper.id)
    authors = [clean(author) for author in paper.authors]
    return {
        "card": build_public_card(paper, heat, day=now.date(), signals=signals.get(paper.id, ())),
        "facts": _format_facts(paper, heat),
        "path": paper_path(paper),
        "authors": authors[:MAX_AUTHORS],
        "unnamed": max(0, len(authors) - MAX_AUTHORS),
        "abstract": clean(paper.abstract)[:MAX_ABSTRACT_CHARS],
        "categories": [name_category(locale, category) for category in paper.categories],
        "withdrawn": paper.withdrawn,
        "repositories": repositories,
        "citation_meta": build_citation_meta(paper),
        "bibtex": format_citations([Citation(paper)], CitationFormat.BIBTEX),
        "downloads": [(form.label, f"/cite/{form}/{quote(paper.id, safe='/:')}") for form in CitationFormat],
        "related": [
            build_public_card(other, day=now.date()) for other in ctx.related_papers.find(paper, now)
        ],
    }


def _format_facts(paper: Paper, heat: Heat | None) -> str:
    """Return text like `20 November 2026 · 237 upvotes`; what is unknown is left out."""
    locale = get_page_locale()
    published = locale.format_long_day(paper.published.date()) if paper.published else ""
    return " · ".join(filter(None, (published, format_votes(locale, heat) if heat else "")))
