"""The growth of votes as a picture of the size of a word, and the same in words."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from digest.models import SignalKind
from digest.web.sparkline import HEIGHT, WIDTH, sparkline
from tests.factories import paper, signal

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


def points(drawn: str) -> list[tuple[float, ...]]:
    line = ET.fromstring(drawn).find("polyline")  # noqa: S314  our own
    assert line is not None
    return [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]


def test_the_picture_is_filled_from_edge_to_edge_and_begins_at_no_votes() -> None:
    grown = [signal(ONE, 0, hours_ago=9), signal(ONE, 20, hours_ago=6), signal(ONE, 30, hours_ago=0)]
    assert points(sparkline(grown)) == [(2, 18), (32.7, 7.3), (94, 2)]
    assert points(sparkline(grown[1:])) == [(2, 7.3), (94, 2)]


def test_a_count_that_stays_at_nothing_is_a_line_along_the_bottom_and_one_vote_is_the_top() -> None:
    assert points(sparkline([signal(ONE, 0, hours_ago=9), signal(ONE, 0)])) == [(2, 18), (94, 18)]
    assert points(sparkline([signal(ONE, 0, hours_ago=9), signal(ONE, 1)])) == [(2, 18), (94, 2)]


def test_only_the_source_that_was_read_last_is_drawn() -> None:
    other = [signal(ONE, 9, hours_ago=hours, source="alphaxiv") for hours in (9, 5)]
    own = [signal(ONE, value, hours_ago=3 - value) for value in (1, 2)]
    assert sparkline([*own, *other]) == sparkline(own)


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
