"""How is a curve drawn without a plotting library? Both axes logarithmic, as one small SVG."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, RIGHT, TOP = 720, 400, 70, 50, 200, 20
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
COLOURS = ("#0b57d0", "#b3261e", "#1a7f37", "#8250df", "#bf5700")


@dataclass(frozen=True, slots=True)
class Line:
    """A name, and points whose coordinates are above zero."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """From powers of ten to places on the paper."""

    low: int
    high: int
    begin: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], begin: float, end: float) -> "Axis":
        """Whole powers of ten around the values."""
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), begin, end)

    def place(self, value: float) -> float:
        """Where a value stands."""
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.begin + part * (self.end - self.begin), 1)

    @property
    def ticks(self) -> list[float]:
        """The powers of ten."""
        return [10.0**power for power in range(self.low, self.high + 1)]


def drawn(lines: Sequence[Line], *, across: str, up: str) -> str:
    """The whole picture."""
    points = [point for line in lines for point in line.points]
    x = Axis.of([point[0] for point in points], LEFT, WIDTH - RIGHT)
    y = Axis.of([point[1] for point in points], HEIGHT - BOTTOM, TOP)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    title = f"{escape(up)} by {escape(across)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_grid(x, y),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle"),
        f'<g transform="rotate(-90 16 {HEIGHT / 2})">{_text(16, HEIGHT / 2, up, anchor="middle")}</g>',
    ]
    for number, line in enumerate(lines):
        parts += _curve(line, x, y, COLOURS[number % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>", ""])


def _grid(x: Axis, y: Axis) -> Iterator[str]:
    for tick in x.ticks:
        at = x.place(tick)
        yield f'<path d="M{at} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>'
        yield _text(at, HEIGHT - BOTTOM + 18, f"{tick:,g}", anchor="middle")
    for tick in y.ticks:
        at = y.place(tick)
        yield f'<path d="M{LEFT} {at}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield _text(LEFT - 8, at + 4, f"{tick:,g}", anchor="end")


def _curve(line: Line, x: Axis, y: Axis, colour: str, number: int) -> Iterator[str]:
    places = [(x.place(a), y.place(b)) for a, b in line.points]
    path = " ".join(f"{a},{b}" for a, b in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (f'<circle cx="{a}" cy="{b}" r="3.5" fill="{colour}"/>' for a, b in places)
    at = TOP + 16 + number * 22
    yield f'<rect x="{WIDTH - RIGHT + 14}" y="{at - 9}" width="12" height="4" fill="{colour}"/>'
    yield _text(WIDTH - RIGHT + 32, at, line.name)


def _text(x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
