"""What is exported can be imported again, to the last wish of every reader."""

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, time
from typing import Any, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.cli.subscribers.export import COLUMNS, write_csv, write_lines
from digest.db import Database
from digest.models import Facet, Frequency, LikedPaper, Mix, Status, Subscriber, Threshold
from digest.models.errors import InvalidChange
from digest.subscribers import Actor
from digest.subscribers.importing import take_in
from digest.subscribers.table_files import rows_of
from digest.subscribers.validation import changed
from tests.factories import NOW, subscriber

BY = Actor(actor="cli:test", now=NOW, suppression_key=b"pepper")
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
odd = st.sampled_from(["=1+1", "'=1", "''@x", "[optics", '["a"]', "a, b", "x;y", "- dashes", "'tis", "", " "])
text = words | odd
lists = st.lists(text, max_size=4)
likings = st.lists(st.builds(LikedPaper, text, text, words), max_size=3)
wishes = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("keywords", "muted", "authors", "affiliations", "categories"), lists),
        "text": text,
        "liked": likings,
        "disliked": likings,
        "learnt": st.lists(st.tuples(words, st.floats(-1, 1)), max_size=3),
        "facets": st.lists(st.builds(Facet, words, st.lists(words).map(tuple)), max_size=2),
        "timezone": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
        "send_at": st.times().map(lambda at: time(at.hour, at.minute)),
        "frequency": st.sampled_from(Frequency),
        "weekday": st.integers(0, 6),
        "paused_until": st.none() | st.dates(date(2026, 1, 1), date(2030, 1, 1)),
        "mix": st.sampled_from(Mix),
        "trending": st.integers(0, 20),
        "picked": st.integers(0, 40),
        "also_new": st.integers(0, 60),
        "threshold": st.sampled_from(Threshold),
        "language": st.sampled_from(["en", "de", "zh"]),
        "empty_day_note": st.booleans(),
        "clicks_may_teach": st.booleans(),
    },
)


def _asking(wishes: dict[str, Any], status: Status) -> Subscriber:
    try:
        reader = changed(subscriber(address="ada@example.com"), wishes)
    except InvalidChange:  # the random text was no wish: not ours to export
        reader = subscriber(address="ada@example.com")
    return replace(reader, status=status)


@pytest.mark.parametrize("write", [write_csv, write_lines])
@given(wishes=wishes, status=st.sampled_from(Status))
def test_an_export_imported_elsewhere_is_the_same_reader(
    store: Database,
    write: Callable[[Iterable[Subscriber], TextIO], int],
    wishes: dict[str, Any],
    status: Status,
) -> None:
    reader, file = _asking(wishes, status), io.StringIO(newline="")
    assert write([reader], file) == 1
    rows = list(rows_of(io.BytesIO(file.getvalue().encode())))
    with store.begin(keep=False) as tx:
        (outcome,) = take_in(tx, rows, by=BY, confirmed=True)
        assert outcome.note == ""
        again = tx.subscribers.by_address("ada@example.com")
    assert again.profile == reader.profile
    assert again.schedule == reader.schedule
    assert again.preferences == reader.preferences
    assert again.status is status


def test_everything_a_reader_chose_has_a_column() -> None:
    chosen = ("keywords", "liked", "weekday", "affiliations", "language", "trending", "paused_until")
    assert {"email", "status", *chosen} <= set(COLUMNS)
