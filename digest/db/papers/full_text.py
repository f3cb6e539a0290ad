"""Which papers hold these words? SQLite's FTS5 and PostgreSQL's tsvector, asked the same question.

The index belongs to the database (see the first migration): triggers keep it in step with the papers. It
finds the newest papers that hold the words, however many there are. Which of them come first is decided by
`digest.db.papers.text_match`, alike on both databases: in here it would read all there is of a common word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from unicodedata import normalize

import sqlalchemy as sa

from digest.db.dialects import is_postgres, storable
from digest.db.papers.text_match import SearchTerms
from digest.db.tables import PAPER

CONSIDERED = 2000  # of a word that is everywhere, the newest so many are ranked
LOOKED_AT = 5000  # the newest so many of those that hold the words are looked at for those of one source
BROWSED = 100_000  # and without words the newest so many of all
ENOUGH = 100  # papers with the last word as it stands; of fewer, it may be the beginning of one
_MOST_WORDS = 16
_SHORTEST_STEM = 3  # one or two letters are no beginning of a word yet: they would mean half of all papers
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ACCENT = re.compile("[\u0300-\u036f]")
_ENGLISH: sa.ColumnElement[Any] = sa.literal_column("'english'::regconfig")
_SIMPLE: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
_TEXT = sa.table("paper_text", sa.column("rowid"), sa.column("number"), sa.column("document"))

Weighed = tuple[int, float]  # a paper's number and its weight, larger for a better match


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. Whatever the text was, it is only words by now."""

    words: tuple[str, ...]
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    source: str = ""
    is_empty: bool = False  # something was typed, but no word in it: nothing is meant
    is_unfinished: bool = False  # the last word may be the beginning of one

    @classmethod
    def of(cls, text: str, categories: Sequence[str], since: datetime | None, source: str | None) -> Self:
        """The question somebody typed, with the filters they set."""
        words = tuple(_words(text)[:_MOST_WORDS])
        names = tuple(storable(name) for name in categories)
        return cls(words, names, since, storable(source or ""), is_empty=bool(text.strip()) and not words)


def matching(connection: sa.Connection, question: Question, *, limit: int, offset: int = 0) -> list[Weighed]:
    """The numbers of the papers that match: the best first, or, without words, the newest.

    With each its weight, larger for a better match; without words all weigh alike.
    """
    if question.is_empty:
        return []
    if not question.words:
        found = connection.execute(_newest(connection, question).limit(limit).offset(offset))
        return [(number, 1.0) for (number,) in found]
    return sorted(_weighed(connection, question), key=_best_first)[offset : offset + limit]


def filters_of(connection: sa.Connection, question: Question) -> list[sa.ColumnElement[bool]]:
    """What a paper must fulfil besides holding the words."""
    return _filters(
        question, sa.func.jsonb_array_elements_text if is_postgres(connection) else sa.func.json_each
    )


def _best_first(each: Weighed) -> tuple[float, int]:
    return -each[1], -each[0]


def _weighed(connection: sa.Connection, question: Question) -> list[Weighed]:
    """The newest papers with these words; with the last one unfinished only if it is rare as it stands."""
    wanted = SearchTerms.of(question.words)
    weighed = [(row[0], wanted.likeness(*row[1:])) for row in _read(connection, question)]
    if len(weighed) < ENOUGH and not question.is_unfinished and len(question.words[-1]) >= _SHORTEST_STEM:
        return _weighed(connection, replace(question, is_unfinished=True))
    return weighed


def _read(connection: sa.Connection, question: Question) -> Iterator[Any]:
    """Number, title, abstract and authors of those that are ranked."""
    newest = _newest(connection, question).limit(CONSIDERED).subquery()
    authors = sa.cast(PAPER.c.authors, sa.Text) if is_postgres(connection) else PAPER.c.authors
    columns = (PAPER.c.number, PAPER.c.title, PAPER.c.abstract, sa.type_coerce(authors, sa.Text))
    yield from connection.execute(sa.select(*columns).join(newest, newest.c.number == PAPER.c.number))


