"""Sparklines: the growth of a vote count as a small inline SVG, for web pages only."""

from collections.abc import Sequence

from markupsafe import Markup, escape

from digest.mail.locale import Locale, get_locale
from digest.mail.wording import SIGNAL_NOUNS
from digest.models import Signal, SignalKind

WIDTH, HEIGHT, MARGIN = 96, 20, 2
ENGLISH = get_locale("en")


def sparkline(signals: Sequence[Signal], *, locale: Locale = ENGLISH) -> Markup:
    """Return the growth of the votes as inline SVG with a title that says it in words.

    Empty if they were observed less than twice. The scale begins at 0; the colour comes from the page.
    """
    signals = _select_latest_source(signals)
    if len({signal.observed_at for signal in signals}) < 2:
        return Markup()
    title = escape(_describe(signals, locale))
    points = " ".join(f"{x:g},{y:g}" for x, y in _to_points(signals))
    return Markup(  # noqa: S704  the title is escaped, the points are numbers
        f'<svg class="sparkline" role="img" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}"><title>{title}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _select_latest_source(signals: Sequence[Signal]) -> list[Signal]:
    """Return the votes at the source that was read last, oldest first."""
    votes = sorted((s for s in signals if s.kind is SignalKind.UPVOTES), key=lambda s: s.observed_at)
    return [signal for signal in votes if signal.source == votes[-1].source]


def _to_points(signals: Sequence[Signal]) -> list[tuple[float, float]]:
    start, end = signals[0].observed_at, signals[-1].observed_at
    highest = max(1.0, *(signal.value for signal in signals))
    return [
        (
            round(MARGIN + (WIDTH - 2 * MARGIN) * ((signal.observed_at - start) / (end - start)), 1),
            round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * max(0.0, signal.value / highest), 1),
        )
        for signal in signals
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
