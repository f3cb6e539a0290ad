"""Tests of reading and escaping the rows of files."""

import json
import re
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.errors import InvalidChange
from digest.subscribers.importing import Row, UnreadableRow
from digest.subscribers.table_files import escape_formula, read_rows

FORMULA_CHARS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
SPLITS = re.compile(r"[;|\t\r\n]")  # where a spreadsheet splits that was told another delimiter


@given(cell=st.text(st.sampled_from(f"'\";|\n{FORMULA_CHARS}a, "), max_size=8))
def test_formulas_are_escaped_and_come_back_as_they_were(cell: str) -> None:
    escaped = escape_formula(cell)
    assert not escaped.startswith(tuple(FORMULA_CHARS))
    assert not any(part.lstrip(' "').startswith(tuple("=+-@\uff1d")) for part in SPLITS.split(escaped))
    escaped = escaped.replace('"', '""')
    [(_, row)] = read_rows(BytesIO(f'email,text\r\nada@example.com,"{escaped}"\r\n'.encode()))
    assert not isinstance(row, UnreadableRow)
    assert row["text"] == cell


@pytest.mark.parametrize("cell", ["wombats;=HYPERLINK(1)", "one\n+1", 'a;"=1"', "|@x", "a\t-1", "\uff1d1"])
def test_a_formula_inside_free_text_is_escaped(cell: str) -> None:
    assert escape_formula(cell).count("'") == 1
    assert escape_formula("one; two - three = 4") == "one; two - three = 4"


def read(content: str | bytes) -> list[Row]:
    return [*read_rows(BytesIO(content if isinstance(content, bytes) else content.encode()))]


ADA_AND_BOB = [{"email": "ada@example.com", "name": "Ada"}, {"email": "bob@example.com", "name": "Bob"}]


@pytest.mark.parametrize(
    "content",
    [
        "email,name\nada@example.com,Ada\nbob@example.com,Bob\n",
        "email;name\r\nada@example.com;Ada\r\nbob@example.com;Bob\r\n",
        "sep=;\r\nemail;name\r\nada@example.com;Ada\r\nbob@example.com;Bob\r\n",
        'SEP=|\n"email"|"name"\nada@example.com|Ada\nbob@example.com|Bob\n',
        "sep=\t\nemail\tname\nada@example.com\tAda\nbob@example.com\tBob",
        "\n \r\nemail,name\n\nada@example.com,Ada\n,\nbob@example.com,Bob,,\n",
        "\ufeff\u200bemail\u00a0, name\nada@example.com,Ada\nbob@example.com,Bob",
        json.dumps(ADA_AND_BOB),
        json.dumps(ADA_AND_BOB, indent=2),
        "\ufeff\n" + json.dumps(ADA_AND_BOB),
        json.dumps({"data": {"results": ADA_AND_BOB, "total": 2}}),
        json.dumps({"subscribers": ADA_AND_BOB}, indent=1),
        "\n".join(map(json.dumps, ADA_AND_BOB)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_file_is_read_as_people_have_it(content: str, encoding: str) -> None:
    if content.startswith("\ufeff") and encoding.startswith("utf-16"):
        content = content[1:]
    rows = [fields for _, fields in read(content.encode(encoding))]
    assert rows == ADA_AND_BOB


def test_rows_have_the_numbers_of_their_lines() -> None:
    assert [number for number, _ in read("email\nada@x.org\n\nbob@x.org")] == [2, 4]
    assert [number for number, _ in read("sep=,\nemail\nada@x.org\nbob@x.org")] == [3, 4]
    assert [number for number, _ in read('email,text\nada@x.org,"a\nb"\nbob@x.org,')] == [2, 4]
    assert [number for number, _ in read('["ada@x.org", "bob@x.org"]')] == [1, 2]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('email,name\nada@x.org,Ada\nbob@x.org,"Bob\ncy@x.org,Cy\n', "Line 3 "),
        ('email,name\n"ada@x.org,Ada\nbob@x.org,Bob\n', "Line 2 "),
        ('email,name\nada@x.org,"Ada\nbob@x.org,Bob"\ncy@x.org,Cy\n', "Line 2 "),
        ('email,name\nada@x.org,"Ada\nbob@x.org,"Bob"\n', "Line 2 "),
        ("name,shoe size\nAda,38\n", "it has name, shoe size"),
        ("work mail,private mail\na@x.org,b@x.org\n", "it has work mail, private mail"),
        ("email," + "a" * 1_100_000, "first line"),
        ("", "empty"),
        ("\n\n", "empty"),
        ('[{"email": "ada@x.org"},\n{"email": ]', "line 2 "),
        ('{\n"total": 0}', "no list of people"),
        ("[" * 100_000, "line 1 "),
    ],
)
def test_file_that_cannot_be_read_is_refused_with_its_line(content: str, reason: str) -> None:
    with pytest.raises(InvalidChange, match=reason):
        read(content)


def test_row_with_surplus_cells_is_refused_with_a_reason() -> None:
    [(_, ada), (_, bob)] = read("email,keywords\nada@x.org,machine learning, robotics\nbob@x.org,sheep\n")
    assert isinstance(ada, UnreadableRow)
    assert (ada.shown, "3 cells" in ada.reason) == ("ada@x.org", True)
    assert bob == {"email": "bob@x.org", "keywords": "sheep"}


def test_what_is_no_object_in_json_is_refused_with_a_reason() -> None:
    rows = [fields for _, fields in read('[{"email": "ada@x.org"}, "bob@x.org", 7, null]')]
    assert rows[:2] == [{"email": "ada@x.org"}, {"email": "bob@x.org"}]
    assert all(isinstance(row, UnreadableRow) for row in rows[2:])


people = st.lists(st.emails(), min_size=1, max_size=4)


@given(people, st.integers(0, 60), st.sampled_from('",\n;'))
def test_nobody_is_lost_in_silence_whatever_is_typed_into_a_file(
    addresses: list[str], place: int, char: str
) -> None:
    clean = "email,name\n" + "".join(
        f"{address},x\n" for address in addresses if not set(address) & set('",\n;')
    )
    damaged = clean[: place + 11] + char + clean[place + 11 :]
    try:
        rows = read(damaged)
    except InvalidChange:
        return
    assert len(rows) >= clean.count("\n") - 1
