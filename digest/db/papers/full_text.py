"""Full-text search of papers, with SQLite's FTS5 or PostgreSQL's tsvector.

The index lives in the database and is kept up to date by triggers (migration 0002). It finds the newest
papers that contain all words; `SearchTerms` then ranks these, alike on both databases. Ranking in the
database would read every paper with a common word.

    score = mean over the words of n / (n + 4), plus 1/2 if the title contains them in the same order
    n = 8 · occurrences in the title + 2 · in the authors + 1 · in the abstract

Occurrences are of a word's root, so that other forms count too. Words are not weighted by rarity: every paper
that is scored contains all of them, and counting a very common word would cost more than everything else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from unicodedata import normalize

import sqlalchemy as sa

from digest.db.dialects import is_postgres, strip_unstorable
from digest.db.papers.aliases import find_numbers
from digest.db.tables import PAPER
from digest.models.paper_ids import canonicalize

MAX_RANKED = 2000  # the newest papers that contain the words
MAX_FILTERED_BY_SOURCE = 5000  # the newest papers that contain the words, when filtering by source
MAX_BROWSED_BY_SOURCE = 100_000  # the newest papers, when filtering by source without words
MIN_MATCHES = 100  # with fewer, the last word is also taken as a prefix
_MAX_WORDS = 16
_MIN_PREFIX_LETTERS = 3  # a shorter prefix would match half of all papers
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ACCENT = re.compile("[\u0300-\u036f]")
_ENGLISH: sa.ColumnElement[Any] = sa.literal_column("'english'::regconfig")
_SIMPLE: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
_TEXT = sa.table("paper_text", sa.column("rowid"), sa.column("number"), sa.column("document"))

TITLE_WEIGHT, AUTHORS_WEIGHT, ABSTRACT_WEIGHT = 8, 2, 1
HALF_SCORE_COUNT = 4  # weighted occurrences at which a word scores 1/2
PHRASE_BONUS = 0.5  # for a title with the words in the same order
ENDING = re.compile(r"(?<=\w{4})(?:ations?|ings?|ies|ied|ed|es|e|s|y)$")
MAX_SHORT_ROOT = 3  # letters; a root this short matches only at the beginning of words

NumberScore = tuple[int, float]  # a paper's number, and its score, larger for a better match


def normalize_text(text: str) -> str:
    """Return the text in lower case and without accents, so that "Muller" also finds "Müller"."""
    return (text if text.isascii() else _ACCENT.sub("", normalize("NFKD", text))).lower()


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """The words of a search, prepared to score thousands of papers."""

    roots: tuple[str, ...]
    phrase: str  # empty for a single word

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Self:
        """Reduce words to their roots, without endings."""
        roots = (ENDING.sub("", normalize_text(word)) for word in words)
        patterns = tuple(f" {root}" if len(root) <= MAX_SHORT_ROOT else root for root in roots)
        return cls(patterns, " ".join(map(normalize_text, words)) if len(words) > 1 else "")

    def score(self, title: str, abstract: str, authors: str) -> float:
        """Return how well these fields match: 0 for not at all, always below 1.5."""
        title, abstract = f" {normalize_text(title)}", f" {normalize_text(abstract)}"
        authors = normalize_text(authors)
        total = PHRASE_BONUS * len(self.roots) if self.phrase and self.phrase in title else 0.0
        for root in self.roots:
            count = ABSTRACT_WEIGHT * abstract.count(root)
            count += TITLE_WEIGHT * title.count(root) + AUTHORS_WEIGHT * authors.count(root)
            total += count / (count + HALF_SCORE_COUNT)
        return total / len(self.roots) if self.roots else 0.0


@dataclass(frozen=True, slots=True)
class PaperQuery:
    """A parsed search: words and filters, without any query syntax; or the id of a paper."""

    words: tuple[str, ...]
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    source: str = ""
    is_empty: bool = False  # the text has no words in it, so nothing matches
    is_prefix: bool = False  # the last word may be the beginning of a word
    paper_id: str = ""  # if the text is an id, a DOI or a link of a paper

    @classmethod
    def parse(cls, text: str, categories: Sequence[str], since: datetime | None, source: str | None) -> Self:
        """Parse the text and filters that a person entered."""
        words = tuple(_split_words(text)[:_MAX_WORDS])
        names = tuple(strip_unstorable(name) for name in categories)
        return cls(
            words,
            names,
            since,
            strip_unstorable(source or ""),
            is_empty=bool(text.strip()) and not words,
            paper_id=_parse_id(text),
        )


def match_papers(
    connection: sa.Connection, query: PaperQuery, *, limit: int, offset: int = 0
) -> list[NumberScore]:
    """Return the numbers and scores of matching papers, best first.

    Without words: the newest first, all with score 1. An id finds its paper alone, if that is stored.
    """
    if query.is_empty:
        return []
    if query.paper_id and (known := find_numbers(connection, [query.paper_id])):
        select = sa.select(PAPER.c.number).where(PAPER.c.number.in_(known.values()))
        found = connection.scalars(select.where(*build_filters(connection, query)))
        return [(number, 1.0) for number in found][offset : offset + limit]
    if not query.words:
        rows = connection.execute(_select_newest(connection, query).limit(limit).offset(offset))
        return [(number, 1.0) for (number,) in rows]
    scores = sorted(_score(connection, query), key=lambda item: (-item[1], -item[0]))
    return scores[offset : offset + limit]


def build_filters(connection: sa.Connection, query: PaperQuery) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a query other than its words."""
    conditions: list[sa.ColumnElement[bool]] = []
    if query.since is not None:
        conditions.append(PAPER.c.first_seen >= query.since)
    if query.source:
        conditions.append(PAPER.c.source == query.source)
    if query.categories:
        elements = sa.func.jsonb_array_elements_text if is_postgres(connection) else sa.func.json_each
        category = elements(PAPER.c.categories).table_valued("value")
        matches = [category.c.value == name for name in query.categories]
        matches += [category.c.value.startswith(f"{name}.", autoescape=True) for name in query.categories]
        conditions.append(sa.exists(sa.select(sa.literal(1)).select_from(category).where(sa.or_(*matches))))
    return conditions


