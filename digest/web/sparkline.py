"""How did the votes come in? A line of the size of a word, for web pages; mail gets none."""

from collections.abc import Sequence
from datetime import datetime

from markupsafe import Markup, escape

from digest.mail.locale import Locale, get_locale
from digest.mail.wording import NOUNS
from digest.models import Signal, SignalKind

WIDTH, HEIGHT, MARGIN = 96, 20, 2
ENGLISH = get_locale("en")


def sparkline(
    signals: Sequence[Signal], *, kind: SignalKind = SignalKind.UPVOTES, speech: Locale = ENGLISH
) -> Markup:
    """The growth of one count as inline SVG; its title says the same in words. Empty below two readings.

    The scale begins at 0, so that a steep line is a steep rise; colour and stroke come from the page.
    """
    readings = _one_source(signals, kind)
    if len({reading.observed_at for reading in readings}) < 2:
        return Markup()
    title = escape(_words(readings, speech))
    points = " ".join(f"{x:g},{y:g}" for x, y in _points(readings))
    return Markup(  # noqa: S704  the title is escaped, the points are numbers
        f'<svg class="sparkline" role="img" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}"><title>{title}</title>'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )


def _one_source(signals: Sequence[Signal], kind: SignalKind) -> list[Signal]:
    """The readings of the source that was read last, oldest first."""
    of_kind = sorted((each for each in signals if each.kind is kind), key=lambda each: each.observed_at)
    return [each for each in of_kind if each.source == of_kind[-1].source]


def _points(readings: Sequence[Signal]) -> list[tuple[float, float]]:
    start, end = readings[0].observed_at, readings[-1].observed_at
    most = max(1.0, *(reading.value for reading in readings))
    return [(_x(each.observed_at, start, end), _y(each.value / most)) for each in readings]


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return round(MARGIN + (WIDTH - 2 * MARGIN) * ((at - start) / (end - start)), 1)


def _y(part: float) -> float:
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * max(0.0, part), 1)


def _words(readings: Sequence[Signal], speech: Locale) -> str:
    """`from 3 upvotes on 22 Nov to 61 upvotes on 24 Nov`."""
    first, last = readings[0], readings[-1]
    told = {
        "first": speech.count(*NOUNS[first.kind], first.value),
        "day": speech.short_day(first.observed_at.date()),
        "last": speech.count(*NOUNS[last.kind], last.value),
        "today": speech.short_day(last.observed_at.date()),
    }
    return speech.say("from %(first)s on %(day)s to %(last)s on %(today)s") % told
