"""Tests of what holds for every source: no field of a paper has characters that steer or hide."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import FetchResult, Health, Paper
from digest.models.paper_ids import canonicalize
from digest.sources.base import FetchContext, clean_papers, fetch_source, to_aliases
from digest.sources.http.client import Client
from tests.factories import NOW, make_paper
from tests.models.test_text import HOSTILE, STEERING

LISTS = {"authors", "categories", "aliases", "keywords"}
NOT_TEXT = {"id", "aliases", "published", "version", "announcement", "listed", "withdrawn", "first_seen"}
NOT_TEXT |= {"text_from", "authors_from"}  # names of sources, which we set


def make_hostile(text: str) -> Paper:
    """Return a paper with *text* in every field that holds text."""
    values = {
        item.name: (text, "Ada") if item.name in LISTS else f"https://example.org/{text}"
        for item in fields(Paper)
        if item.name not in NOT_TEXT
    }
    return replace(make_paper(), **values)  # type: ignore[arg-type]  # by the names of its fields


def make_result(*papers: Paper) -> FetchResult:
    return FetchResult(source="feeds", scope="", read_at=NOW, health=Health.OK, papers=papers)


def read_texts(paper: Paper) -> list[str]:
    """Return the texts in all fields."""
    values = [getattr(paper, item.name) for item in fields(paper)]
    texts = [text for value in values for text in (value if isinstance(value, tuple) else (value,))]
    return [text for text in texts if isinstance(text, str)]


@given(text=HOSTILE | st.text())
def test_no_field_of_a_paper_steers_a_terminal_or_a_page(text: str) -> None:
    result = make_result(make_hostile(text))
    (paper,) = clean_papers(result).papers
    assert not any(STEERING.search(value) or "\n" in value for value in read_texts(paper))
    assert clean_papers(clean_papers(result)) == clean_papers(result)


def test_printable_paper_stays_as_it_is() -> None:
    paper = make_hostile("Zwei Schafe, 两只羊 (naïve)")
    result = make_result(paper)
    assert clean_papers(result).papers == (paper,)


@dataclass(frozen=True, slots=True)
class OnePaper:
    """A source of one paper."""

    paper: Paper
    name: str = "feeds"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        yield replace(make_result(self.paper), read_at=context.now)


async def test_every_source_is_cleaned(client: Client) -> None:
    source = OnePaper(make_hostile("a\x1b[2J\u202eb\x9b"))
    ((paper,),) = [
        result.papers for result in await fetch_source(source, FetchContext(client=client, now=NOW))
    ]
    assert paper.url == "https://example.org/a%1B[2J%E2%80%AEb%C2%9B"
    assert paper.submitter == "https://example.org/a [2Jb"


@pytest.mark.parametrize(
    "doi", ["10.1000/a\x1b[2Jb", "10.1000/a%1b[2Jb", "https://doi.org/10.1000/a%E2%80%AE%C2%9Bb"]
)
def test_no_id_steers_a_terminal(doi: str) -> None:
    assert not STEERING.search(canonicalize(doi))


def test_title_that_steers_is_no_id() -> None:
    with pytest.raises(ValueError, match="neither"):
        canonicalize("title:\x1b[2J")


@pytest.mark.parametrize(
    ("doi", "aliases"),
    [
        ("10.5555/a", ("doi:10.5555/a",)), ("10.5555/a 10.5555/b", ("doi:10.5555/a",)),
        ("DOI: 10.5555/a", ("doi:10.5555/a",)), ("", ()), ("in press", ()),
    ],
)  # fmt: skip
def test_the_first_doi_of_a_field_is_an_alias(doi: str, aliases: tuple[str, ...]) -> None:
    assert to_aliases(doi) == aliases
