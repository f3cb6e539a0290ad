"""Sparklines: their points, and the title that says the same in words."""

from collections.abc import Sequence
from datetime import date, timedelta
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from digest.mail.locale import get_locale
from digest.models import Signal, SignalKind
from digest.web.sparkline import HEIGHT, WIDTH, sparkline
from tests.factories import NOW, make_paper, make_signal

ONE = make_paper()


def draw(signals: Sequence[Signal], listed: date | None = None) -> str:
    return sparkline(signals, listed, get_locale("en"))


def test_the_title_says_in_words_what_is_drawn() -> None:
    svg_text = draw(
        [make_signal(ONE, 61), make_signal(ONE, 3, hours_ago=26), make_signal(ONE, 40, hours_ago=20)]
    )
    svg = ET.fromstring(svg_text)  # noqa: S314  our own
    title = svg.find("title")
    assert title is not None
    assert (title.text or "").replace(
        "\N{NO-BREAK SPACE}", " "
    ) == "from 3 upvotes on 22 Nov to 61 upvotes on 23 Nov"
    assert svg.attrib["role"] == "img"


def test_less_than_two_observations_draw_nothing() -> None:
    assert draw([]) == ""
    assert draw([make_signal(ONE, 5)]) == ""
    assert draw([make_signal(ONE, 5, hours_ago=2), make_signal(ONE, 5, kind=SignalKind.STARS)]) == ""


def parse_points(svg: str) -> list[tuple[float, ...]]:
    line = ET.fromstring(svg).find("polyline")  # noqa: S314  our own
    assert line is not None
    return [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]


def test_the_line_reaches_from_edge_to_edge_and_the_scale_begins_at_zero() -> None:
    grown = [
        make_signal(ONE, 0, hours_ago=9),
        make_signal(ONE, 20, hours_ago=6),
        make_signal(ONE, 30, hours_ago=0),
    ]
    assert parse_points(draw(grown)) == [(2, 18), (32.7, 7.3), (94, 2)]
    assert parse_points(draw(grown[1:])) == [(2, 7.3), (94, 2)]


def test_the_line_rises_from_zero_on_the_day_of_listing() -> None:
    sudden = [make_signal(ONE, 63, hours_ago=1), make_signal(ONE, 65)]
    before, after = NOW.date() - timedelta(days=1), NOW.date() + timedelta(days=1)

    assert parse_points(draw(sudden)) == [(2, 2.5), (94, 2)]
    assert parse_points(draw(sudden, before)) == [(2, 18), (91.3, 2.5), (94, 2)]
    assert draw(sudden, after) == draw(sudden)  # counted before it was listed


def test_a_count_of_zero_is_a_line_along_the_bottom_and_one_vote_is_the_top() -> None:
    assert parse_points(draw([make_signal(ONE, 0, hours_ago=9), make_signal(ONE, 0)])) == [
        (2, 18),
        (94, 18),
    ]
    assert parse_points(draw([make_signal(ONE, 0, hours_ago=9), make_signal(ONE, 1)])) == [
        (2, 18),
        (94, 2),
    ]


def test_only_the_source_that_was_read_last_is_drawn() -> None:
    other = [make_signal(ONE, 9, hours_ago=hours, source="alphaxiv") for hours in (9, 5)]
    own = [make_signal(ONE, value, hours_ago=3 - value) for value in (1, 2)]
    assert draw([*own, *other]) == draw(own)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 900)), min_size=2, max_size=30))
def test_every_point_is_inside_the_picture(counts: list[tuple[float, float]]) -> None:
    svg = draw([make_signal(ONE, value, hours_ago=hours) for value, hours in counts])
    if not svg:
        return
    line = ET.fromstring(svg).find("polyline")  # noqa: S314  our own
    assert line is not None
    for point in line.attrib["points"].split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
