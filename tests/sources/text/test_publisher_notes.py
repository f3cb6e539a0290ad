"""Tests of what publishers write around titles and abstracts."""

import pytest

from digest.sources.text.normalize import strip_tags
from digest.sources.text.publisher_notes import strip_publisher_notes, strip_section_label


@pytest.mark.parametrize(
    ("markup", "abstract", "authors"),
    [
        (
            "<p>Publication date: May 2026</p><p><b>Source:</b> Wool</p><p>Author(s): Ada Wolle, Bo Chen</p>",
            "",
            "Ada Wolle, Bo Chen",
        ),
        (
            "Author(s): Ada Wolle<br/><p>Sheep sleep.</p><br/>[Wool Lett. 7, 12] Published Tue Nov 24, 2026",
            "Sheep sleep.",
            "Ada Wolle",
        ),
        (
            "<p>Wool, Published online: 24 May 2026; <a href='x'>doi:10.1000/7</a></p>Sheep sleep.",
            "Sheep sleep.",
            "",
        ),
        ("Wool Science, Volume 7, Issue 12, Page 1-10, May 2026.", "", ""),
        ("Wool Science, EarlyView.", "", ""),
        ("Wool Science, Ahead of Print.<br/>Sheep sleep.", "Sheep sleep.", ""),
        ("arXiv:2611.00001v1 Announce Type: replace-cross\nAbstract: Sheep sleep.", "Sheep sleep.", ""),
        ("<h2>ABSTRACT</h2><p>Sheep sleep.</p>", "Sheep sleep.", ""),
        ("Summary. Sheep sleep.", "Sheep sleep.", ""),
        ("<b>ABSTRACT</b> Sheep sleep.", "Sheep sleep.", ""),
        ("Wool Science, Volume ahead-of-print, Issue ahead-of-print.", "", ""),
        (
            "<p>Sheep sleep.</p><p>The post <a>Sheep</a> appeared first on <a>Wool</a>.</p>",
            "Sheep sleep.",
            "",
        ),
        ("<p>Sheep sleep. <a>[Read more]</a></p>", "Sheep sleep.", ""),
        ("Sheep sleep… Continue reading →", "Sheep sleep…", ""),
        ("No abstract available.", "", ""),
    ],
)
def test_only_the_abstract_is_kept(markup: str, abstract: str, authors: str) -> None:
    assert strip_publisher_notes(strip_tags(markup)) == (abstract, authors)


@pytest.mark.parametrize(
    "prose",
    [
        "Abstract interpretation counts sheep.",
        "Source: we read wool.\nIt is warm.",
        "Volumes of wool, published online, are read more often than others.",
        "The post is old; it appeared in print first.",
        "Summary statistics of sheep are given.",
        "Sheep with glasses read more.",
        "We measure mass, volume changes, and the wool of sheep.",
    ],
)
def test_sentences_of_an_abstract_stay(prose: str) -> None:
    assert strip_publisher_notes(prose) == (prose, "")


@pytest.mark.parametrize(
    ("title", "without"),
    [
        ("[ASAP] Wool of Iron", "Wool of Iron"),
        ("[World Report] Sheep return", "Sheep return"),
        ("[Review] mRNA of sheep", "mRNA of sheep"),
        ("[NiFe] Wool", "[NiFe] Wool"),
        ("[18F]Wool", "[18F]Wool"),
        ("[Retracted] Sheep", "[Retracted] Sheep"),
        ("[Sheep and their wool].", "[Sheep and their wool]."),
    ],
)
def test_section_of_the_journal_is_no_part_of_the_title(title: str, without: str) -> None:
    assert strip_section_label(title) == without