def _newest(connection: sa.Connection, question: Question) -> sa.Select[int]:
    return (_postgres if is_postgres(connection) else _sqlite)(question)


def _words(text: str) -> list[str]:
    """The words of a text, without accents: whoever types Muller means Müller too."""
    return _WORD.findall(_ACCENT.sub("", normalize("NFKD", text)))


def _sqlite(question: Question) -> sa.Select[int]:
    filters = _filters(question, sa.func.json_each)
    if not question.words and not question.categories:
        if question.source:
            newest = sa.select(sa.func.max(PAPER.c.number)).scalar_subquery()
            filters.append(PAPER.c.number > newest - BROWSED)
        return sa.select(PAPER.c.number).where(*filters).order_by(PAPER.c.number.desc())
    match = sa.literal_column("paper_text").op("MATCH")(_expression(question))
    holding = sa.select(_TEXT.c.rowid.label("number")).where(match).order_by(_TEXT.c.rowid.desc())
    if question.since is not None:
        # + 0: or SQLite looks for the smallest number, row by row, instead of going by the date.
        floor = sa.select(sa.func.min(PAPER.c.number + 0)).where(PAPER.c.first_seen >= question.since)
        holding = holding.where(_TEXT.c.rowid >= floor.scalar_subquery())
    if question.source:
        looked_at = holding.limit(LOOKED_AT).subquery()
        oldest = sa.select(sa.func.min(looked_at.c.number)).scalar_subquery()
        holding = holding.where(_TEXT.c.rowid >= oldest)
    if filters:
        # Not a join: the planner would rather walk the papers by date than go by words, newest first.
        this = sa.select(sa.literal(1)).select_from(PAPER).where(PAPER.c.number == _TEXT.c.rowid, *filters)
        holding = holding.where(sa.exists(this.correlate(_TEXT)))
    return holding


def _expression(question: Question) -> str:
    """An FTS5 expression in which everything a person wrote stands in quotes."""
    parts = []
    if question.words:
        unfinished = "*" if question.is_unfinished else ""
        asked = " ".join(f'"{word}"' for word in question.words)
        parts.append(f"{{title abstract authors}} : ({asked}{unfinished})")
    if question.categories:
        names = " OR ".join(f'"{" ".join(_words(name)) or "-"}"' for name in question.categories)
        parts.append(f"categories : ({names})")
    return " AND ".join(f"({part})" for part in parts)


def _postgres(question: Question) -> sa.Select[int]:
    filters = _filters(question, sa.func.jsonb_array_elements_text)
    if not question.words:
        return sa.select(PAPER.c.number).where(*filters).order_by(PAPER.c.number.desc())
    lexemes = _lexemes(question)
    asked = sa.func.to_tsquery(_ENGLISH, lexemes).op("||")(sa.func.to_tsquery(_SIMPLE, lexemes))
    return (
        sa.select(_TEXT.c.number)
        .join(PAPER, PAPER.c.number == _TEXT.c.number)
        .where(_TEXT.c.document.op("@@")(asked), *filters)
        .order_by(_TEXT.c.number.desc())
    )


def _lexemes(question: Question) -> str:
    unfinished = ":*" if question.is_unfinished else ""
    return " & ".join(f"'{word}'" for word in question.words) + unfinished


def _filters(question: Question, unfold: Any) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if question.since is not None:
        wanted.append(PAPER.c.first_seen >= question.since)
    if question.source:
        wanted.append(PAPER.c.source == question.source)
    if question.categories:
        each = unfold(PAPER.c.categories).table_valued("value")
        fits = [each.c.value == name for name in question.categories]
        fits += [each.c.value.startswith(f"{name}.", autoescape=True) for name in question.categories]
        wanted.append(sa.exists(sa.select(sa.literal(1)).select_from(each).where(sa.or_(*fits))))
    return wanted
