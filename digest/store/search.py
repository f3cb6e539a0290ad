"""Which papers hold these words? SQLite's FTS5 and PostgreSQL's tsvector, asked the same question.

The index belongs to the database (see the first migration): triggers keep it in step with the papers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from unicodedata import normalize

import sqlalchemy as sa

from digest.store.dialects import is_postgres, storable
from digest.store.records import PAPER

CONSIDERED = 2000  # of a word that is everywhere, the newest so many are ranked
_MOST_WORDS = 16
_SHORTEST_STEM = 2  # a single letter is no beginning of a word yet: it would mean half of all papers
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ACCENT = re.compile("[\u0300-\u036f]")
# A word in the title says most, one in the abstract least.
_BM25: sa.ColumnElement[float] = sa.literal_column("bm25(paper_text, 8.0, 1.0, 2.0, 0.0)")
_ALIKE = sa.literal(1.0)
_WEIGHTS: sa.ColumnElement[Any] = sa.literal_column("'{0.05, 0.1, 0.3, 1.0}'::real[]")
_ENGLISH: sa.ColumnElement[Any] = sa.literal_column("'english'::regconfig")
_SIMPLE: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
_TEXT = sa.table("paper_text", sa.column("rowid"), sa.column("number"), sa.column("document"))


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. Whatever the text was, it is only words by now."""

    words: tuple[str, ...]
    categories: tuple[str, ...] = ()
    since: datetime | None = None
    source: str = ""
    is_empty: bool = False  # something was typed, but no word in it: nothing is meant

    @classmethod
    def of(cls, text: str, categories: Sequence[str], since: datetime | None, source: str | None) -> Self:
        """The question somebody typed, with the filters they set."""
        words = tuple(_words(text)[:_MOST_WORDS])
        names = tuple(storable(name) for name in categories)
        return cls(words, names, since, storable(source or ""), is_empty=bool(text.strip()) and not words)


def matching(
    connection: sa.Connection, question: Question, *, limit: int, offset: int = 0
) -> list[tuple[int, float]]:
    """The numbers of the papers that match: the best first, or, without words, the newest.

    With each its weight, larger for a better match; without words all weigh alike.
    """
    if question.is_empty:
        return []
    ask = _postgres if is_postgres(connection) else _sqlite
    found = connection.execute(ask(question).limit(limit).offset(offset))
    return [(number, weight) for number, weight in found]


def _words(text: str) -> list[str]:
    """The words of a text, without accents: whoever types Muller means Müller too."""
    return _WORD.findall(_ACCENT.sub("", normalize("NFKD", text)))


def _sqlite(question: Question) -> sa.Select[int, float]:
    filters = _filters(question, sa.func.json_each)
    if not question.words and not question.categories:
        return sa.select(PAPER.c.number, _ALIKE).where(*filters).order_by(PAPER.c.number.desc())
    match = sa.literal_column("paper_text").op("MATCH")(_expression(question))
    newest = sa.select(_TEXT.c.rowid.label("number"), _BM25.label("weight")).where(match)
    if question.since is not None:
        # + 0: or SQLite looks for the smallest number, row by row, instead of going by the date.
        floor = sa.select(sa.func.min(PAPER.c.number + 0)).where(PAPER.c.first_seen >= question.since)
        newest = newest.where(_TEXT.c.rowid >= floor.scalar_subquery())
    if filters:
        # Not a join: the planner would rather walk the papers by date than go by words, newest first.
        this = sa.select(sa.literal(1)).select_from(PAPER).where(PAPER.c.number == _TEXT.c.rowid, *filters)
        newest = newest.where(sa.exists(this.correlate(_TEXT)))
    newest = newest.order_by(_TEXT.c.rowid.desc())
    if not question.words:
        return newest.with_only_columns(_TEXT.c.rowid, _ALIKE)
    ranked = newest.limit(CONSIDERED).subquery()
    return sa.select(ranked.c.number, -ranked.c.weight).order_by(ranked.c.weight, ranked.c.number.desc())


def _expression(question: Question) -> str:
    """An FTS5 expression in which everything a person wrote stands in quotes."""
    parts = []
    if question.words:
        unfinished = "*" if len(question.words[-1]) >= _SHORTEST_STEM else ""
        asked = " ".join(f'"{word}"' for word in question.words)
        parts.append(f"{{title abstract authors}} : ({asked}{unfinished})")
    if question.categories:
        names = " OR ".join(f'"{" ".join(_words(name)) or "-"}"' for name in question.categories)
        parts.append(f"categories : ({names})")
    return " AND ".join(f"({part})" for part in parts)


def _postgres(question: Question) -> sa.Select[int, float]:
    filters = _filters(question, sa.func.jsonb_array_elements_text)
    if not question.words:
        return sa.select(PAPER.c.number, _ALIKE).where(*filters).order_by(PAPER.c.number.desc())
    lexemes = _lexemes(question)
    asked = sa.func.to_tsquery(_ENGLISH, lexemes).op("||")(sa.func.to_tsquery(_SIMPLE, lexemes))
    newest = (
        sa.select(_TEXT.c.number, sa.func.ts_rank(_WEIGHTS, _TEXT.c.document, asked).label("weight"))
        .join(PAPER, PAPER.c.number == _TEXT.c.number)
        .where(_TEXT.c.document.op("@@")(asked), *filters)
    )
    ranked = newest.order_by(_TEXT.c.number.desc()).limit(CONSIDERED).subquery()
    return sa.select(ranked.c.number, ranked.c.weight).order_by(
        ranked.c.weight.desc(), ranked.c.number.desc()
    )


def _lexemes(question: Question) -> str:
    unfinished = ":*" if len(question.words[-1]) >= _SHORTEST_STEM else ""
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
