"""Sparklines: their points, and the title that says the same in words."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from digest.models import SignalKind
from digest.web.sparkline import HEIGHT, WIDTH, sparkline
from tests.factories import make_paper, make_signal

ONE = make_paper()


def test_the_title_says_in_words_what_is_drawn() -> None:
    svg_text = sparkline(
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
    assert sparkline([]) == ""
    assert sparkline([make_signal(ONE, 5)]) == ""
    assert sparkline([make_signal(ONE, 5, hours_ago=2), make_signal(ONE, 5, kind=SignalKind.STARS)]) == ""


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
    assert parse_points(sparkline(grown)) == [(2, 18), (32.7, 7.3), (94, 2)]
    assert parse_points(sparkline(grown[1:])) == [(2, 7.3), (94, 2)]


def test_a_count_of_zero_is_a_line_along_the_bottom_and_one_vote_is_the_top() -> None:
    assert parse_points(sparkline([make_signal(ONE, 0, hours_ago=9), make_signal(ONE, 0)])) == [
        (2, 18),
        (94, 18),
    ]
    assert parse_points(sparkline([make_signal(ONE, 0, hours_ago=9), make_signal(ONE, 1)])) == [
        (2, 18),
        (94, 2),
    ]


def test_only_the_source_that_was_read_last_is_drawn() -> None:
    other = [make_signal(ONE, 9, hours_ago=hours, source="alphaxiv") for hours in (9, 5)]
    own = [make_signal(ONE, value, hours_ago=3 - value) for value in (1, 2)]
    assert sparkline([*own, *other]) == sparkline(own)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 900)), min_size=2, max_size=30))
def test_every_point_is_inside_the_picture(counts: list[tuple[float, float]]) -> None:
    svg = sparkline([make_signal(ONE, value, hours_ago=hours) for value, hours in counts])
    if not svg:
        return
    line = ET.fromstring(svg).find("polyline")  # noqa: S314  our own
    assert line is not None
    for point in line.attrib["points"].split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
