"""Search for papers: matches by words and by meaning, ordered by relevance, age and heat."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.db.papers.full_text import PaperQuery
from digest.models import Heat
from digest.models.papers import Match
from digest.ranking.search_order import sort_matches
from digest.trending.heat import compute_heat
from digest.web.context import WebContext

PAGE_SIZE = 25  # papers
MAX_RERANKED = 4 * PAGE_SIZE  # best matches by words that are ordered by meaning, age and heat as well
MAX_SEMANTIC_MATCHES = 50  # papers without the words that are added for their meaning


def run_search(
    ctx: WebContext, words: str, query: PaperQuery, now: datetime, *, first: int
) -> tuple[Sequence[Match], dict[str, Heat]]:
    """Return the matches from index *first* on, one more than a page shows, and the heat of those with votes.

    Beyond `MAX_RERANKED` the words alone decide the order; and if that many papers hold the words, none is
    added for its meaning.
    """
    end = first + PAGE_SIZE + 1
    if not words or first >= MAX_RERANKED:
        matches = _find_matches(ctx, query, start=first, end=end)
        return matches, _compute_heat(ctx, matches, now)
    matches = _find_matches(ctx, query, start=0, end=MAX_RERANKED + 1)
    limit = (
        0
        if query.is_empty or query.paper_id
        else min(MAX_SEMANTIC_MATCHES, max(0, MAX_RERANKED - len(matches)))
    )
    both = ctx.semantic_index.add_semantic_matches(matches[:MAX_RERANKED], words, query, now, limit=limit)
    heat = _compute_heat(ctx, both, now)
    return [*sort_matches(both, heat, now), *matches[MAX_RERANKED:]][first:end], heat


def build_query(words: str, category: str, days: int | None, source: str, now: datetime) -> PaperQuery:
    """Return the query of the search form; *days* limits how long ago a paper was listed."""
    since = now - timedelta(days=days) if days else None
    return PaperQuery.parse(words, [category] if category else [], since, source)


def _find_matches(ctx: WebContext, query: PaperQuery, *, start: int, end: int) -> tuple[Match, ...]:
    with ctx.services.store.begin(write=False) as tx:
        return tx.papers.find_matches(query, limit=end - start, offset=start)


def _compute_heat(ctx: WebContext, matches: Sequence[Match], now: datetime) -> dict[str, Heat]:
    baselines = ctx.trending_lists.baselines(now)
    with ctx.services.store.begin(write=False) as tx:
        signals = tx.signals.get_until([match.paper.id for match in matches], until=now)
    voted = [match.paper for match in matches if match.paper.id in signals]
    return compute_heat(voted, signals, now, baselines=baselines)
