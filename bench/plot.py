"""Line plots with two logarithmic axes, as SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 720, 400, 70, 50, 200, 20
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
COLOURS = ("#0b57d0", "#b3261e", "#1a7f37", "#8250df", "#bf5700")


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line; coordinates of its points are above zero."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """Logarithmic mapping from values to positions."""

    low: int
    high: int
    begin: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], begin: float, end: float) -> "Axis":
        """Build an axis over whole powers of ten around the values."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), begin, end)

    def get_position(self, value: float) -> float:
        """Return the position of a value."""
        fraction = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + fraction * (self.end - self.begin), 1)

    @property
    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def draw_plot(curves: Sequence[Curve], *, x_label: str, y_label: str) -> str:
    """Return the plot as SVG text."""
    points = [point for curve in curves for point in curve.points]
    x = Axis.of([point[0] for point in points], LEFT, WIDTH - RIGHT)
    y = Axis.of([point[1] for point in points], HEIGHT - BOTTOM, TOP)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    title = f"{escape(y_label)} by {escape(x_label)}"
    y_title = _draw_text(16, HEIGHT / 2, y_label, anchor="middle")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_draw_grid(x, y),
        _draw_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, anchor="middle"),
        f'<g transform="rotate(-90 16 {HEIGHT / 2})">{y_title}</g>',
    ]
    for number, curve in enumerate(curves):
        parts += _draw_curve(curve, x, y, COLOURS[number % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>", ""])


def _draw_grid(x: Axis, y: Axis) -> Iterator[str]:
    for tick in x.ticks:
        position = x.get_position(tick)
        yield f'<path d="M{position} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        yield _draw_text(position, HEIGHT - BOTTOM + 18, f"{tick:,g}", anchor="middle")
    for tick in y.ticks:
        position = y.get_position(tick)
        yield f'<path d="M{LEFT} {position}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield _draw_text(LEFT - 8, position + 4, f"{tick:,g}", anchor="end")


def _draw_curve(curve: Curve, x: Axis, y: Axis, colour: str, number: int) -> Iterator[str]:
    positions = [(x.get_position(a), y.get_position(b)) for a, b in curve.points]
    path = " ".join(f"{a},{b}" for a, b in positions)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (f'<circle cx="{a}" cy="{b}" r="3.5" fill="{colour}"/>' for a, b in positions)
    y_position = TOP + 16 + number * 22
    yield f'<rect x="{WIDTH - RIGHT + 14}" y="{y_position - 9}" width="12" height="4" fill="{colour}"/>'
    yield _draw_text(WIDTH - RIGHT + 32, y_position, curve.name)


def _draw_text(x: float, y: float, text: str, *, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#222">{escape(text)}</text>'
