"""Tests of parsing bibliographies: nothing is lost, nothing counts twice, and unknown entries are named."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper
from digest.sources.libraries.bibliography import SeedPapers, parse_bibliography

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
    seeds = parse_bibliography("2611.00001, https://arxiv.org/pdf/2611.00001v3 10.1000/ABC\nnonsense")
    assert seeds == SeedPapers(ids=("arxiv:2611.00001", "doi:10.1000/abc"), unknown=("nonsense",))


def test_parse_bibtex() -> None:
    seeds = parse_bibliography(BIBTEX)
    assert seeds.papers == (
        LikedPaper("Counting Sheep in Sublinear Time", 'We count "sheep" and sleep.', "arxiv:2611.00001"),
        LikedPaper("Cafe Talk", "", "doi:10.1000/cafe"),
    )
    assert seeds.unknown == ("nameless",)


def test_parse_ris() -> None:
    assert parse_bibliography(RIS) == SeedPapers(
        (LikedPaper("Whale songs", "We listen.", "arxiv:2611.00007"),), ("doi:10.1000/abc",)
    )


def test_truncated_export_is_parsed_as_far_as_possible() -> None:
    assert parse_bibliography("@article{a, title = {Never closed").papers == (LikedPaper("Never closed"),)


@given(st.text() | st.text(alphabet='@{}",= \nabTI-ER'))
def test_any_text_is_parsed(text: str) -> None:
    seeds = parse_bibliography(text)
    assert len(set(seeds.ids)) == len(seeds.ids)


@pytest.mark.parametrize(
    "piece", ["@a{b,", "a", "@a{ ", "@a{b, c=", '@a{b, c="', "\\'{", "TY  - ", "10.1000/", "("]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    library = piece * (200_000 // len(piece))
    started = time.process_time()
    for text in (library, "@a{" + library):
        assert parse_bibliography(text).papers == ()
    assert time.process_time() - started < 3, "half a second; minutes if the text were scanned over and over"


def test_unclosed_brace_costs_one_paper_only() -> None:
    seeds = parse_bibliography("@article{a, title = {Never closed\n@article{b, title = {Whale songs}}")
    assert seeds.papers[-1] == LikedPaper("Whale songs")
