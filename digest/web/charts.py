"""Charts of figures by day as inline SVG, without scripts or inline styles: the stylesheet colours them.

A chart shows the course; the table behind it (`templates/web/admin/parts.html`) holds the numbers. The SVG is
stretched to the width of the page, so labels are HTML beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

WIDTH, HEIGHT = 600, 120  # user units
GAP = 0.25  # between bars, as a share of the width of a day
GOOD, NEUTRAL, BAD = "s2", "s1", "s3"  # classes of the stylesheet
Figure = int | float | None


@dataclass(frozen=True, slots=True)
class Series:
    """The figures of one name, a number for each day; None where nobody counted."""

    label: str
    values: Sequence[Figure]
    colour: str = NEUTRAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with what stands beside it, and the rows of its table."""

    title: str
    days: Sequence[date]
    series: Sequence[Series]
    svg: Markup
    highest: str  # the label of the upper line
    summary: str  # what the chart shows, in words
    decimals: int = 0

    @property
    def rows(self) -> list[tuple[date, list[str]]]:
        """The days of the table, newest first."""
        columns = [[_format(value, self.decimals) for value in series.values] for series in self.series]
        rows = [(day, [column[number] for column in columns]) for number, day in enumerate(self.days)]
        return rows[::-1]


def build_bar_chart(title: str, days: Sequence[date], series: Sequence[Series]) -> Chart:
    """Return a chart with one bar for each day, the series on top of each other."""
    highest = max((sum(item.values[n] or 0 for item in series) for n in range(len(days))), default=0)
    step = WIDTH / max(1, len(days))
    bars = []
    for number in range(len(days)):
        top = float(HEIGHT)
        for item in series:
            height = (item.values[number] or 0) / max(1, highest) * HEIGHT
            top -= height
            if height:
                bars.append(
                    f'<rect class="{item.colour}" x="{number * step + step * GAP / 2:.1f}" '
                    f'y="{top:.1f}" width="{step * (1 - GAP):.1f}" height="{max(height, 1):.1f}"/>'
                )
    return _build(title, days, series, "".join(bars), float(highest), decimals=0)


def build_line_chart(title: str, days: Sequence[date], series: Series, *, decimals: int = 0) -> Chart:
    """Return a chart with a line through the days that have a figure; it begins at zero."""
    highest = max((value for value in series.values if value is not None), default=0)
    step = WIDTH / max(1, len(days))
    points = [
        (number * step + step / 2, HEIGHT - value / (highest or 1) * (HEIGHT - 2) - 1)
        for number, value in enumerate(series.values)
        if value is not None
    ]
    if len(points) == 1:  # a line of one point would be invisible
        points = [(points[0][0] - step / 2, points[0][1]), (points[0][0] + step / 2, points[0][1])]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    area = f"{points[0][0]:.1f},{HEIGHT} {line} {points[-1][0]:.1f},{HEIGHT}" if points else ""
    marks = (
        f'<polygon class="area" points="{area}"/><polyline class="line" points="{line}"/>' if points else ""
    )
    return _build(title, days, [series], marks, float(highest), decimals=decimals)


def _build(  # noqa: PLR0913  the parts of a chart
    title: str, days: Sequence[date], series: Sequence[Series], marks: str, highest: float, *, decimals: int
) -> Chart:
    parts = [
        f"{_format(item.values[-1], decimals)} {item.label} today" for item in series if len(item.values)
    ]
    summary = f"{title}, {len(days)} days: at most {_format(highest, decimals)} a day; {', '.join(parts)}."
    svg = Markup(  # noqa: S704  the summary is escaped, the marks are numbers
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f"<title>{escape(summary)}</title>"
        f'<path class="grid" d="M0 0H{WIDTH}M0 {HEIGHT // 2}H{WIDTH}M0 {HEIGHT}H{WIDTH}"/>{marks}</svg>'
    )
    return Chart(
        title=title,
        days=days,
        series=series,
        svg=svg,
        highest=_format(highest, decimals),
        summary=summary,
        decimals=decimals,
    )


def _format(value: Figure, decimals: int) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"
