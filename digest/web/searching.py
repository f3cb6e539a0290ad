"""Which papers answer a search, and in which order? By words, by meaning, by how new and how hot they are."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from digest.model import Heat
from digest.rank.finding import Match, found_order
from digest.rank.trending import heat_of
from digest.store.search import Question
from digest.web.lobby import Lobby

SHOWN = 25  # papers on a page
WEIGHED = 4 * SHOWN  # best matches of a search that are put in order by more than their words
NEAREST = 50  # papers that mean the question without its words


def answers(
    lobby: Lobby, words: str, filters: dict[str, Any], now: datetime, *, first: int
) -> tuple[Sequence[Match], dict[str, Heat]]:
    """One paper more than a page shows, from the `first` on, and the heat of those that were voted on.

    The best hundred are put in order by what they mean, how new and how hot they are, too. Farther on the
    words alone decide; and where a hundred papers and more hold the words, those without are not looked for.
    """
    end = first + SHOWN + 1
    if not words or first >= WEIGHED:
        matches = _matches(lobby, words, filters, start=first, end=end)
        return matches, _heat(lobby, matches, now)
    matches = _matches(lobby, words, filters, start=0, end=WEIGHED + 1)
    question = Question.of(words, filters["categories"], filters["since"], filters["source"])
    room = 0 if question.is_empty else min(NEAREST, max(0, WEIGHED - len(matches)))
    both = lobby.meaning.added(matches[:WEIGHED], words, question, now, most=room)
    heat = _heat(lobby, both, now)
    return [*found_order(both, heat, now), *matches[WEIGHED:]][first:end], heat


def filters_of(category: str, days: int | None, source: str, now: datetime) -> dict[str, Any]:
    """What the form leaves of all papers."""
    return {
        "categories": [category] if category else [],
        "since": now - timedelta(days=days) if days else None,
        "source": source or None,
    }


def _matches(lobby: Lobby, words: str, filters: dict[str, Any], *, start: int, end: int) -> tuple[Match, ...]:
    with lobby.house.store.begin(write=False) as tx:
        return tx.papers.matches(words, **filters, limit=end - start, offset=start)


def _heat(lobby: Lobby, matches: Sequence[Match], now: datetime) -> dict[str, Heat]:
    climate = lobby.board.climate(now)
    with lobby.house.store.begin(write=False) as tx:
        signals = tx.signals.of([match.paper.id for match in matches], until=now)
    voted = [match.paper for match in matches if match.paper.id in signals]
    return heat_of(voted, signals, now, climate=climate)
