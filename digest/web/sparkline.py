"""Sparklines: the growth of a vote count as a small inline SVG, for web pages only."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from markupsafe import Markup, escape

from digest.mail.locale import Locale
from digest.mail.wording import SIGNAL_NOUNS
from digest.models import Signal, SignalKind

WIDTH, HEIGHT, MARGIN = 96, 20, 2


def sparkline(signals: Sequence[Signal], listed: date | None, locale: Locale) -> Markup:
    """Return the growth of the votes as inline SVG with a title that says it in words.

    Empty if they were observed less than twice. The line begins at 0 votes when the paper was *listed*: the
    reasons count its age from there, and a sudden rise would look flat without it. The colour is the page's.
    """
    signals = _select_latest_source(signals)
    if len({signal.observed_at for signal in signals}) < 2:
        return Markup()
    points = " ".join(f"{x:g},{y:g}" for x, y in _to_points(signals, listed))
    return Markup(  # noqa: S704  the title is escaped, the points are numbers
        f'<svg class="sparkline" role="img" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}"><title>{escape(_describe(signals, locale))}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _select_latest_source(signals: Sequence[Signal]) -> list[Signal]:
    """Return the votes at the source that was read last, oldest first."""
    votes = sorted((s for s in signals if s.kind is SignalKind.UPVOTES), key=lambda s: s.observed_at)
    return [signal for signal in votes if signal.source == votes[-1].source]


def _to_points(signals: Sequence[Signal], listed: date | None) -> list[tuple[float, float]]:
    counts = [(signal.observed_at, signal.value) for signal in signals]
    if listed and (start := datetime.combine(listed, time(), UTC)) < counts[0][0]:
        counts.insert(0, (start, 0.0))
    start, end, highest = counts[0][0], counts[-1][0], max(1.0, *(value for _, value in counts))
    return [
        (
            round(MARGIN + (WIDTH - 2 * MARGIN) * ((at - start) / (end - start)), 1),
            round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * max(0.0, value / highest), 1),
        )
        for at, value in counts
    ]


def _describe(signals: Sequence[Signal], locale: Locale) -> str:
    """Return a text like `from 3 upvotes on 22 Nov to 61 upvotes on 24 Nov`."""
    first, last = signals[0], signals[-1]
    fields = {
        "first": locale.format_count(*SIGNAL_NOUNS[first.kind], first.value),
        "day": locale.format_short_day(first.observed_at.date()),
        "last": locale.format_count(*SIGNAL_NOUNS[last.kind], last.value),
        "today": locale.format_short_day(last.observed_at.date()),
    }
    return locale.gettext("from %(first)s on %(day)s to %(last)s on %(today)s") % fields
