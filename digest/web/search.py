"""Which papers answer a search, and in which order? By words, by meaning, by how new and how hot they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.db.papers.full_text import Question
from digest.models import Heat
from digest.models.papers import Match
from digest.ranking.search_order import found_order
from digest.trending.heat import heat_of
from digest.web.context import WebContext

SHOWN = 25  # papers on a page
WEIGHED = 4 * SHOWN  # best matches of a search that are put in order by more than their words
NEAREST = 50  # papers that mean the question without its words


def answers(
    ctx: WebContext, words: str, question: Question, now: datetime, *, first: int
) -> tuple[Sequence[Match], dict[str, Heat]]:
    """One paper more than a page shows, from the `first` on, and the heat of those that were voted on.

    The best hundred are put in order by what they mean, how new and how hot they are, too. Farther on the
    words alone decide; and where a hundred papers and more hold the words, those without are not looked for.
    """
    end = first + SHOWN + 1
    if not words or first >= WEIGHED:
        matches = _matches(ctx, question, start=first, end=end)
        return matches, _heat(ctx, matches, now)
    matches = _matches(ctx, question, start=0, end=WEIGHED + 1)
    room = 0 if question.is_empty else min(NEAREST, max(0, WEIGHED - len(matches)))
    both = ctx.meaning.added(matches[:WEIGHED], words, question, now, most=room)
    heat = _heat(ctx, both, now)
    return [*found_order(both, heat, now), *matches[WEIGHED:]][first:end], heat


def question_of(words: str, category: str, days: int | None, source: str, now: datetime) -> Question:
    """What the form asks for."""
    since = now - timedelta(days=days) if days else None
    return Question.of(words, [category] if category else [], since, source)


def _matches(ctx: WebContext, question: Question, *, start: int, end: int) -> tuple[Match, ...]:
    with ctx.services.store.begin(write=False) as tx:
        return tx.papers.matches(question, limit=end - start, offset=start)


def _heat(ctx: WebContext, matches: Sequence[Match], now: datetime) -> dict[str, Heat]:
    climate = ctx.board.climate(now)
    with ctx.services.store.begin(write=False) as tx:
        signals = tx.signals.of([match.paper.id for match in matches], until=now)
    voted = [match.paper for match in matches if match.paper.id in signals]
    return heat_of(voted, signals, now, climate=climate)
