"""What makes two announcements one paper? Claims about ids and keys."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.paper_ids import (
    arxiv_id,
    arxiv_version,
    canonical,
    keys_of,
    names_in_order,
    title_key,
    title_keys,
)
from tests.factories import paper

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
def test_every_form_of_an_arxiv_id_is_one_name_whatever_its_version(
    number: str, version: str, form: str
) -> None:
    text = form.format(number + version)
    assert canonical(text) == f"arxiv:{number}"
    assert arxiv_version(text) == (int(version[1:]) if version else None)


@given(st.text(max_size=60) | ids | st.from_regex(r"10\.\d{4}/[^\s]{1,30}", fullmatch=True))
def test_naming_twice_is_naming_once(text: str) -> None:
    try:
        name = canonical(text)
    except ValueError:
        return
    assert canonical(name) == name


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
def test_old_ids_lose_their_class_and_dois_their_dressing(text: str, name: str) -> None:
    assert canonical(text) == name


@pytest.mark.parametrize("text", ["", "sheep", "https://example.org/abs/2611.00001", "2611.1", "10.1/"])
def test_what_is_no_id_is_refused(text: str) -> None:
    assert arxiv_id(text) is None
    with pytest.raises(ValueError, match="neither an arXiv id nor a DOI"):
        canonical(text)


def test_a_title_key_needs_a_telling_title() -> None:
    assert title_key("Editorial", ["Ada"], 2026) is None
    assert title_keys("Editorial", ["Ada"], 2026) == ()
    assert title_keys("A title that is long enough", ["Ada L"], None)
    assert title_key("A title that is long enough", ["Ada Love"], 2026) == (
        "title:atitlethatislongenough|love|2026"
    )


def test_title_keys_look_through_tex_case_and_script() -> None:
    plain = title_key("Über the ω-regular languages of sheep", ["José Muñoz"], 2026)
    dressed = title_key("über the $ω$-Regular \\emph{Languages} of Sheep", ["Muñoz, José"], 2026)
    assert plain == dressed
    assert title_key("羊" * 20, ["陈 波"], 2026) is not None


@given(st.integers(1990, 2030), st.integers(-3, 3))
def test_titles_of_neighbouring_years_share_a_key_and_others_do_not(year: int, apart: int) -> None:
    one = title_keys("A title that is long enough", ["Ada"], year)
    other = title_keys("A title that is long enough", ["Ada"], year + apart)
    assert bool(set(one) & set(other)) == (abs(apart) <= 1)


def test_a_paper_is_found_under_its_ids_and_its_title() -> None:
    preprint = replace(
        paper("A title that is long enough", id="arxiv:2611.00001"), aliases=("doi:10.1000/X",)
    )
    first, second, *titles = keys_of(preprint)
    assert (first, second) == ("arxiv:2611.00001", "doi:10.1000/x")
    assert titles == list(title_keys(preprint.title, preprint.authors, 2026))


def test_the_keys_of_a_title_name_its_year_and_both_neighbours() -> None:
    first, second = title_keys("A title that is long enough", ("Ada Loveless",), 2026)
    assert (first[-10:], second[-10:]) == ("|2025-2026", "|2026-2027")
    assert title_keys("A title that is long enough", (), None) == ("title:atitlethatislongenough||",)


def test_who_is_named_last_name_first_has_the_same_key() -> None:
    keys = {
        title_key("A title that is long enough", (name,), 2026) for name in ("Ada Loveless", "Loveless, Ada")
    }
    assert keys == {"title:atitlethatislongenough|loveless|2026"}


@pytest.mark.parametrize(
    ("name", "surname"),
    [("Ada Q. Loveless", "loveless"), ("van der Berg, Ada", "vanderberg"), ("Ada", "ada")],
)
def test_only_the_surname_counts_and_all_of_it_where_a_comma_says_what_it_is(name: str, surname: str) -> None:
    assert title_key("A title that is long enough", (name,), 2026) == (
        f"title:atitlethatislongenough|{surname}|2026"
    )


def test_names_stand_in_order_of_what_they_tell_each_in_its_one_form() -> None:
    given = (
        "title:x|y|",
        "acl:w01",
        "",
        "DOI:10.1000/X",
        "arXiv:2611.00001v2",
        "https://arxiv.org/abs/2611.00001",
    )
    assert names_in_order(*given) == ("arxiv:2611.00001", "doi:10.1000/x", "acl:w01", "title:x|y|")


@pytest.mark.parametrize(
    ("text", "version"),
    [("2611.00001v3", 3), ("arxiv:2611.00001v12", 12), ("arxiv:2611.00001", None), ("sheep", None)],
)
def test_a_version_is_the_one_that_is_named(text: str, version: int | None) -> None:
    assert arxiv_version(text) == version


def test_a_paper_without_a_date_is_found_under_its_title_of_no_year() -> None:
    undated = replace(paper("A title that is long enough", id="doi:10.1000/x"), published=None)
    assert keys_of(undated) == ("doi:10.1000/x", "title:atitlethatislongenough|loveless|")


def test_a_doi_in_brackets_loses_what_opens_nowhere() -> None:
    assert canonical("10.1000/(sheep)") == "doi:10.1000/(sheep)"
    assert canonical("10.1000/(see)") == "doi:10.1000/(see)"
    assert {canonical(f"10.1000/sheep{end}") for end in (")", "]", "}", ").")} == {"doi:10.1000/sheep"}


@pytest.mark.parametrize("endless", [". ", ")", "x)", "doi:", "10.1/"])
def test_what_is_too_long_for_an_id_is_none_at_once(endless: str) -> None:
    with pytest.raises(ValueError, match="neither an arXiv id nor a DOI"):
        canonical("10.1234/" + endless * 500_000)
