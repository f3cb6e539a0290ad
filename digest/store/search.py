"""Which papers hold these words? SQLite's FTS5 and PostgreSQL's tsvector, asked the same question.

The index belongs to the database (see the first migration): triggers keep it in step with the papers.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from unicodedata import normalize

import sqlalchemy as sa

from digest.store.dialects import is_postgres, storable
from digest.store.records import PAPER

CONSIDERED = 2000  # of a word that is everywhere, the newest so many are ranked
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_ACCENT = re.compile("[\u0300-\u036f]")
_MOST_WORDS = 16
_WEIGHTS: sa.ColumnElement[Any] = sa.literal_column(
    "'{0.05, 0.1, 0.3, 1.0}'::real[]"
)  # a word in the title says most


def matching(  # noqa: PLR0913  the filters of the search page
    connection: sa.Connection,
    query: str,
    *,
    categories: Sequence[str] = (),
    since: datetime | None = None,
    source: str | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[int]:
    """The numbers of the papers that match, the best first. Whatever the text, it is only ever words."""
    words = _words(query)[:_MOST_WORDS]
    if query.strip() and not words:
        return []
    categories = [storable(name) for name in categories]
    wanted = _filters(connection, categories=categories, since=since, source=storable(source or ""))
    if not words:
        newest = sa.select(PAPER.c.number).where(*wanted).order_by(PAPER.c.number.desc())
    elif is_postgres(connection):
        newest = _postgres(words, wanted)
    else:
        newest = _sqlite(words, categories, wanted)
    return [row[0] for row in connection.execute(newest.limit(limit).offset(offset))]


def _words(text: str) -> list[str]:
    """The words of a text, without accents: whoever types Muller means Müller too."""
    return _WORD.findall(_ACCENT.sub("", normalize("NFKD", text)))


def _filters(
    connection: sa.Connection, *, categories: Sequence[str], since: datetime | None, source: str
) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = []
    if since is not None:
        wanted.append(PAPER.c.first_seen >= since)
    if source:
        wanted.append(PAPER.c.source == source)
    if categories:
        unfold = sa.func.jsonb_array_elements_text if is_postgres(connection) else sa.func.json_each
        each = unfold(PAPER.c.categories).table_valued("value")
        fits = [each.c.value == name for name in categories]
        fits += [each.c.value.startswith(f"{name}.", autoescape=True) for name in categories]
        wanted.append(sa.exists(sa.select(sa.literal(1)).select_from(each).where(sa.or_(*fits))))
    return wanted


def _sqlite(
    words: Sequence[str], categories: Sequence[str], wanted: Sequence[sa.ColumnElement[bool]]
) -> sa.Select[tuple[int]]:
    text = sa.table("paper_text", sa.column("rowid"), sa.column("paper_text"))
    weight: sa.ColumnElement[float] = sa.literal_column(
        "bm25(paper_text, 8.0, 1.0, 2.0, 0.0)"
    )  # a word in the title says most
    newest = sa.select(text.c.rowid.label("number"), weight.label("weight")).where(
        sa.literal_column("paper_text").op("MATCH")(_expression(words, categories))
    )
    if wanted:
        newest = newest.join(PAPER, PAPER.c.number == text.c.rowid).where(*wanted)
    ranked = newest.order_by(text.c.rowid.desc()).limit(CONSIDERED).subquery()
    return sa.select(ranked.c.number).order_by(ranked.c.weight, ranked.c.number.desc())


def _expression(words: Sequence[str], categories: Sequence[str]) -> str:
    """An FTS5 expression in which everything a person wrote stands in quotes."""
    asked = " ".join(f'"{word}"' for word in words) + "*"
    expression = f"{{title abstract authors}} : ({asked})"
    if categories:
        names = " OR ".join(f'"{" ".join(_words(name)) or "-"}"' for name in categories)
        expression = f"({expression}) AND categories : ({names})"
    return expression


def _postgres(words: Sequence[str], wanted: Sequence[sa.ColumnElement[bool]]) -> sa.Select[tuple[int]]:
    text = sa.table("paper_text", sa.column("number"), sa.column("document"))
    english: sa.ColumnElement[Any] = sa.literal_column("'english'::regconfig")
    simple: sa.ColumnElement[Any] = sa.literal_column("'simple'::regconfig")
    asked = sa.func.to_tsquery(english, _lexemes(words[:-1], last=words[-1])).op("||")(
        sa.func.to_tsquery(simple, _lexemes(words[:-1], last=words[-1]))
    )
    newest = (
        sa.select(text.c.number, sa.func.ts_rank(_WEIGHTS, text.c.document, asked).label("weight"))
        .join(PAPER, PAPER.c.number == text.c.number)
        .where(text.c.document.op("@@")(asked), *wanted)
    )
    ranked = newest.order_by(text.c.number.desc()).limit(CONSIDERED).subquery()
    return sa.select(ranked.c.number).order_by(ranked.c.weight.desc(), ranked.c.number.desc())


def _lexemes(words: Sequence[str], *, last: str) -> str:
    return " & ".join([*(f"'{word}'" for word in words), f"'{last}':*"])
