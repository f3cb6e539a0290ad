"""Tests of `digest subscribers export`: importing an export restores every setting."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database, Transaction
from digest.models import Facet, Frequency, LikedPaper, Mix, Status, Subscriber, Threshold
from digest.models.errors import InvalidChange
from digest.subscribers import Actor
from digest.subscribers.importing import import_rows
from digest.subscribers.table_files import read_rows
from digest.subscribers.transfer import COLUMNS, check_file, export_csv, export_json_lines
from digest.subscribers.validation import apply_changes
from tests.factories import NOW, make_subscriber

ACTOR = Actor(name="cli:test", now=NOW, suppression_key=b"pepper")
plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
odd_text = st.sampled_from(
    ["=1+1", "'=1", "''@x", "[optics", '["a"]', "a, b", "x;y", "- dashes", "'tis", "", " "]
)
text = plain_text | odd_text
lists = st.lists(text, max_size=4)
liked_papers = st.lists(st.builds(LikedPaper, text, text, plain_text), max_size=3)
changes = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("keywords", "muted", "authors", "affiliations", "categories"), lists),
        "text": text,
        "liked": liked_papers,
        "disliked": liked_papers,
        "learnt": st.lists(st.tuples(plain_text, st.floats(-1, 1)), max_size=3),
        "facets": st.lists(st.builds(Facet, plain_text, st.lists(plain_text).map(tuple)), max_size=2),
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
        "news": st.booleans(),
    },
)


def _make_reader(changes: dict[str, Any], status: Status) -> Subscriber:
    try:
        reader = apply_changes(make_subscriber(address="ada@example.com"), changes)
    except InvalidChange:  # the random text is no valid setting
        reader = make_subscriber(address="ada@example.com")
    return replace(reader, status=status)


def _erase_all(tx: Transaction) -> None:
    for reader in tx.subscribers.list_after():
        tx.subscribers.erase(reader.id, now=NOW)


@pytest.mark.parametrize("export", [export_csv, export_json_lines])
@given(changes=changes, status=st.sampled_from(Status), tags=st.lists(st.sampled_from(["lab", "a b"])))
def test_export_and_import_restore_the_same_reader(
    store: Database,
    export: Callable[[Database], Iterator[str]],
    changes: dict[str, Any],
    status: Status,
    tags: list[str],
) -> None:
    reader = _make_reader(changes, status)
    with store.begin() as tx:
        _erase_all(tx)
        tx.subscribers.add_many([reader])
        tx.tags.add_by_public_id({reader.public_id: tuple(tags)})
    file = io.BytesIO("".join(export(store)).encode())
    assert check_file(file) == []
    with store.begin(commit=False) as tx:
        _erase_all(tx)
        (result,) = import_rows(tx, list(read_rows(file)), actor=ACTOR, confirmed=True)
        notes = {
            Status.UNSUBSCRIBED: "Taken for unsubscribed: status “unsubscribed”.",
            Status.UNCONFIRMED: "Taken for unconfirmed, and not asked to confirm: status “unconfirmed”.",
        }
        assert result.note == notes.get(status, "")
        imported = tx.subscribers.get_by_address("ada@example.com")
        assert set(tx.tags.count()) == set(tags)
    assert imported.profile == reader.profile
    assert imported.schedule == reader.schedule
    assert imported.preferences == reader.preferences
    assert imported.status is status


def test_every_setting_has_a_column() -> None:
    chosen = ("keywords", "liked", "weekday", "affiliations", "language", "trending", "paused_until")
    assert {"email", "status", *chosen} <= set(COLUMNS)


def test_each_row_of_json_may_name_its_address_otherwise() -> None:
    file = io.BytesIO(b'{"email": "a@example.com", "shoe": 1}\n{"mail": "b@example.com", "hat": 2}\n')
    assert check_file(file) == ["shoe", "hat"]
    assert check_file(io.BytesIO(b"email,mail\na@example.com,b@example.com\n")) == ["mail"]
