"""Tests of parsing bibliographies: nothing is lost, nothing counts twice, and unknown entries are named."""
# ruff: noqa: E501  records stand on one line, as they are exported

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import LikedPaper
from digest.sources.libraries.bibliography import SeedPapers, UnknownEntry, parse_bibliography

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
    assert seeds == SeedPapers(
        ids=("arxiv:2611.00001", "doi:10.1000/abc"), unknown=(UnknownEntry(2, "nonsense"),)
    )


def test_parse_bibtex() -> None:
    seeds = parse_bibliography(BIBTEX)
    assert seeds.papers == (
        LikedPaper("Counting Sheep in Sublinear Time", 'We count "sheep" and sleep.', "arxiv:2611.00001"),
        LikedPaper("Café Talk", "", "doi:10.1000/cafe"),
    )
    assert seeds.unknown == (UnknownEntry(10, "nameless"),)


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
    "piece",
    [
        "@a{b,", "a", "@a{ ", "@a{b, c=", '@a{b, c="', "\\'{", "TY  - ", "10.1000/", "(", "@a(b,", "@a{\n", "\n@a(b, c={",
        "@string{a=a#a}", "# a ", "\n@a{b, c=a#", "@", "{", "}", "\nTY  - \nTI", "\nTI  - ", "[", "<record>", "%25",
        "https://", "](", "arxiv:",
    ],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    library = piece * (200_000 // len(piece))
    started = time.process_time()
    for text in (library, "@a{" + library):
        assert parse_bibliography(text).papers == ()
    assert time.process_time() - started < 3, "half a second; minutes if the text were scanned over and over"


def test_unclosed_brace_costs_one_paper_only() -> None:
    seeds = parse_bibliography("@article{a, title = {Never closed\n@article{b, title = {Whale songs}}")
    assert seeds.papers[-1] == LikedPaper("Whale songs")


SHEEP, WHALES = LikedPaper("Counting sheep by day"), LikedPaper("Songs of many whales")


@pytest.mark.parametrize(
    "text",
    [
        "@article(s, title = {Counting sheep by day})\n@misc{w, title = {Songs of many whales}}",
        '@article(s, note = "wool :) (a", title = "Counting sheep by day")\n@misc(w, title = {Songs of many whales})',
        "@article{title = {Counting sheep by day}, year = 2026}\n@misc{title = {Songs of many whales}}",
        "@article{ , title = {Counting sheep by day}}\n@misc{, title = {Songs of many whales}}",
        "@article{my key, title = {Counting sheep by day}}@misc{w, title = {Songs of many whales}}",
        "@article{s, title = {Counting sheep by day}}\n@article{s, title = {Songs of many whales}}",
        '@article{s, title = "Counting " # "sheep by day"}\n@misc{w, title = {Songs of } # {many whales}}',
        ('@string{n = "by day"}\n@STRING(w = {whales})\n@article{s, title = "Counting sheep " # N}\n'
        '@misc{w, title = "Songs of many " # w}'),
        ('@string{a = "by "}\n@string{b = a # "day"}\n@article{s, title = "Counting sheep " # b}\n'
        "@misc{w, title = {Songs of many whales}, month = jan # undefined}"),
        "@article{s, title = {Counting {S}heep by day} year = 2026}\n@misc{w, TITLE={Songs of\n  many {whales}}}"
        .replace("{S}", "{s}"),
        "@article{10.5555/S0140(20)30183-5, title = {Counting sheep by day}}\n@misc{w(2), title={Songs of many whales}}",
        "@article{\n  s,\n  title = {Counting sheep by day}}\n@misc{\n  title={Songs of many whales}\n}",
        "@article { s , title={Counting sheep by day} , }\r\n@misc{w,title={Songs of many whales},}",
        "@comment{old}\n@preamble{{x}}\n@article{s, title = {{Counting sheep by day}}}\n@misc{w, title={Songs of many whales}}",
        ("% a note\n@article{s, abstract = {mail me@home {x}, a = b}, title = {Counting sheep by day}}\n"
        "@online{w, title = {Songs of many whales}, url = {https://p.example/a@b{c}}}"),
    ],
)  # fmt: skip
def test_every_form_of_bibtex_gives_both_papers(text: str) -> None:
    seeds = parse_bibliography(text)
    assert [paper.title for paper in seeds.papers] == [SHEEP.title, WHALES.title]
    assert (seeds.ids, seeds.unknown) == ((), ())


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        (r"Schr{\"o}dinger's {\ss}heep \& {\o}xen", "Schrödinger's ßheep & øxen"),
        (r"{Fran\c{c}ois} \v{S}afa\v{r}{\'\i}k", "François Šafařík"),
        (r"On $\vartheta$-sheep in $\mathbb{Q}_p$", "On ϑ-sheep in ℚₚ"),
        (r"The ${\mathrm{H}}_{2}$ \emph{of} {{NASA}}", "The H₂ of NASA"),
        ("Sheep --- a {R}eview of {\\em all}", "Sheep — a Review of all"),
    ],
)
def test_tex_of_a_bibtex_title_becomes_plain(title: str, plain: str) -> None:
    (paper,) = parse_bibliography(f"@article{{a, title = {{{title}}}}}").papers
    assert paper.title == plain.replace("ϑ", "θ")


