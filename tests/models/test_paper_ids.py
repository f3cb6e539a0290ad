"""Tests of canonical paper ids and the keys papers are matched by."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.paper_ids import (
    build_keys,
    build_title_key,
    build_title_keys,
    canonicalize,
    parse_arxiv_id,
    parse_arxiv_version,
    sort_names,
)
from tests.factories import make_paper

new_ids = st.from_regex(r"[0-9]{2}(0[1-9]|1[0-2])\.[0-9]{5}", fullmatch=True)
old_ids = st.builds(
    "{}/{}".format,
    st.sampled_from(["math", "hep-th", "cs", "astro-ph", "cond-mat"]),
    st.from_regex(r"[0-9]{7}", fullmatch=True),
)
ids = new_ids | old_ids
versions = st.sampled_from(["", "v1", "v2", "v13"])
forms = st.sampled_from(
    [
        "{}", "http://arxiv.org/abs/{}", "https://arxiv.org/pdf/{}", "https://arxiv.org/pdf/{}.pdf",
        "https://export.arxiv.org/abs/{}", "https://arxiv.org/html/{}", "oai:arXiv.org:{}", "arXiv:{}",
        "arxiv:{}", "https://huggingface.co/papers/{}", "https://hf.co/papers/{}", "arxiv.org/abs/{}",
        "https://arxiv.org/abs/{}?context=cs.LG", "https://www.alphaxiv.org/abs/{}", "  arXiv:{} [cs.CL]  ",
        "10.48550/arXiv.{}", "https://doi.org/10.48550/arXiv.{}", "doi:10.48550/ARXIV.{}",
    ]
)  # fmt: skip


@given(ids, versions, forms)
def test_every_form_and_version_of_an_arxiv_id_has_one_canonical_id(
    number: str, version: str, form: str
) -> None:
    text = form.format(number + version)
    assert canonicalize(text) == f"arxiv:{number}"
    assert parse_arxiv_version(text) == (int(version[1:]) if version else None)


@given(st.text(max_size=60) | ids | st.from_regex(r"10\.\d{4}/[^\s]{1,30}", fullmatch=True))
def test_canonicalize_is_idempotent(text: str) -> None:
    try:
        name = canonicalize(text)
    except ValueError:
        return
    assert canonicalize(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("math.CA/0611800", "arxiv:math/0611800"),
        ("https://arxiv.org/abs/hep-th%2F9901001", "arxiv:hep-th/9901001"),
        ("arxiv.org/abs/2611.00001", "arxiv:2611.00001"),
        ("title:atitlethatislongenough|love|2026", "title:atitlethatislongenough|love|2026"),
        ("MATH.CA/0611800v2", "arxiv:math/0611800"),
        ("https://doi.org/10.1101%2F2020.01.01.123456v2", "doi:10.1101/2020.01.01.123456"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.1v2.full.pdf", "doi:10.1101/2020.01.1"),
        ("10.64898/2026.07.13.738145", "doi:10.64898/2026.07.13.738145"),
        ("doi:10.1016/S0140-6736(05)67890-1.", "doi:10.1016/s0140-6736(05)67890-1"),
        ("http://dx.doi.org/10.1000/ABC).", "doi:10.1000/abc"),
    ],
)  # fmt: skip
def test_canonical_ids_have_no_subject_class_and_no_doi_prefix(text: str, name: str) -> None:
    assert canonicalize(text) == name


@pytest.mark.parametrize("text", ["", "sheep", "https://example.org/abs/2611.00001", "2611.1", "10.1/"])
def test_canonicalize_refuses_other_text(text: str) -> None:
    assert parse_arxiv_id(text) is None
    with pytest.raises(ValueError, match="neither an arXiv id nor a DOI"):
        canonicalize(text)


def test_a_title_key_needs_a_long_enough_title() -> None:
    assert build_title_key("Editorial", ["Ada"], 2026) is None
    assert build_title_keys("Editorial", ["Ada"], 2026) == ()
    assert build_title_keys("A title that is long enough", ["Ada L"], None)
    assert build_title_key("A title that is long enough", ["Ada Love"], 2026) == (
        "title:atitlethatislongenough|love|2026"
    )


def test_title_keys_ignore_tex_and_case() -> None:
    plain = build_title_key("Über the ω-regular languages of sheep", ["José Muñoz"], 2026)
    dressed = build_title_key("über the $ω$-Regular \\emph{Languages} of Sheep", ["Muñoz, José"], 2026)
    assert plain == dressed
    assert build_title_key("羊" * 20, ["陈 波"], 2026) is not None


@given(st.integers(1990, 2030), st.integers(-3, 3))
def test_titles_of_neighbouring_years_share_a_key_and_others_do_not(year: int, apart: int) -> None:
    one = build_title_keys("A title that is long enough", ["Ada"], year)
    other = build_title_keys("A title that is long enough", ["Ada"], year + apart)
    assert bool(set(one) & set(other)) == (abs(apart) <= 1)


def test_a_paper_is_found_under_its_ids_and_its_title() -> None:
    preprint = replace(
        make_paper("A title that is long enough", id="arxiv:2611.00001"), aliases=("doi:10.1000/X",)
    )
    first, second, *titles = build_keys(preprint)
    assert (first, second) == ("arxiv:2611.00001", "doi:10.1000/x")
    assert titles == list(build_title_keys(preprint.title, preprint.authors, 2026))


def test_the_keys_of_a_title_name_its_year_and_both_neighbours() -> None:
    first, second = build_title_keys("A title that is long enough", ("Ada Loveless",), 2026)
    assert (first[-10:], second[-10:]) == ("|2025-2026", "|2026-2027")
    assert build_title_keys("A title that is long enough", (), None) == ("title:atitlethatislongenough||",)


def test_an_author_named_surname_first_gives_the_same_key() -> None:
    keys = {
        build_title_key("A title that is long enough", (name,), 2026)
        for name in ("Ada Loveless", "Loveless, Ada")
    }
    assert keys == {"title:atitlethatislongenough|loveless|2026"}


@pytest.mark.parametrize(
    ("name", "surname"),
    [("Ada Q. Loveless", "loveless"), ("van der Berg, Ada", "vanderberg"), ("Ada", "ada")],
)
def test_a_title_key_has_the_surname_which_is_all_that_comes_before_a_comma(name: str, surname: str) -> None:
    assert build_title_key("A title that is long enough", (name,), 2026) == (
        f"title:atitlethatislongenough|{surname}|2026"
    )


def test_sort_names_canonicalizes_and_puts_arxiv_ids_before_dois() -> None:
    names = (
        "title:x|y|",
        "acl:w01",
        "",
        "DOI:10.1000/X",
        "arXiv:2611.00001v2",
        "https://arxiv.org/abs/2611.00001",
    )
    assert sort_names(*names) == ("arxiv:2611.00001", "doi:10.1000/x", "acl:w01", "title:x|y|")


@pytest.mark.parametrize(
    ("text", "version"),
    [("2611.00001v3", 3), ("arxiv:2611.00001v12", 12), ("arxiv:2611.00001", None), ("sheep", None)],
)
def test_parse_arxiv_version(text: str, version: int | None) -> None:
    assert parse_arxiv_version(text) == version


def test_a_paper_without_a_date_has_a_title_key_without_a_year() -> None:
    undated = replace(make_paper("A title that is long enough", id="doi:10.1000/x"), published=None)
    assert build_keys(undated) == ("doi:10.1000/x", "title:atitlethatislongenough|loveless|")


def test_a_doi_loses_unbalanced_closing_brackets() -> None:
    assert canonicalize("10.1000/(sheep)") == "doi:10.1000/(sheep)"
    assert canonicalize("10.1000/(see)") == "doi:10.1000/(see)"
    assert {canonicalize(f"10.1000/sheep{end}") for end in (")", "]", "}", ").")} == {"doi:10.1000/sheep"}


@pytest.mark.parametrize("fragment", [". ", ")", "x)", "doi:", "10.1/"])
def test_a_text_too_long_for_an_id_is_refused_at_once(fragment: str) -> None:
    with pytest.raises(ValueError, match="neither an arXiv id nor a DOI"):
        canonicalize("10.1234/" + fragment * 500_000)
