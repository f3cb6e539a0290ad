"""Tests of what commands print: ages, JSON, and texts of others."""

import json
import re
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digest.cli import output
from digest.cli.output import format_age
from tests.factories import NOW
from tests.models.test_text import HOSTILE, STEERING


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(seconds=20), "now"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=3, minutes=20), "3 h ago"),
        (timedelta(days=3, hours=5), "3 days ago"),
        (-timedelta(minutes=90), "in 1 h"),
    ],
)
def test_age_is_given_in_its_largest_unit(age: timedelta, expected: str) -> None:
    assert format_age(NOW - age, NOW) == expected


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [StringIO, Terminal])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE | st.text())
def test_no_output_steers_the_terminal(
    stream: type[StringIO], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    out, err = stream(), stream()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)

    output.show_table(("paper",), [(text,)])
    output.show_table(("paper", "empty"), [], empty=text)
    output.show_json({text: [text]})
    output.show_line({text: [text]})
    output.echo(text)
    output.echo_err(text)
    with output.show_progress("reading") as progress:
        progress(text, 1, 2)

    ours = r"\x1b\[[\d;?]*[a-zA-Z]|\r" if stream is Terminal else r"(?<=paper)\t(?=empty\n)"
    for written in (out.getvalue(), err.getvalue()):
        assert not STEERING.search(re.sub(ours, "", written))


@given(text=HOSTILE)
def test_json_output_has_the_value_that_was_given(text: str) -> None:
    with redirect_stdout(StringIO()) as out:
        output.show_line({"title": text})
    assert json.loads(out.getvalue()) == {"title": text}