@pytest.mark.parametrize(
    "field",
    [
        "arxivId = {2611.00042}", "arxivId = {2611.00042v3}", "eprint = {arXiv:2611.00042}", "ids = {2611.00042}",
        "eprint = {2611.00042}, archivePrefix = {arXiv}", "note = {arXiv:2611.00042 [cs.CL]}",
        "journal = {arXiv preprint arXiv:2611.00042}", r"howpublished = {\url{https://arxiv.org/abs/2611.00042}}",
        "journal = {CoRR}, volume = {abs/2611.00042}", "doi = {10.48550/arXiv.2611.00042}",
        "url = {http://arxiv.org/abs/2611.00042v1}", "howpublished = {see [arXiv:2611.00042].}",
        r"note = {\href{https://arxiv.org/abs/2611.00042}{here}}", "comment = {(arXiv:2611.00042)}",
    ],
)  # fmt: skip
def test_the_arxiv_id_of_an_entry_is_found_in_any_field(field: str) -> None:
    seeds = parse_bibliography(f"@misc{{a, title = {{Sheep}}, pages = {{1234.5678}}, {field}}}")
    assert seeds.papers == (LikedPaper("Sheep", "", "arxiv:2611.00042"),)


@pytest.mark.parametrize(
    ("field", "doi"),
    [
        ("doi = {10.5555/1234-5678(1999)110<446:COSD>2.0.CO;2}", "10.5555/1234-5678(1999)110<446:cosd>2.0.co;2"),
        (r"doi = {10.5555/1(1999)1{\textless}4:C{\textgreater}2.0.CO;2}", "10.5555/1(1999)1<4:c>2.0.co;2"),
        (r"doi = {10.5555/978-3\_42}", "10.5555/978-3_42"), (r"doi = {10.5555/978-3{\_}42}", "10.5555/978-3_42"),
        ("doi = {https://doi.org/10.5555/ABC}", "10.5555/abc"), ("url = {https://doi.org/10.5555/a; x}", "10.5555/a"),
        ("eprint = {0601001}, archivePrefix = {arXiv}, primaryClass = {math.AG}", "math/0601001"),
        ("abstract = {After 10.5555/other}, annote = {2611.00001}, related = {2611.00002}", ""),
    ],
)  # fmt: skip
def test_the_doi_of_an_entry_is_found_and_whole(field: str, doi: str) -> None:
    (paper,) = parse_bibliography(f"@misc{{a, title = {{Sheep}}, {field}}}").papers
    assert paper.paper_id.partition(":")[2] == doi


@pytest.mark.parametrize(
    "text",
    [
        "@article{a, title = {Sheep}, pmid = {31978945}}", '[{"title": "Sheep", "PMID": "31978945"}]',
        "@article{a, title = {Sheep}, note = {PMID: 31978945}}",
    ],
)  # fmt: skip
def test_the_pubmed_id_of_an_entry_is_found(text: str) -> None:
    assert parse_bibliography(text).papers == (LikedPaper("Sheep", "", "pmid:31978945"),)


def test_a_doi_is_surer_than_a_pubmed_id_and_other_numbers_are_none() -> None:
    entry = "@article{{a, title = {{Sheep}}, pmid = {{{}}}, doi = {{{}}}, version = {{2024.1234}}}}"
    assert parse_bibliography(entry.format("31978945", "10.5555/a")).papers[0].paper_id == "doi:10.5555/a"
    assert parse_bibliography(entry.format("none", "")).papers[0].paper_id == ""