def _score(connection: sa.Connection, query: PaperQuery) -> list[NumberScore]:
    """Score the newest papers with these words; if they are few, take the last word as a prefix."""
    terms = SearchTerms.from_words(query.words)
    scores = [(row[0], terms.score(*row[1:])) for row in _read_ranked(connection, query)]
    if len(scores) < MIN_MATCHES and not query.is_prefix and len(query.words[-1]) >= _MIN_PREFIX_LETTERS:
        return _score(connection, replace(query, is_prefix=True))
    return scores


def _read_ranked(connection: sa.Connection, query: PaperQuery) -> Iterator[Any]:
    """Yield number, title, abstract and authors of the papers to rank."""
    newest = _select_newest(connection, query).limit(MAX_RANKED).subquery()
    authors = sa.cast(PAPER.c.authors, sa.Text) if is_postgres(connection) else PAPER.c.authors
    columns = (PAPER.c.number, PAPER.c.title, PAPER.c.abstract, sa.type_coerce(authors, sa.Text))
    yield from connection.execute(sa.select(*columns).join(newest, newest.c.number == PAPER.c.number))


def _select_newest(connection: sa.Connection, query: PaperQuery) -> sa.Select[int]:
    filters = build_filters(connection, query)
    return (_select_postgres if is_postgres(connection) else _select_sqlite)(query, filters)


def _parse_id(text: str) -> str:
    try:
        return canonicalize(text.strip())
    except ValueError:
        return ""


def _split_words(text: str) -> list[str]:
    """Return the words of a text without accents, so that "Muller" also finds "Müller"."""
    return _WORD.findall(_ACCENT.sub("", normalize("NFKD", text)))


def _select_sqlite(query: PaperQuery, filters: list[sa.ColumnElement[bool]]) -> sa.Select[int]:
    if not query.words and not query.categories:
        if query.source:
            newest = sa.select(sa.func.max(PAPER.c.number)).scalar_subquery()
            filters.append(PAPER.c.number > newest - MAX_BROWSED_BY_SOURCE)
        return sa.select(PAPER.c.number).where(*filters).order_by(PAPER.c.number.desc())
    match = sa.literal_column("paper_text").op("MATCH")(_to_fts5(query))
    select = sa.select(_TEXT.c.rowid.label("number")).where(match).order_by(_TEXT.c.rowid.desc())
    if query.since is not None:
        # "+ 0": otherwise SQLite looks for the smallest number row by row and not by the index of dates.
        oldest = sa.select(sa.func.min(PAPER.c.number + 0)).where(PAPER.c.first_seen >= query.since)
        select = select.where(_TEXT.c.rowid >= oldest.scalar_subquery())
    if query.source:
        considered = select.limit(MAX_FILTERED_BY_SOURCE).subquery()
        oldest = sa.select(sa.func.min(considered.c.number))
        select = select.where(_TEXT.c.rowid >= oldest.scalar_subquery())
    if filters:
        # Not a join: the planner would then scan the papers by date instead of using the full-text index.
        paper = sa.select(sa.literal(1)).select_from(PAPER).where(PAPER.c.number == _TEXT.c.rowid, *filters)
        select = select.where(sa.exists(paper.correlate(_TEXT)))
    return select


def _to_fts5(query: PaperQuery) -> str:
    """Return an FTS5 expression in which everything a person wrote is quoted."""
    parts = []
    if query.words:
        prefix = "*" if query.is_prefix else ""
        words = " ".join(f'"{word}"' for word in query.words)
        parts.append(f"{{title abstract authors}} : ({words}{prefix})")
    if query.categories:
        names = " OR ".join(f'"{" ".join(_split_words(name)) or "-"}"' for name in query.categories)
        parts.append(f"categories : ({names})")
    return " AND ".join(f"({part})" for part in parts)


def _select_postgres(query: PaperQuery, filters: list[sa.ColumnElement[bool]]) -> sa.Select[int]:
    if not query.words:
        return sa.select(PAPER.c.number).where(*filters).order_by(PAPER.c.number.desc())
    lexemes = " & ".join(f"'{word}'" for word in query.words) + (":*" if query.is_prefix else "")
    tsquery = sa.func.to_tsquery(_ENGLISH, lexemes).op("||")(sa.func.to_tsquery(_SIMPLE, lexemes))
    return (
        sa.select(_TEXT.c.number)
        .join(PAPER, PAPER.c.number == _TEXT.c.number)
        .where(_TEXT.c.document.op("@@")(tsquery), *filters)
        .order_by(_TEXT.c.number.desc())
    )
