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
    find_ids,
    is_publication,
    parse_arxiv_id,
    parse_arxiv_version,
    sort_names,
)
from tests.factories import make_paper

new_ids = st.from_regex(
    r"(08|09|1[0-4])(0[1-9]|1[0-2])\.[0-9]{4}|(1[5-9]|[2-9][0-9])(0[1-9]|1[0-2])\.[0-9]{5}", fullmatch=True
)
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
        "https://arxiv.org/abs/arXiv:{}", "https://arxiv.org/pdf/arxiv:{}", "https://ar5iv.org/abs/{}",
        "https://ar5iv.labs.arxiv.org/html/{}", "https://www.alphaxiv.org/overview/{}", "//arxiv.org/abs/{}",
        "https://www.alphaxiv.org/zh/overview/{}", "https://arxiv.org/html/{}#S3.F1", "<https://arxiv.org/abs/{}>",
        "https://arxiv.org/html/{}/x1.png", "https%3A%2F%2Farxiv.org%2Fabs%2F{}", "(arXiv:{}).",
        "**arXiv:{}**",
        "https://arxiv.org/pdf/{}.pdf#page=4", "https://arxiv.org/abs/{}).", "http://xxx.lanl.gov/abs/{}",
        "https://www.arxiv-vanity.com/papers/{}/", "https://scirate.com/arxiv/{}", "arxiv.org/{}",
        "https://web.archive.org/web/20260101000000/https://arxiv.org/abs/{}", "https://arxiv.org/abs/{}\u200b",
        "https://www.google.com/url?sa=t&url=https%3A%2F%2Farxiv.org%2Fpdf%2F{}&usg=x", "arxiv.org/abs/{}…",
        "https://doi.org/10.48550/arXiv.{}?utm_source=x", "https://api.semanticscholar.org/arXiv:{}",
    ]
)  # fmt: skip
words = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
numbers = st.integers(1, 9_999_999)
dois = st.one_of(
    st.builds("10.5555/{}.{}".format, words, numbers),
    st.builds("10.1016/s0140-6736({}){}-1".format, numbers, numbers),
    st.builds("10.1002/(sici)1097-4571(1999)50:1<{}::aid-asi{}>3.0.co;2-#".format, numbers, numbers),
)
# A preprint's DOI, and how its registrant writes the version.
versioned_dois = st.one_of(
    st.tuples(st.builds("10.21203/rs.3.rs-{}".format, numbers), st.just("/v{}")),
    st.tuples(st.builds("10.26434/chemrxiv-2026-{}".format, words), st.sampled_from(["-v{}", "/v{}"])),
    st.tuples(st.builds("10.26434/chemrxiv.{}".format, numbers), st.just(".v{}")),
    st.tuples(st.builds("10.12688/f1000research.{}".format, numbers), st.just(".{}")),
    st.tuples(st.builds("10.12688/wellcomeopenres.{}".format, numbers), st.just(".{}")),
    st.tuples(st.builds("10.31234/osf.io/{}".format, words), st.just("_v{}")),
    st.tuples(st.builds("10.2139/ssrn.{}".format, numbers), st.just("")),
    st.tuples(st.builds("10.20944/preprints202611.{:04}".format, st.integers(0, 9999)), st.just(".v{}")),
    st.tuples(st.builds("10.36227/techrxiv.{}.{}".format, numbers, numbers), st.just("/v{}")),
    st.tuples(st.builds("10.22541/au.{}.{}".format, numbers, numbers), st.just("/v{}")),
    st.tuples(st.builds("10.64898/2026.11.01.{}".format, numbers), st.just("v{}")),
)
doi_forms = st.sampled_from(
    [
        "{}", "doi:{}", "DOI: {}", "doi {}", "https://doi.org/{}", "http://dx.doi.org/{}", "doi.org/{}",
        "info:doi/{}", "<https://doi.org/{}>.", "(doi:{})", "https://doi.org/{}?utm_source=rss&utm_medium=feed",
        "{}/full", "{}/pdf", "{}.pdf", "{}/abstract", "{}/pdf/full", "{}.full.pdf", "https://p.example/doi/full/{}",
        "https://p.example/doi/pdf/{}?needAccess=true", "https://p.example/articles/{}/full#section-2",
        "https://p.example/doi/abs/{}", "p.example/doi/{}", "https://p.example/article?id={}&type=printable",
        "https://p.example/doi/{};jsessionid=1F2E", "{}/", "{}\u200b", "{}?af=R", "https://doi.org/doi:{}",
    ]
)  # fmt: skip


@given(ids, versions, forms)
def test_every_form_and_version_of_an_arxiv_id_has_one_canonical_id(
    number: str, version: str, form: str
) -> None:
    text = form.format(number + version)
    assert canonicalize(text) == f"arxiv:{number}"
    assert parse_arxiv_version(text) == (int(version[1:]) if version else None)


