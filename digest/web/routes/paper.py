"""What is this paper? A page to send to a colleague: all authors, the whole abstract, how its votes came."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from digest.mail.locale import get_locale
from digest.mail.wording import votes
from digest.models import Heat, Paper, Signal
from digest.models.errors import NotFound
from digest.models.text import clean
from digest.trending.heat import heat_of
from digest.web.components import card_of, path_of
from digest.web.context import WebContext, WebContextDep

MOST_AUTHORS = 200  # a collaboration of thousands is not read to its end
LONGEST_ABSTRACT = 20_000

router = APIRouter(include_in_schema=False)


@router.get("/paper/{name:path}")
def about(name: str, ctx: WebContextDep) -> Response:
    """One paper, under any id it is known by."""
    return ctx.pages.page("paper", **told_of(ctx, name), ticket=ctx.tickets.issue(ctx.clock()))


def told_of(ctx: WebContext, name: str) -> dict[str, Any]:
    """What a page says of a paper, for its template; NotFound when it is not stored."""
    now = ctx.clock()
    paper, signals = _known(ctx, name, now)
    heat = _heat(ctx, paper, signals, now)
    authors = [clean(each) for each in paper.authors]
    return {
        "card": card_of(paper, heat, day=now.date(), readings=signals),
        "facts": _facts(paper, heat),
        "path": path_of(paper),
        "authors": authors[:MOST_AUTHORS],
        "unnamed": max(0, len(authors) - MOST_AUTHORS),
        "abstract": clean(paper.abstract)[:LONGEST_ABSTRACT],
        "categories": paper.categories,
        "withdrawn": paper.withdrawn,
    }


def _facts(paper: Paper, heat: Heat | None) -> str:
    """`20 November 2026 · 237 upvotes`, as far as both are known."""
    published = get_locale("en").long_day(paper.published.date()) if paper.published else ""
    return " · ".join(filter(None, (published, votes(get_locale("en"), heat) if heat else "")))


def _known(ctx: WebContext, name: str, now: datetime) -> tuple[Paper, tuple[Signal, ...]]:
    with ctx.services.store.begin(write=False) as tx:
        found = next(iter(tx.papers.by_ids([name]).values()), None)
        if found is None:
            raise NotFound("This paper is not stored here.")
        return found, tx.signals.of([found.id], until=now).get(found.id, ())


def _heat(ctx: WebContext, paper: Paper, signals: tuple[Signal, ...], now: datetime) -> Heat | None:
    """Why it trends; nothing is said of a paper nobody voted on."""
    if not signals:
        return None
    return heat_of([paper], {paper.id: signals}, now, climate=ctx.board.climate(now))[paper.id]
