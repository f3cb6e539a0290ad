"""Tests of the charts: what is drawn, what is said in words, and the table behind."""

import re
from datetime import date, timedelta

from digest.web.charts import BAD, Series, build_bar_chart, build_line_chart

DAYS = [date(2026, 11, 21) + timedelta(days=n) for n in range(3)]


def test_bars_stand_on_each_other_and_the_highest_day_fills_the_chart() -> None:
    chart = build_bar_chart("Mails", DAYS, [Series("sent", [3, None, 0]), Series("lost", [1, 2, 0], BAD)])
    bars = re.findall(
        r'<rect class="(\w+)" x="[\d.]+" y="([\d.]+)" width="150.0" height="([\d.]+)"/>', chart.svg
    )
    assert bars == [("s1", "30.0", "90.0"), ("s3", "0.0", "30.0"), ("s3", "60.0", "60.0")]
    assert chart.rows == [
        (DAYS[2], ["0", "0"]),
        (DAYS[1], ["–", "2"]),
        (DAYS[0], ["3", "1"]),
    ]
    assert chart.summary == "Mails, 3 days: at most 4 a day; 0 sent today, 0 lost today."


def test_a_line_skips_days_without_a_figure_and_needs_no_figure_at_all() -> None:
    chart = build_line_chart("A & B", DAYS, Series("papers", [None, 2.55, 5]), decimals=1)
    assert '<polyline class="line" points="300.0,58.8 500.0,1.0"/>' in chart.svg
    assert "A &amp; B" in chart.svg
    assert chart.highest == "5.0"
    empty = build_line_chart("None", DAYS, Series("papers", [None] * 3))
    assert "polyline" not in empty.svg
    assert build_bar_chart("None", [], []).rows == []
