"""Exports are read back by the parsers of other projects, and by our own import."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import rispy
from citeproc import Citation as CitedItems
from citeproc import CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from hypothesis import given
from hypothesis import strategies as st
from pybtex.database import Entry, parse_string
from pybtex.richtext import Text

from digest.models import Paper
from digest.models.citations import (
    Citation,
    CitationFormat,
    build_citation_key,
    find_doi,
    find_publication,
    format_citations,
    quote_url,
)
from digest.models.tex import escape_tex
from digest.models.text import clean
from digest.sources.libraries.bibliography import parse_bibliography
from tests.factories import make_paper

TITLE = "Müller & Søn’s BERT: 50% of $5, β_2 ≤ PM₂.₅ with {mRNA} on #1 ~ 2^3"
AUTHORS = ("José de la Cruz", "ATLAS Collaboration", "Lee, Ted and Ann", "Łukasz Ångström Jr.", "王伟")
PAPER = replace(
    make_paper(TITLE, id="arxiv:2611.00042", authors=AUTHORS, abstract="It costs $5 & 5% – “cheap”."),
    aliases=("doi:10.1234/odd{doi}_1",),
    pdf_url="https://arxiv.org/pdf/2611.00042",
    code_url="https://code.example.org/a(b)",
)
OTHER = make_paper("Counting Sheep", id="doi:10.1101/2026.11.20.123456")
CITATIONS = [Citation(PAPER, "Read *this* {again}", ("to read", "sheep")), Citation(OTHER)]


def _read_bibtex(document: str) -> dict[str, Entry]:
    return dict(parse_string(document, "bibtex").entries)


def _read_tex(text: str) -> str:
    r"""Return what pybtex prints for a field; of signs it knows all but `\$`."""
    return str(Text.from_latex(text)).replace("\\$", "$")


def test_bibtex_is_read_by_pybtex() -> None:
    entries = _read_bibtex(format_citations(CITATIONS, CitationFormat.BIBTEX))

    first, second = entries["arxiv:2611.00042"], entries["doi:10.1101/2026.11.20.123456"]
    assert first.type == "misc"
    assert [str(person) for person in first.persons["author"]] == [
        r"de la Cruz, Jos{\'e}",
        "{ATLAS Collaboration}",
        "Lee, {Ted and Ann}",
        r"{\r{A}}ngstr{\"o}m, Jr., {\L}ukasz",
        "{王伟}",
    ]
    assert first.persons["author"][0].prelast_names == ["de", "la"]
    assert first.persons["author"][3].lineage_names == ["Jr."]
    assert first.fields["year"] == "2026"
    assert first.fields["month"] == "November"
    assert first.fields["eprint"] == "2611.00042"
    assert first.fields["doi"] == "10.1234/odd%7Bdoi%7D_1"
    assert first.fields["keywords"] == "cs.LG, to read, sheep"
    assert _read_tex(first.fields["abstract"]) == "It costs $5 & 5% – “cheap”."
    assert r"{BERT:} 50\% of \$5" in first.fields["title"]
    assert second.fields["doi"] == "10.1101/2026.11.20.123456"
    assert "eprint" not in second.fields


def test_ris_is_read_by_rispy() -> None:
    first, second = rispy.loads(format_citations(CITATIONS, CitationFormat.RIS))

    assert (first["type_of_reference"], second["type_of_reference"]) == ("JOUR", "UNPB")
    assert first["title"] == TITLE
    assert first["authors"] == [
        "de la Cruz, José", "ATLAS Collaboration", "Lee, Ted and Ann", "Ångström, Łukasz, Jr.", "王伟",
    ]  # fmt: skip
    assert first["keywords"] == ["cs.LG", "to read", "sheep"]
    assert first["notes"] == ["Read *this* {again}"]
    assert first["doi"] == "10.1234/odd{doi}_1"
    assert first["date"] == "2026/11/22"


def test_csl_json_is_printed_by_citeproc() -> None:
    items = json.loads(format_citations(CITATIONS, CitationFormat.CSL_JSON))
    bibliography = CitationStylesBibliography(
        CitationStylesStyle("harvard-cite-them-right", validate=False), CiteProcJSON(items), formatter.plain
    )
    for item in items:
        bibliography.register(CitedItems([CitationItem(item["id"])]))
    printed = [str(entry) for entry in bibliography.bibliography()]

    assert items[0]["author"][3] == {"family": "Ångström", "given": "Łukasz", "suffix": "Jr."}
    assert printed == [
        f"de la Cruz, J. et al. (2026) “{TITLE}”. Available at: https://doi.org/10.1234/odd{{doi}}_1.",
        f"Loveless, A. and Chen, B. (2026) “Counting Sheep”. Available at: https://doi.org/{OTHER.id[4:]}.",
    ]


def test_markdown_shows_texts_as_they_are() -> None:
    document = format_citations(CITATIONS, CitationFormat.MARKDOWN)

    assert r"50% of \$5, β\_2" in document
    assert r"Note: Read \*this\* \{again\}" in document
    assert "Tags: to read, sheep" in document
    assert "[Code](https://code.example.org/a%28b%29)" in document
    assert document.count("\n## ") + document.startswith("## ") == 2


@pytest.mark.parametrize("form", [CitationFormat.BIBTEX, CitationFormat.RIS, CitationFormat.CSL_JSON])
def test_our_import_reads_every_export(form: CitationFormat) -> None:
    title = "Müller & Søn on BERT: 50% of $5, λ ≤ PM₂.₅ for the Nguyễn–Erdős mRNA"
    citations = [Citation(replace(PAPER, title=title, aliases=())), *CITATIONS[1:]]

    read = parse_bibliography(format_citations(citations, form))

    assert [paper.title for paper in read.papers] == [title, "Counting Sheep"]
    assert [paper.paper_id for paper in read.papers] == ["arxiv:2611.00042", OTHER.id]
    assert read.unknown == ()


@pytest.mark.parametrize("form", list(CitationFormat))
def test_nothing_gives_an_empty_document(form: CitationFormat) -> None:
    assert format_citations([], form).strip() in ("", "[]")


def test_hostile_fields_end_no_value() -> None:
    hostile = '}}, evil = {x} \\end % " @misc{b, } \r\nER  - \nTY  - BOOK'
    paper = Paper(
        id=f"doi:10.1234/{hostile}",
        title=hostile,
        abstract=hostile,
        authors=(hostile, " and ", ","),
        categories=(hostile,),
        url=f"https://x.example/{hostile}",
        pdf_url=f"javascript:{hostile}",
    )
    citations = [Citation(paper, hostile, (hostile,))] * 2

    bibtex = _read_bibtex(format_citations(citations[:1], CitationFormat.BIBTEX))
    assert len(bibtex) == 1
    assert "evil" not in next(iter(bibtex.values())).fields
    assert len(rispy.loads(format_citations(citations, CitationFormat.RIS))) == 2
    assert len(json.loads(format_citations(citations, CitationFormat.CSL_JSON))) == 2
    assert "javascript" not in format_citations(citations, CitationFormat.MARKDOWN).replace("\\", "")


@given(st.text(max_size=60))
def test_tex_is_balanced_and_has_no_bare_specials(text: str) -> None:
    escaped = escape_tex(clean(text))

    depth = 0
    for char in escaped:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"(?<!\\)[%#&$]", escaped)


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3))
def test_any_paper_is_read_back_once_in_every_format(title: str, authors: list[str]) -> None:
    paper = make_paper(title, id="arxiv:2611.00042", authors=authors, abstract=title)
    citation = Citation(paper, title, (title,))

    assert len(_read_bibtex(format_citations([citation], CitationFormat.BIBTEX))) == 1
    assert len(rispy.loads(format_citations([citation], CitationFormat.RIS))) == 1
    assert len(json.loads(format_citations([citation], CitationFormat.CSL_JSON))) == 1


@pytest.mark.parametrize(
    "text", ["Müller", "Ångström", "Łódź", "naïve", "Dvořák", "Erdős", "Şahin", "Straße", "Ærø"]
)
def test_accents_are_ascii_that_pybtex_prints_as_they_were(text: str) -> None:
    escaped = escape_tex(text)

    assert escaped.isascii()
    assert _read_tex(escaped).replace("{", "").replace("}", "") == text


@pytest.mark.parametrize(
    ("paper_id", "key"),
    [
        ("arxiv:2611.00042", "arxiv:2611.00042"),
        ("arxiv:hep-th/9901001", "arxiv:hep-th/9901001"),
        ("doi:10.1101/2026.11.20.123456", "doi:10.1101/2026.11.20.123456"),
        ("doi:10.1002/(sici)1;2-#", r"doi-10-1002-sici-1-2-[0-9a-f]{8}"),
        ("title:übergroße|müller|2026", r"title-u-bergro-e-mu-ller-2026-[0-9a-f]{8}"),
        ("openreview:AbCdEf123", r"openreview-abcdef123-[0-9a-f]{8}"),
        (f"title:{'a' * 300}||", r"title-a{45}-[0-9a-f]{8}"),
    ],
)
def test_key_depends_on_the_id_alone(paper_id: str, key: str) -> None:
    first = build_citation_key(make_paper("One title", id=paper_id))

    assert re.fullmatch(key, first)
    assert build_citation_key(replace(make_paper("Another", id=paper_id), published=None)) == first
    assert build_citation_key(make_paper(id=f"{paper_id}x")) != first


@pytest.mark.parametrize(
    ("names", "doi", "publication"),
    [
        (("arxiv:2611.00042",), "10.48550/arXiv.2611.00042", ""),
        (("arxiv:2611.00042", "doi:10.1038/s1"), "10.1038/s1", "10.1038/s1"),
        (("doi:10.1101/123456",), "10.1101/123456", ""),
        (("doi:10.1101/123456", "doi:10.1101/gr.275.117"), "10.1101/gr.275.117", "10.1101/gr.275.117"),
        (("title:x||",), "", ""),
    ],
)
def test_doi_of_the_publication_comes_first(names: tuple[str, ...], doi: str, publication: str) -> None:
    paper = replace(make_paper(id=names[0]), aliases=names[1:])

    assert find_doi(paper) == doi
    assert find_publication(paper) == publication


def test_journal_is_named_once_the_paper_is_published() -> None:
    preprint = make_paper(id="arxiv:2611.00042", categories=("cs.LG", "Nature"))
    published = replace(preprint, aliases=("doi:10.1038/s1",))
    documents = {
        form: format_citations([Citation(preprint), Citation(published)], form) for form in CitationFormat
    }

    first, second = (Citation(paper) for paper in (preprint, published))
    assert "journal" not in format_citations([first], CitationFormat.BIBTEX)
    [entry] = _read_bibtex(format_citations([second], CitationFormat.BIBTEX)).values()
    assert (entry.type, entry.fields["journal"]) == ("article", "Nature")
    assert [item.get("journal_name") for item in rispy.loads(documents[CitationFormat.RIS])] == [
        None,
        "Nature",
    ]
    items = json.loads(documents[CitationFormat.CSL_JSON])
    assert [item.get("container-title") for item in items] == [None, "Nature"]
    assert documents[CitationFormat.MARKDOWN].count("· Nature") == 1


def test_url_is_ascii_or_empty() -> None:
    assert quote_url("https://x.example/ü {b}?q=1#a") == "https://x.example/%C3%BC%20%7Bb%7D?q=1#a"
    assert [*map(quote_url, ("javascript:alert(1)", "x", "http://[", ""))] == ["", "", "", ""]


def test_unknown_date_and_authors_are_left_out() -> None:
    paper = Paper(id="arxiv:2611.00042", title="Bare")

    [entry] = _read_bibtex(format_citations([Citation(paper)], CitationFormat.BIBTEX)).values()
    assert {*entry.fields} == {"title", "eprint", "archiveprefix", "doi"}
    assert make_year(paper) is None


def make_year(paper: Paper) -> object:
    return json.loads(format_citations([Citation(paper)], CitationFormat.CSL_JSON))[0].get("issued")


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("Sheep", "Sheep"),
        ("(Sheep)", "(Sheep)"),
        ("BERT", "{BERT}"),
        ("mRNA", "{mRNA}"),
        ("βVAE", r"{{\ensuremath{\beta}VAE}}"),
        ("\u211d", r"{{\ensuremath{\mathbb{R}}}}"),
    ],
)
def test_capitals_of_a_title_are_protected(word: str, written: str) -> None:
    document = format_citations([Citation(make_paper(f"On {word}"))], CitationFormat.BIBTEX)

    assert f"title = {{On {written}}}," in document


def test_withdrawn_papers_say_so() -> None:
    paper = replace(PAPER, withdrawn=True, published=datetime(2026, 1, 2, tzinfo=UTC))

    for form in CitationFormat:
        assert "withdrawn" in format_citations([Citation(paper)], form).lower()
