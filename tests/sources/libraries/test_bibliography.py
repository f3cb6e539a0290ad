"""A library becomes seeds: nothing is lost, nothing counts twice, and what is not understood is named."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper
from digest.sources.libraries.bibliography import Seeds, read

BIBTEX = r"""
@comment{made by hand}
@article{loveless2026sheep,
  title = {Counting {Sheep} in Sublinear Time},
  author = {Loveless, Ada and Chen, Bo},
  abstract = "We count {"}sheep{"} and sleep.",
  eprint = {2611.00001v2},
  year = 2026
}
@misc{nameless, year = 2026}
@inproceedings{x, title = "Caf\'e Talk", doi = {10.1000/Cafe}, year = {2020}}
"""
RIS = """TY  - JOUR
TI  - Whale songs
AB  - We listen.
UR  - https://arxiv.org/abs/2611.00007
ER  -
TY  - JOUR
DO  - 10.1000/ABC
ER  -
"""


def test_ids_and_links_in_any_form_are_one_paper() -> None:
    found = read("2611.00001, https://arxiv.org/pdf/2611.00001v3 10.1000/ABC\nnonsense")
    assert found == Seeds(ids=("arxiv:2611.00001", "doi:10.1000/abc"), unknown=("nonsense",))


def test_bibtex_gives_titles_abstracts_and_ids() -> None:
    found = read(BIBTEX)
    assert found.likings == (
        LikedPaper("Counting Sheep in Sublinear Time", 'We count "sheep" and sleep.', "arxiv:2611.00001"),
        LikedPaper("Cafe Talk", "", "doi:10.1000/cafe"),
    )
    assert found.unknown == ("nameless",)


def test_ris_gives_titles_and_ids() -> None:
    assert read(RIS) == Seeds(
        (LikedPaper("Whale songs", "We listen.", "arxiv:2611.00007"),), ("doi:10.1000/abc",)
    )


def test_a_broken_export_is_read_as_far_as_it_goes() -> None:
    assert read("@article{a, title = {Never closed").likings == (LikedPaper("Never closed"),)


@given(st.text() | st.text(alphabet='@{}",= \nabTI-ER'))
def test_any_text_is_answered(text: str) -> None:
    found = read(text)
    assert len(set(found.ids)) == len(found.ids)


@pytest.mark.parametrize(
    "piece", ["@a{b,", "a", "@a{ ", "@a{b, c=", '@a{b, c="', "\\'{", "TY  - ", "10.1000/", "("]
)
def test_a_hostile_library_is_read_in_a_blink(piece: str) -> None:
    library = piece * (200_000 // len(piece))
    began = time.process_time()
    for text in (library, "@a{" + library):
        assert read(text).likings == ()
    assert time.process_time() - began < 3, "half a second; minutes, if a library were read over and over"


def test_a_brace_that_is_never_closed_costs_one_paper_and_not_the_library() -> None:
    found = read("@article{a, title = {Never closed\n@article{b, title = {Whale songs}}")
    assert found.likings[-1] == LikedPaper("Whale songs")
