"""Charts of a month as SVG, legible in light and dark mode, without a library."""

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
    """Mapping from values to positions."""

    left: float
    right: float
    bottom: float
    top: float

    def x(self, value: float) -> float:
        """Return the horizontal position of a value."""
        return LEFT + (value - self.left) / (self.right - self.left) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return the vertical position of a value."""
        return HEIGHT - BOTTOM - (value - self.bottom) / (self.top - self.bottom) * (HEIGHT - TOP - BOTTOM)


@dataclass(frozen=True, slots=True)
class Series:
    """One line of means with their intervals."""

    name: str
    css_class: str  # a class of STYLE
    values: Sequence[Estimate]


def draw_by_week(title: str, note: str, series: Sequence[Series], *, unit: str = "week") -> str:
    """Draw lines with bands from week to week."""
    last = len(series[0].values)
    highest = max(value.high for line in series for value in line.values)
    frame = Frame(0.8, last + 0.2, 0, _round_up(highest))
    parts = [*_draw_head(title, note), *_draw_grid(frame, _compute_ticks(frame.top))]
    parts += [_draw_text(frame.x(n), HEIGHT - 18, f"{unit} {n}", anchor="middle") for n in range(1, last + 1)]
    for line in series:
        parts += _draw_band(frame, line)
    parts += _draw_legend([(line.css_class, line.name) for line in series])
    return _wrap_svg(parts, title)


def draw_by_day(
    title: str, note: str, counts: Mapping[date, int], marks: Mapping[date, str], shaded: Sequence[date]
) -> str:
    """Draw a bar for each day, with marks above and days without announcements shaded."""
    days = list(counts)
    frame = Frame(0, len(days), 0, _round_up(max(counts.values()) * 1.3))
    parts = [*_draw_head(title, note)]
    step = frame.x(1) - frame.x(0)
    for index, day in enumerate(days):
        if day in shaded:
            parts.append(_draw_rect(frame.x(index), TOP, step, HEIGHT - TOP - BOTTOM, "shade"))
    parts += _draw_grid(frame, _compute_ticks(frame.top))
    for index, day in enumerate(days):
        css_class = "alarm" if day in marks else "one"
        parts.append(_draw_bar(frame, index, index + 1, counts[day], css_class))
        if day in marks:
            top = frame.y(counts[day]) - 6
            parts.append(
                _draw_text(frame.x(index + 0.5), top, marks[day], anchor="middle", css_class="alarm")
            )
        if index % 7 == 0:
            parts.append(_draw_text(frame.x(index), HEIGHT - 18, f"{day.day} {day:%b}"))
    return _wrap_svg(parts, title)


def draw_histogram(title: str, note: str, values: Sequence[float], *, width: float, limit: float) -> str:
    """Draw a histogram, with a line at the limit."""
    bins = round(_round_up(max([*values, limit * 1.15])) / width)
    counts = [sum(width * n <= value < width * (n + 1) for value in values) for n in range(bins)]
    frame = Frame(0, bins * width, 0, _round_up(max(counts)))
    parts = [*_draw_head(title, note), *_draw_grid(frame, _compute_ticks(frame.top))]
    for n, count in enumerate(counts):
        css_class = "one" if width * (n + 1) <= limit + 1e-9 else "alarm"
        parts.append(_draw_bar(frame, width * n, width * (n + 1), count, css_class))
    parts.append(_draw_line([(limit, 0), (limit, frame.top)], frame, "dashed why"))
    parts.append(_draw_text(frame.x(limit) + 6, TOP + 12, f"{limit:g} minutes", css_class="why"))
    parts += [
        _draw_text(frame.x(n), HEIGHT - 18, f"{n}", anchor="middle") for n in range(int(frame.right) + 1)
    ]
    return _wrap_svg(parts, title)


def draw_votes(title: str, note: str, rows: Sequence[tuple[str, str, Sequence[float]]]) -> str:
    """Draw every paper as a dot on a logarithmic scale, row by row, with the median of each row."""
    max_votes = max(max(values, default=1) for _, _, values in rows)
    frame = Frame(0, log2(max_votes + 1) * 1.04, 0, len(rows))
    ticks = [0, *(2**n for n in range(1, 12) if 2**n <= max_votes)]
    parts = [*_draw_head(title, note)]
    parts += [_draw_line([(log2(t + 1), 0), (log2(t + 1), frame.top)], frame, "grid") for t in ticks]
    parts += [_draw_text(frame.x(log2(t + 1)), HEIGHT - 18, f"{t:,}", anchor="middle") for t in ticks]
    for row, (name, css_class, values) in enumerate(reversed(rows)):
        parts += _draw_dots(frame, row, css_class, values)
        middle = median(values)
        parts.append(
            _draw_line(
                [(log2(middle + 1), row + 0.08), (log2(middle + 1), row + 0.74)], frame, f"line {css_class}"
            )
        )
        label = f"{name}: {len(values)}, median {middle:.0f}"
        parts.append(_draw_text(LEFT, frame.y(row + 0.86), label, css_class=css_class))
    return _wrap_svg(parts, title)


def _draw_dots(frame: Frame, row: int, css_class: str, values: Sequence[float]) -> Iterator[str]:
    """Spread the dots over the height of the row by the golden ratio, so that they do not overlap."""
    for index, value in enumerate(sorted(values)):
        height = row + 0.12 + 0.58 * (index * 0.618034 % 1)
        x, y = frame.x(log2(value + 1)), frame.y(height)
        yield f'<circle class="dot {css_class}" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'


def _draw_band(frame: Frame, series: Series) -> list[str]:
    points = list(enumerate(series.values, 1))
    outline = [(n, v.high) for n, v in points] + [(n, v.low) for n, v in reversed(points)]
    shape = " ".join(f"{frame.x(n):.1f},{frame.y(v):.1f}" for n, v in outline)
    marks = [
        f'<circle class="{series.css_class}" cx="{frame.x(n):.1f}" cy="{frame.y(v.mean):.1f}" r="3.5"/>'
        for n, v in points
    ]
    line = _draw_line([(n, v.mean) for n, v in points], frame, f"line {series.css_class}")
    return [f'<polygon class="band {series.css_class}" points="{shape}"/>', line, *marks]


def _draw_legend(entries: Sequence[tuple[str, str]]) -> list[str]:
    width = (WIDTH - LEFT - RIGHT) / max(1, len(entries))
    return [
        _draw_text(LEFT + 12 + index * width, HEIGHT - BOTTOM - 10, f"● {name}", css_class=css_class)
        for index, (css_class, name) in enumerate(entries)
    ]


def _draw_head(title: str, note: str) -> list[str]:
    return [_draw_text(16, 28, title, css_class="title"), _draw_text(16, 48, note)]


def _draw_grid(frame: Frame, steps: Sequence[float]) -> Iterator[str]:
    for step in steps:
        yield _draw_line([(frame.left, step), (frame.right, step)], frame, "grid" if step else "axis")
        yield _draw_text(LEFT - 8, frame.y(step) + 4, f"{step:g}", anchor="end")


def _draw_bar(frame: Frame, left: float, right: float, value: float, css_class: str) -> str:
    x, y = frame.x(left) + 1.5, frame.y(value)
    return _draw_rect(x, y, frame.x(right) - frame.x(left) - 3, HEIGHT - BOTTOM - y, f"bar {css_class}")


def _draw_rect(x: float, y: float, width: float, height: float, css_class: str) -> str:
    return f'<rect class="{css_class}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _draw_line(points: Sequence[tuple[float, float]], frame: Frame, css_class: str) -> str:
    path = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in points)
    return f'<polyline class="{css_class}" points="{path}"/>'


def _draw_text(x: float, y: float, text: str, *, anchor: str = "start", css_class: str = "") -> str:
    return f'<text class="{css_class}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _wrap_svg(parts: Sequence[str], title: str) -> str:
    content = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">\n  <style>{STYLE}</style>\n'
        f'  <rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>\n  {content}\n</svg>\n'
    )


def _round_up(value: float) -> float:
    """Return the next round number."""
    size: float = 10.0 ** (len(f"{int(value)}") - 1) if value >= 1 else 0.1
    return next(size * n for n in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10) if size * n >= value)


def _compute_ticks(top: float) -> list[float]:
    return [round(top * n / 4, 3) for n in range(5)]