@given(dois, doi_forms, st.booleans())
def test_every_form_of_a_doi_has_one_canonical_id(doi: str, form: str, shout: bool) -> None:  # noqa: FBT001
    # In a link, a fragment begins at a bare `#`.
    doi = doi.replace("#", "%23") if "//" in form or "p.example" in form or "doi.org" in form else doi
    text = form.format(doi.upper() if shout else doi)
    assert canonicalize(text) == f"doi:{doi.replace('%23', '#')}"


@given(versioned_dois, st.integers(1, 12), doi_forms)
def test_every_version_of_a_preprint_has_the_id_of_the_work(
    doi_and_mark: tuple[str, str], version: int, form: str
) -> None:
    doi, mark = doi_and_mark
    assert canonicalize(form.format(doi + mark.format(version))) == canonicalize(doi) == f"doi:{doi}"


@given(
    ids | dois | versioned_dois.map(lambda pair: pair[0]), ids | dois, forms | doi_forms, forms | doi_forms
)
def test_two_works_never_have_the_same_id(one: str, other: str, form: str, other_form: str) -> None:
    def find(text: str) -> str | None:
        try:
            return canonicalize(text)
        except ValueError:
            return None

    if one != other and (first := find(form.format(one))) and (second := find(other_form.format(other))):
        assert first != second


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://www.researchsquare.com/article/rs-4711001/v2", "doi:10.21203/rs.3.rs-4711001"),
        ("https://papers.ssrn.com/sol3/papers.cfm?abstract_id=4711001", "doi:10.2139/ssrn.4711001"),
        ("https://ssrn.com/abstract=4711001", "doi:10.2139/ssrn.4711001"),
        ("https://www.preprints.org/manuscript/202611.0123/v1", "doi:10.20944/preprints202611.0123"),
        ("https://academic.oup.com/nar/article/doi/10.1093/nar/gkz001/4711001", "doi:10.1093/nar/gkz001"),
        ("https://www.biorxiv.org/content/10.64898/2026.07.1v2.full.pdf+html", "doi:10.64898/2026.07.1"),
        ("https://arxiv.org/abs/cond-mat.mtrl-sci/9901001", "arxiv:cond-mat/9901001"),
        ("arXiv:physics.acc-ph/9901001v2", "arxiv:physics/9901001"),
        ("https://arxiv.org/ftp/arxiv/papers/2611/2611.00001.pdf", "arxiv:2611.00001"),
        ("https://arxiv.org/ftp/math/papers/0611/0611800.pdf", "arxiv:math/0611800"),
        ("https://www.nature.com/articles/s41586-026-47110-1", "doi:10.1038/s41586-026-47110-1"),
        ("https://elifesciences.org/reviewed-preprints/47110v2", "doi:10.7554/elife.47110"),
        ("https://zenodo.org/records/4711001", "doi:10.5281/zenodo.4711001"),
        ("https://www.nber.org/papers/w47110", "doi:10.3386/w47110"),
        ("10.7554/eLife.47110.2", "doi:10.7554/elife.47110"),
        ("10.1000/full", "doi:10.1000/full"),
        ("10.1000/works.v2", "doi:10.1000/works.v2"),
    ],
)  # fmt: skip
def test_pages_of_papers_have_the_id_of_the_paper(text: str, name: str) -> None:
    assert canonicalize(text) == name
    assert [*find_ids(f"see {text} on sheep")] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "https://notarxiv.org/abs/2611.00001", "https://arxiv.org.example/abs/2611.00001", "pull/1234567",
        "https://arxiv.org/abs/2611.000012", "https://arxiv.org/list/cs.CL/recent", "https://ar5iv.org/",
        "https://p.example/article/110.1234/x", "https://p.example/?about=arXiv:2611.00001",
    ],
)  # fmt: skip
def test_other_links_are_no_papers(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        canonicalize(text)


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


@pytest.mark.parametrize(
    "number", ["2024.1234", "2019.11111", "1999.4567", "2613.00001", "1412.00001", "1501.0001"]
)
def test_a_number_that_arxiv_never_gave_is_no_id(number: str) -> None:
    assert not [*find_ids(f"version {number}, or {number}v2")]
    assert parse_arxiv_id(number) is None
    assert parse_arxiv_id(f"arXiv:{number}") == number  # arXiv's name beside it leaves no doubt


@pytest.mark.parametrize("number", ["0704.0001", "0912.1234", "1412.9999", "1501.00001", "2612.34567"])
def test_first_and_last_months_of_each_length_are_ids(number: str) -> None:
    assert parse_arxiv_id(number) == number


@pytest.mark.parametrize(
    "text", ["PMID: 31978945", "PMID 31978945.", "see pmid:31978945, too", "PubMed ID: 31978945"]
)
def test_a_pasted_pubmed_id_may_hold_a_blank(text: str) -> None:
    assert [*find_ids(text)] == ["pmid:31978945"]
    assert not [*find_ids("PMID: none of 31978945 sheep")]


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


@pytest.mark.parametrize(
    "title", ["양떼의 행동과 양모의 품질 예측", "羊群行为与羊毛质量的研究", "羊の群れと羊毛の品質の研究"]
)
def test_a_title_in_cjk_characters_needs_half_as_many(title: str) -> None:
    assert build_title_key(title, (), 2026)
    assert build_title_key(title[:6], (), 2026) is None


def test_title_keys_ignore_tex_and_case() -> None:
    plain = build_title_key("Über the ω-regular languages of sheep", ["José Muñoz"], 2026)
    dressed = build_title_key("über the $ω$-Regular \\emph{Languages} of Sheep", ["Muñoz, José"], 2026)
    assert plain == dressed
    assert build_title_key("羊" * 20, ["陈 波"], 2026) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sheep & wool of the high meadows", "Sheep and Wool of the High Meadows"),
        ("Sur les théorèmes de la prairie", "Sur les theoremes de la prairie"),
        ("Sheep\u2014wool, and the high meadow's grass", "Sheep - Wool and the High Meadow’s Grass"),
        ("The Łódź flock of one thousand sheep", "The Lodz flock of one thousand sheep"),
        ("E\u0301tudes on the sheep of high meadows", "\u00c9tudes on the sheep of high meadows"),
    ],
)
def test_titles_spelt_otherwise_give_one_key(one: str, other: str) -> None:
    assert build_title_keys(one, ["Ada L"], 2026) == build_title_keys(other, ["Ada L"], 2026)