def test_ids_between_bibtex_entries_count_too() -> None:
    seeds = parse_bibliography("2611.00001\n@misc{a, title = {Sheep}}\nand https://arxiv.org/abs/2611.00002.")
    assert seeds == SeedPapers((LikedPaper("Sheep"),), ("arxiv:2611.00001", "arxiv:2611.00002"))


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "text",
    [
        (
            "TY  - JOUR\nTI  - Counting sheep\n      by day\nUR  - https://p.example/1\nUR  - https://arxiv.org/abs/2611.00042\n"
            "ER  - \nTY  - CHAP\nT1  - Songs of many whales\nT2  - arXiv\nER  -"
        ),
        (
            "TY  - JOUR\nTI  - Counting sheep by day\nJO  - arXiv preprint arXiv:2611.00042\n"
            "TY  - JOUR\nTI  - Songs of many whales"
        ),
        "TY - JOUR\nTI - Counting sheep by\nday\nT2 - arXiv:2611.00042 [cs.CL]\nER -\n\nTY - JOUR\nTI - Songs of many whales\n",
        (
            "Exported today\n\nTY  - JOUR\nAU  - Love, A\nTI  - Counting sheep by day\nL1  - https://arxiv.org/pdf/2611.00042v2.pdf\n"
            "ER  - \n\nTY  - JOUR\nST  - Songs\nTI  - Songs of many whales\nER  - "
        ),
        "TY  - JOUR\nTI  - Counting\u2028sheep by day\nN1  - arXiv:2611.00042\nER  - \nTY  - JOUR\nTI  - Songs of many\u2029whales",
    ],
)
def test_every_form_of_ris_gives_both_papers(text: str, line_end: str) -> None:
    seeds = parse_bibliography(text.replace("\n", line_end))
    assert seeds == SeedPapers((LikedPaper(SHEEP.title, "", "arxiv:2611.00042"), WHALES))


@pytest.mark.parametrize(
    "text",
    [
        '[{"title": "Counting sheep by day", "DOI": "10.48550/arXiv.2611.00042"}, {"title": "Songs of many whales"}]',
        '{"items": [{"title": "<i>Counting</i> sheep by day", "note": "arXiv:2611.00042"}, {"title": ["Songs of many whales"]}]}',
        '{"title": "Counting sheep by day", "id": "arxiv:2611.00042"}\n{"title": "Songs\u2028of many whales"}\n',
        '[{"title": "Counting\nsheep by day", "URL": "https://arxiv.org/abs/2611.00042"}, {"title": "Songs of many whales"}]',
        '[{"title": "Counting sheep by day", "externalIds": {"ArXiv": "2611.00042"}}, {"title": "Songs of many whales"}]',
        (
            "<xml><records><record><titles><title><style>Counting sheep </style><style>by day</style></title></titles>"
            "<electronic-resource-num>10.48550/arXiv.2611.00042</electronic-resource-num></record>"
            "<record><titles><title>Songs of many whales</title></titles></record></records></xml>"
        ),
        (
            '<?xml version="1.0" encoding="UTF-16"?><xml><records><record><titles><title>Counting sheep by day</title></titles>'
            "<urls><related-urls><url>https://p.example</url><url>https://arxiv.org/abs/2611.00042</url></related-urls></urls>"
            "</record><record><titles><title>Songs of many whales</title></titles></record></records></xml>"
        ),
    ],
)
def test_json_and_endnote_give_both_papers(text: str) -> None:
    assert parse_bibliography(text) == SeedPapers((LikedPaper(SHEEP.title, "", "arxiv:2611.00042"), WHALES))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "text",
    [
        (
            "PMID- 41900001\nOWN - NLM\nTI  - Counting sheep\n      by day.\nLID - s41-1 [pii]\n"
            "LID - 10.48550/arXiv.2611.00042 [doi]\nCON - Nature. 2026. doi: 10.5555/other. PMID: 7\nAU  - Love A\n\n"
            "PMID- 41900002\nTI  - Songs of many whales\n"
        ),
        (
            "%0 Journal Article\n%A Love, Ada\n%T Counting sheep\nby day\n%R 10.48550/arXiv.2611.00042\n%8 2026\n\n"
            "%0 Journal Article\n%T Songs of many whales\n%U https://pubmed.ncbi.nlm.nih.gov/41900002/\n"
        ),
        (
            "FN Clarivate Analytics Web of Science\nVR 1.0\nPT J\nAU Love, A\n   Chen, B\nTI Counting sheep\n   by day\n"
            "CR Other A, 2020, DOI 10.5555/other\nDI 10.48550/arXiv.2611.00042\nER\n\n"
            "PT J\nTI Songs of many whales\nPM 41900002\nER\n\nEF\n"
        ),
        (
            '"Authors","Title","DOI","References"\n"Love, A.; Chen, B.","Counting sheep\nby day","10.48550/arXiv.2611.00042",'
            '"10.5555/other"\n"","Songs of many whales","pmid:41900002","PMID: 7"\n'
        ),
        (
            "PT\tAU\tTI\tDI\tPM\nJ\tLove, A\tCounting sheep by day\t10.48550/arXiv.2611.00042\t\n"
            "J\t\tSongs of many whales\t\t41900002\n"
        ),
        (
            "Key;Article Title;Url\nX1;Counting sheep by day;http://arxiv.org/abs/2611.00042v1\n"
            "X2;Songs of many whales;https://pubmed.ncbi.nlm.nih.gov/41900002/\n"
        ),
    ],
)
def test_exports_of_pubmed_and_endnote_give_both_papers(text: str, line_end: str) -> None:
    sheep, whales = parse_bibliography(text.replace("\n", line_end)).papers
    assert (sheep.title.removesuffix("."), sheep.paper_id) == ("Counting sheep by day", "arxiv:2611.00042")
    assert (whales.title, whales.paper_id) == ("Songs of many whales", "pmid:41900002")


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("@misc{nameless, year = 2026}\n\n@misc{year = 2026}", ("line 1: nameless", "line 3: @misc")),
        ("TY  - JOUR\nPY  - 2026\nER  - ", ("line 1: 2026",)),
        ('{"title": "Sheep"}\n{"year": 2026, "id": "x1"}\n{broken', ("line 2: x1", "line 3: {broken")),
        (
            "2611.00001 and ISSN:1234567, see wolves\n\nMy favourite",
            ("line 1: ISSN:1234567", "line 3: My favourite"),
        ),
    ],
)
def test_what_is_not_understood_is_listed_with_its_line(text: str, unknown: tuple[str, ...]) -> None:
    assert tuple(map(str, parse_bibliography(text).unknown)) == unknown


