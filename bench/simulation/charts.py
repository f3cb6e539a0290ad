"""How does a month look? Small pictures as SVG, legible on light and dark paper, without a library."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from math import log2
from statistics import median

from digest.tools.evaluation.replay import Estimate

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 24, 64, 44
STYLE = """
    text { font: 13px -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; fill: #57606a }
    .title { font-size: 17px; font-weight: 600; fill: #1f2328 }
    .strong { fill: #1f2328; font-weight: 600 }
    .paper { fill: #ffffff } .grid { stroke: #d8dee4; stroke-width: 1 }
    .axis { stroke: #57606a; stroke-width: 1 }
    .one { fill: #0b57d0; stroke: #0b57d0 } .other { fill: #57606a; stroke: #57606a }
    .why { fill: #1a7f37; stroke: #1a7f37 } .alarm { fill: #b35900; stroke: #b35900 }
    .band { fill-opacity: .14; stroke: none } .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
    .bar, .dot { stroke: none } .dot { fill-opacity: .55 }
    .dashed { stroke-dasharray: 5 4; fill: none; stroke-width: 1.5 }
    .shade { fill: #57606a; fill-opacity: .09 }
    text.one, text.other, text.why, text.alarm { stroke: none; font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      text { fill: #9da7b3 } .title, .strong { fill: #e6edf3 } .paper { fill: #161b22 }
      .grid { stroke: #30363d } .axis { stroke: #9da7b3 } .shade { fill: #9da7b3 }
      .one { fill: #79b8ff; stroke: #79b8ff } .other { fill: #9da7b3; stroke: #9da7b3 }
      .why { fill: #56d364; stroke: #56d364 } .alarm { fill: #f0883e; stroke: #f0883e }
    }
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values lie on the paper."""

    left: float
    right: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        """The place of a value from left to right."""
        return LEFT + (value - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """The place of a value from bottom to top."""
        return HEIGHT - BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of means with their intervals."""

    name: str
    look: str  # a class of STYLE
    values: Sequence[Estimate]


def by_week(title: str, note: str, series: Sequence[Series], *, unit: str = "week") -> str:
    """Lines with bands from week to week."""
    last = len(series[0].values)
    highest = max(value.high for each in series for value in each.values)
    frame = Frame(0.8, last + 0.2, 0, _round_up(highest))
    parts = [*_head(title, note), *_rungs(frame, _steps(frame.top))]
    parts += [_text(frame.x(n), HEIGHT - 18, f"{unit} {n}", anchor="middle") for n in range(1, last + 1)]
    for each in series:
        parts += _band(frame, each)
    parts += _legend([(each.look, each.name) for each in series])
    return _svg(parts, title)


def by_day(
    title: str, note: str, counts: Mapping[date, int], marks: Mapping[date, str], shaded: Sequence[date]
) -> str:
    """A bar a day; what happened on it is written above, days of rest are shaded."""
    days = list(counts)
    frame = Frame(0, len(days), 0, _round_up(max(counts.values()) * 1.3))
    parts = [*_head(title, note)]
    step = frame.x(1) - frame.x(0)
    for place, day in enumerate(days):
        if day in shaded:
            parts.append(_rect(frame.x(place), TOP, step, HEIGHT - TOP - BOTTOM, "shade"))
    parts += _rungs(frame, _steps(frame.top))
    for place, day in enumerate(days):
        look = "alarm" if day in marks else "one"
        parts.append(_bar(frame, place, place + 1, counts[day], look))
        if day in marks:
            top = frame.y(counts[day]) - 6
            parts.append(_text(frame.x(place + 0.5), top, marks[day], anchor="middle", look="alarm"))
        if place % 7 == 0:
            parts.append(_text(frame.x(place), HEIGHT - 18, f"{day.day} {day:%b}"))
    return _svg(parts, title)


def histogram(title: str, note: str, values: Sequence[float], *, width: float, limit: float) -> str:
    """How many of the values lie where, with a line at the limit."""
    bins = round(_round_up(max([*values, limit * 1.15])) / width)
    counts = [sum(width * n <= value < width * (n + 1) for value in values) for n in range(bins)]
    frame = Frame(0, bins * width, 0, _round_up(max(counts)))
    parts = [*_head(title, note), *_rungs(frame, _steps(frame.top))]
    for n, count in enumerate(counts):
        look = "one" if width * (n + 1) <= limit + 1e-9 else "alarm"
        parts.append(_bar(frame, width * n, width * (n + 1), count, look))
    parts.append(_line([(limit, 0), (limit, frame.top)], frame, "dashed why"))
    parts.append(_text(frame.x(limit) + 6, TOP + 12, f"{limit:g} minutes", look="why"))
    parts += [_text(frame.x(n), HEIGHT - 18, f"{n}", anchor="middle") for n in range(int(frame.right) + 1)]
    return _svg(parts, title)


def votes(title: str, note: str, rows: Sequence[tuple[str, str, Sequence[float]]]) -> str:
    """Every paper a dot on a scale of doublings, row by row, with the median of each row."""
    most = max(max(values, default=1) for _, _, values in rows)
    frame = Frame(0, log2(most + 1) * 1.04, 0, len(rows))
    ticks = [0, *(2**n for n in range(1, 12) if 2**n <= most)]
    parts = [*_head(title, note)]
    parts += [_line([(log2(t + 1), 0), (log2(t + 1), frame.top)], frame, "grid") for t in ticks]
    parts += [_text(frame.x(log2(t + 1)), HEIGHT - 18, f"{t:,}", anchor="middle") for t in ticks]
    for row, (name, look, values) in enumerate(reversed(rows)):
        parts += _dots(frame, row, look, values)
        middle = median(values)
        parts.append(
            _line([(log2(middle + 1), row + 0.08), (log2(middle + 1), row + 0.74)], frame, f"line {look}")
        )
        label = f"{name}: {len(values)}, median {middle:.0f}"
        parts.append(_text(LEFT, frame.y(row + 0.86), label, look=look))
    return _svg(parts, title)


def _dots(frame: Frame, row: int, look: str, values: Sequence[float]) -> Iterator[str]:
    """Spread over the height of the row by the golden ratio, so that they do not hide each other."""
    for place, value in enumerate(sorted(values)):
        height = row + 0.12 + 0.58 * (place * 0.618034 % 1)
        x, y = frame.x(log2(value + 1)), frame.y(height)
        yield f'<circle class="dot {look}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'


def _band(frame: Frame, series: Series) -> list[str]:
    points = list(enumerate(series.values, 1))
    outline = [(n, v.high) for n, v in points] + [(n, v.low) for n, v in reversed(points)]
    shape = " ".join(f"{frame.x(n):.1f},{frame.y(v):.1f}" for n, v in outline)
    marks = [
        f'<circle class="{series.look}" cx="{frame.x(n):.1f}" cy="{frame.y(v.mean):.1f}" r="3.5"/>'
        for n, v in points
    ]
    line = _line([(n, v.mean) for n, v in points], frame, f"line {series.look}")
    return [f'<polygon class="band {series.look}" points="{shape}"/>', line, *marks]


def _legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(entries))
    return [
        _text(LEFT + 12 + place * wide, HEIGHT - BOTTOM - 10, f"● {name}", look=look)
        for place, (look, name) in enumerate(entries)
    ]


def _head(title: str, note: str) -> list[str]:
    return [_text(16, 28, title, look="title"), _text(16, 48, note)]


def _rungs(frame: Frame, steps: Sequence[float]) -> Iterator[str]:
    for step in steps:
        yield _line([(frame.left, step), (frame.right, step)], frame, "grid" if step else "axis")
        yield _text(LEFT - 8, frame.y(step) + 4, f"{step:g}", anchor="end")


def _bar(frame: Frame, left: float, right: float, value: float, look: str) -> str:
    x, y = frame.x(left) + 1.5, frame.y(value)
    return _rect(x, y, frame.x(right) - frame.x(left) - 3, HEIGHT - BOTTOM - y, f"bar {look}")


def _rect(x: float, y: float, width: float, height: float, look: str) -> str:
    return f'<rect class="{look}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _line(points: Sequence[tuple[float, float]], frame: Frame, look: str) -> str:
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    return f'<polyline class="{look}" points="{path}"/>'


def _text(x: float, y: float, words: str, *, anchor: str = "start", look: str = "") -> str:
    return f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _svg(parts: Sequence[str], title: str) -> str:
    inside = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">\n  <style>{STYLE}</style>\n'
        f'  <rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>\n  {inside}\n</svg>\n'
    )


def _round_up(value: float) -> float:
    """The next number that people count by."""
    size: float = 10.0 ** (len(f"{int(value)}") - 1) if value >= 1 else 0.1
    return next(size * n for n in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if size * n >= value)


def _steps(top: float) -> list[float]:
    return [round(top * n / 4, 3) for n in range(5)]
