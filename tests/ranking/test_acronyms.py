"""Acronyms are learnt from texts that define them, and from nothing that only stands in brackets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.acronyms import learn_acronyms


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We use federated learning (FL) on phones.", {"fl": {"feder learn": 1}}),
        ("Signals of electroencephalography (EEG) vary.", {"eeg": {"electroencephalography": 1}}),
        (
            "Simultaneous localisation and mapping (SLAM) drifts.",
            {"slam": {"simultaneous localiz and map": 1}},
        ),
        ("We train it with Adam (Kingma).", {}),
        ("It is fast (IBM) and small (2024).", {}),
        ("Support vector machines (SVMs) are old.", {"svm": {"support vector machin": 1}}),
    ],
)
def test_long_forms_before_brackets_are_learnt(text: str, expected: dict[str, dict[str, int]]) -> None:
    assert learn_acronyms([text]) == expected


@given(st.lists(st.text(alphabet="aAbB (-)", max_size=40)))
def test_any_text_is_read(texts: list[str]) -> None:
    assert all(sum(long_forms.values()) > 0 for long_forms in learn_acronyms(texts).values())