@pytest.mark.parametrize(
    "text",
    [
        "See https://arxiv.org/abs/2611.00001. Also (arXiv:2611.00002), and [this](https://doi.org/10.5555/a.1).",
        "2611.00001,2611.00002;10.5555/a.1",
        "- <https://arxiv.org/abs/2611.00001>\n- **arXiv:2611.00002v2**\n- `10.5555/a.1`",
        "<rdf:RDF><dc:identifier>arXiv:2611.00001</dc:identifier><a>doi:10.48550/arXiv.2611.00002</a><b>10.5555/a.1</b><p>",
        '<a href="https://arxiv.org/abs/2611.00001">one</a><br>arXiv: 2611.00002 | doi: 10.5555/A.1;',
        "论文：https://arxiv.org/abs/2611.00001。还有（arXiv:2611.00002），10.5555/a.1。",
        "\u201chttps://alphaxiv.org/abs/2611.00001\u201d, ar5iv.org/abs/2611.00002! https://p.example/doi/10.5555/a.1/full?",
    ],
)
def test_ids_are_found_in_any_text(text: str) -> None:
    assert parse_bibliography(text) == SeedPapers(
        ids=("arxiv:2611.00001", "arxiv:2611.00002", "doi:10.5555/a.1")
    )


def test_strings_joined_over_and_over_stay_small() -> None:
    bomb = '@string{a0 = "' + "wool " * 50 + '"}\n'
    bomb += "".join(f"@string{{a{n} = {' # '.join([f'a{n - 1}'] * 9)}}}\n" for n in range(1, 12))
    (paper,) = parse_bibliography(bomb + "@misc{a, title = " + " # ".join(["a11"] * 900) + "}").papers
    assert len(paper.title) <= 20_000


@given(
    st.lists(st.sampled_from(["sheep", "{wool}", "by day", "A {B} c"]), min_size=1, max_size=5),
    st.integers(0, 3),
)
def test_all_entries_of_a_library_are_accounted_for(titles: list[str], blanks: int) -> None:
    entries = [f"@misc{{k{n}, title = {{{title} {n}}}}}" for n, title in enumerate(titles)]
    seeds = parse_bibliography(("\n" * blanks).join([*entries, "@misc{last, year = 2026}"]))
    assert len(seeds.papers) + len(seeds.unknown) == len(titles) + 1
