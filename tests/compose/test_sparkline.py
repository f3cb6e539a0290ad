"""The growth of votes as a picture of the size of a word, and the same in words."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from digest.compose.sparkline import HEIGHT, WIDTH, sparkline
from digest.model import SignalKind
from tests.house import paper, signal

ONE = paper()


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = sparkline([signal(ONE, 61), signal(ONE, 3, hours_ago=26), signal(ONE, 40, hours_ago=20)])
    svg = ET.fromstring(drawn)  # noqa: S314  our own
    title = svg.find("title")
    assert title is not None
    assert (title.text or "").replace(
        "\N{NO-BREAK SPACE}", " "
    ) == "from 3 upvotes on 22 Nov to 61 upvotes on 23 Nov"
    assert svg.attrib["role"] == "img"


def test_less_than_two_readings_draw_nothing() -> None:
    assert sparkline([]) == ""
    assert sparkline([signal(ONE, 5)]) == ""
    assert sparkline([signal(ONE, 5, hours_ago=2), signal(ONE, 5, kind=SignalKind.STARS)]) == ""


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 900)), min_size=2, max_size=30))
def test_every_point_is_inside_the_picture(readings: list[tuple[float, float]]) -> None:
    drawn = sparkline([signal(ONE, value, hours_ago=hours) for value, hours in readings])
    if not drawn:
        return
    line = ET.fromstring(drawn).find("polyline")  # noqa: S314  our own
    assert line is not None
    for point in line.attrib["points"].split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