def test_titles_with_other_letters_give_other_keys() -> None:
    titles = ["は" * 20, "ば" * 20, "ぱ" * 20, "क" * 20, "ख" * 20, "Sheep of the high meadows, part 1"]
    titles += ["Sheep of the high meadows, part 2", "Sheep or the high meadows, part 2"]
    assert len({build_title_key(title, ["Ada L"], 2026) for title in titles}) == len(titles)


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
    [
        ("Ada Q. Loveless", "loveless"), ("van der Berg, Ada", "berg"), ("Ada van der Berg", "berg"),
        ("Berg, Ada van der", "berg"), ("Ada", "ada"), ("", ""), ("Ada Berg Jr.", "berg"),
        ("Berg Jr., Ada", "berg"),
        ("Berg, Jr., Ada", "berg"), ("Berg, Ada, III", "berg"), ("Ada Berg, PhD", "berg"),
        ("Berg A. B.", "berg"),
        ("Ada Bérg", "berg"), ("José Muñoz Berg", "berg"), ("Muñoz-Berg, J.", "berg"), ("Ada Łøve", "love"),
        ("Ada Mueller", "muller"), ("Müller, Ada", "muller"), ("Ada Marquez", "marquez"), ("陈波", "陈波"),
    ],
)  # fmt: skip
def test_a_title_key_has_the_last_word_of_the_family_name(name: str, surname: str) -> None:
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


@pytest.mark.parametrize(
    ("text", "paper_id"),
    [
        ("https://pubmed.ncbi.nlm.nih.gov/41234567/", "pmid:41234567"),
        ("https://www.ncbi.nlm.nih.gov/pubmed/41234567?dopt=Abstract", "pmid:41234567"),
        ("PMID: 041234567.", "pmid:41234567"),
        ("pubmed:41234567", "pmid:41234567"),
        ("https://europepmc.org/article/MED/41234567", "pmid:41234567"),
        ("https://openreview.net/forum?id=aB-cD_12xY", "openreview:aB-cD_12xY"),
        ("https://openreview.net/pdf?id=aB-cD_12xY#page=3", "openreview:aB-cD_12xY"),
        ("openreview:aB-cD_12xY", "openreview:aB-cD_12xY"),
    ],
)
def test_pubmed_and_openreview_ids_are_canonical_and_found_in_text(text: str, paper_id: str) -> None:
    assert canonicalize(text) == canonicalize(canonicalize(text)) == paper_id
    assert list(find_ids(f"See {text} and others")) == [paper_id] or " " in text


@pytest.mark.parametrize(
    "text", ["41234567", "PMID", "pmid:0", "https://openreview.net/group?id=ICLR.cc/2026"]
)
def test_what_only_resembles_such_an_id_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        canonicalize(text)


def test_preprint_servers_publish_no_journal() -> None:
    preprints = (
        "10.1101/123456", "10.1101/2026.11.20.123456", "10.21203/rs.3.rs-1", "10.2139/ssrn.1",
        "10.31234/osf.io/a", "10.5281/zenodo.1", "10.3762/bxiv.1", "10.48550/arxiv.2611.00001",
    )  # fmt: skip
    journals = ("10.1101/gr.275.117", "10.1038/s41586-1", "10.3762/bjoc.1", "10.1145/1.2", "10.1002/anie.1")

    assert not any(is_publication(f"doi:{doi}") for doi in preprints)
    assert all(is_publication(f"doi:{doi}") for doi in journals)
    assert not is_publication("arxiv:2611.00001")
