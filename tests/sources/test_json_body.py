"""Tests of JSON that is broken: what is repaired, and what costs one item."""

import json
from contextlib import suppress
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.errors import SourceChanged
from digest.sources.json_body import JsonDocument, load_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=5), values, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_well_formed_json_is_read_as_it_is(value: object) -> None:
    assert load_json(json.dumps(value).encode()) == JsonDocument(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a\nb\tc\x01"]', ["a\nb\tc\x01"]),
        (r'["\alpha \\beta \u00e9 \u12"]', ["\\alpha \\beta é \\u12"]),
        ('[1, {"a": 2,},]', [1, {"a": 2}]),
        ('["a,]", 1,]', ["a,]", 1]),
    ],
)
def test_what_services_write_wrongly_is_repaired_and_noted(text: str, value: object) -> None:
    assert load_json(text.encode()) == JsonDocument(value, "Its JSON was repaired.")


@pytest.mark.parametrize("before", ["\ufeff", "\n ", ")]}',\n", "while(1);"])
def test_what_stands_before_the_value_is_left_out(before: str) -> None:
    assert load_json((before + "[1]\0\n").encode()).value == [1]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_encoding_is_recognised(encoding: str) -> None:
    assert load_json('["Łódź"]'.encode(encoding)).value == ["Łódź"]


def test_stray_byte_costs_one_letter() -> None:
    document = load_json(b'["caf\xe9", "\xc5\x82"]')
    assert document == JsonDocument(["café", "ł"], "1 of its bytes are in no known encoding.")


def test_number_of_any_length_costs_no_document() -> None:
    assert load_json(b"[1, " + b"9" * 10_000 + b"]").value[0] == 1


def test_broken_items_cost_themselves_only() -> None:
    items = [
        '{"id": 1, "t": "a"}',
        '{"id": 2, "t": "the "best" wool"}',
        '{"id": 3, "t": {"id": 9}}',
        '{"id": 4',
    ]
    text = '{"messages": [{"id": 0}], "rows": [' + ", ".join(items)
    document = load_json(text.encode(), items_key="rows")
    assert document.value == {"rows": [{"id": 1, "t": "a"}, None, {"id": 3, "t": {"id": 9}}, None]}
    assert document.note == "Its JSON is broken and was read item by item."


def test_list_without_a_key_is_read_item_by_item() -> None:
    assert load_json(b'[{"id": 1}, {"id" 2}, {"id": 3}', items_key="").value == [{"id": 1}, {"id": 3}]


@pytest.mark.parametrize("body", [b"", b"wool", b"<html>", b"[", b'{"rows": [', b"[" * 100_000, b'[{"a": "'])
def test_other_body_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged, match="not JSON"):
        load_json(body, items_key="rows")


@given(st.text(alphabet='[]{}",:\\ab1 \n\x00', max_size=60), st.sampled_from([None, "", "a"]))
def test_any_text_is_read_or_source_changed(text: str, key: str | None) -> None:
    with suppress(SourceChanged):
        assert isinstance(load_json(text.encode(), items_key=key), JsonDocument)


@pytest.mark.parametrize("unit", ['{"a":"', '{"a":', '\\"', '"', "[", '{"a":1},', ","])
def test_time_is_linear_in_hostile_text(unit: str) -> None:
    started = perf_counter()
    with pytest.raises(SourceChanged):
        load_json(f"[{unit * 50_000}".encode())
    assert perf_counter() - started < 5
