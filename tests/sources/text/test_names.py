"""Tests of lists of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.sources.text.names import invert_name, split_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Wolle, Ada", ["Ada Wolle"]),
        ("Wolle, Ada M.", ["Ada M. Wolle"]),
        ("van der Wolle, Ada", ["Ada van der Wolle"]),
        ("Lana Pura, Ada", ["Ada Lana Pura"]),
        ("Wolle, Ada, Jr.", ["Ada Wolle Jr."]),
        ("Wolle Jr., Ada", ["Ada Wolle Jr."]),
        ("Ada Wolle, Jr.", ["Ada Wolle Jr."]),
        ("Ada Wolle, III, Bo Chen", ["Ada Wolle III", "Bo Chen"]),
        ("Ada Wolle, Ph.D.", ["Ada Wolle"]),
        ("Ada Wolle, M.P.H.", ["Ada Wolle"]),
        ("Ada Wolle, MD MPH, Bo Chen, Ph. D., FACP", ["Ada Wolle", "Bo Chen"]),
        ("Wolle, MA", ["MA Wolle"]),
        ("Wolle, Mba", ["Mba Wolle"]),
        (
            "Ada Wolle (Wool University, Wales), Bo Chen (MIT) and Carol White",
            ["Ada Wolle", "Bo Chen", "Carol White"],
        ),
        ("Ada (Addie) Wolle, Bo Chen", ["Ada (Addie) Wolle", "Bo Chen"]),
        ("Ada Wolle¹, Bo Chen²,³*", ["Ada Wolle", "Bo Chen"]),
        ("BetÃ¼l Ã¶z, SÃ³l Poe", ["BetÃ¼l Ã¶z", "SÃ³l Poe"]),
        ("张伟, 李娜", ["张伟", "李娜"]),
        ("张伟，李娜、王芳", ["张伟", "李娜", "王芳"]),
        ("Ada Wolle, Bo Chen", ["Ada Wolle", "Bo Chen"]),
        ("Wolle, A., Chen, B.", ["A. Wolle", "B. Chen"]),
        ("Wolle, Ada; Chen, Bo, Jr.", ["Ada Wolle", "Bo Chen Jr."]),
        ("Ada Wolle, Bo Chen, and Carol White", ["Ada Wolle", "Bo Chen", "Carol White"]),
        ("Wolle, Ada and Chen, Bo", ["Ada Wolle", "Bo Chen"]),
        ("Ada Wolle & Bo Chen", ["Ada Wolle", "Bo Chen"]),
        ("By Ada Wolle et al.", ["Ada Wolle"]),
        ("Plato, Kant, Hume", ["Plato", "Kant", "Hume"]),
        ("ada@wool.example (Ada Wolle)", ["Ada Wolle"]),
        ("Ada Wolle <ada@wool.example>", ["Ada Wolle"]),
        ("ada@wool.example", []),
        (" ; , ", []),
    ],
)
def test_list_is_split_into_people(text: str, names: list[str]) -> None:
    assert split_names(text, is_list=True) == names


def test_one_of_many_creators_is_one_person() -> None:
    assert split_names("Lana Pura, Ada Maria", is_list=False) == ["Ada Maria Lana Pura"]


@given(st.text(alphabet="abAB ,;.&@()<>\n-Jr", max_size=60), st.booleans())
def test_any_text_gives_names_that_are_not_empty(text: str, is_list: bool) -> None:  # noqa: FBT001  a strategy
    assert all(name.strip() for name in split_names(text, is_list=is_list))


@given(st.text(alphabet="abc XY", max_size=20))
def test_name_without_commas_stays(text: str) -> None:
    assert invert_name(text).split() == text.split()
