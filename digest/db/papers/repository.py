"""The repository of papers: added in bulk, found by any key, each work stored once."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, cast

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.dialects import insert, is_postgres, split_chunks
from digest.db.papers.aliases import find_numbers
from digest.db.papers.full_text import PaperQuery, build_filters, match_papers
from digest.db.papers.history import PaperHistory
from digest.db.papers.matching import PaperMatcher, Work
from digest.db.papers.news import News
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.tables import ALIAS, PAPER, SAVED_PAPER, SIGNAL
from digest.models import Announcement, Paper
from digest.models.errors import require
from digest.models.paper_ids import build_keys
from digest.models.papers import Match, clean_paper

MAX_REVISION_AGE = timedelta(days=31)  # moderation may take weeks; older papers only changed their listing
MAX_PAPER_AGE = timedelta(days=400)  # older papers are not sent: what was sent is remembered only so long
_CHUNK_ROWS = 10_000
_FIELDS = tuple(item.name for item in fields(Paper))
_LISTS = ("authors", "categories", "aliases", "keywords")
_LOCK = 0x7061706572  # PostgreSQL advisory lock, "paper": batches must be matched one after the other
_COLUMNS = [PAPER.c[name] for name in _FIELDS]
_get_values = attrgetter(*_FIELDS)

KnownPapers = Mapping[int, tuple[int, Paper]]  # by number, with the hash of the row each was read from


@dataclass(frozen=True, slots=True)
class AddResult:
    """What adding a batch changed. `renamed` maps ids as given to the ids the papers have in the database."""

    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)


class Papers(Repository):
    """Repository of papers."""

    def add(self, papers: Sequence[Paper], *, seen_at: datetime) -> AddResult:
        """Add a batch. Adding the same papers again, in parts or in another order, gives the same result."""
        if is_postgres(self._connection):
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        keys = [build_keys(paper) for paper in papers]
        matcher = PaperMatcher(self._read_works({key for paper_keys in keys for key in paper_keys}))
        works = [
            matcher.add(paper, paper_keys, seen_at) for paper, paper_keys in zip(papers, keys, strict=True)
        ]
        changed = [work for work in matcher.iter_works() if work.has_changed]
        result = _build_result(papers, works, changed)
        former = self._read_former(changed)
        PaperHistory(self._connection).save((before for before, _ in former), until=seen_at)
        News(self._connection).record(former, at=seen_at)
        self._write(changed, matcher)
        return result

    def get_by_ids(self, ids: Collection[str]) -> dict[str, Paper]:
        """Return the papers with these ids or other keys, by id as given; unknown ones are missing."""
        numbers = find_numbers(self._connection, ids)
        papers = dict(self._read(PAPER.c.number, {*numbers.values()}))
        return {id_: papers[number] for id_, number in numbers.items()}

    def get(self, name: str, *, missing: str) -> Paper:
        """Return the paper with this id or other key. Raises NotFound with the sentence *missing*."""
        return require(self.get_by_ids([name]).get(name), missing)

    def list_candidates(self, since: datetime, now: datetime) -> tuple[Paper, ...]:
        """Return the papers that may be sent at *now*, by id.

        They were first seen or listed since *since*, are not withdrawn, not merely revised, and were first
        seen no longer than MAX_PAPER_AGE ago.
        """
        query = sa.select(*_COLUMNS).where(*_are_candidates(since, now)).order_by(PAPER.c.id)
        return tuple(map(_to_paper, self._connection.execute(query)))

    def read_candidates(self, since: datetime, now: datetime, known: KnownPapers) -> KnownPapers:
        """Return the same papers; those in *known* whose rows did not change are the same objects again.

        That takes a fourth of the time, and no memory for a second copy.
        """
        texts = [sa.cast(column, sa.Text) for column in _COLUMNS]
        query = sa.select(PAPER.c.number, *texts).where(*_are_candidates(since, now)).order_by(PAPER.c.id)
        rows = {number: hash(tuple(row)) for number, *row in self._connection.execute(query)}
        papers = {number: known[number] for number, row in rows.items() if known.get(number, (0,))[0] == row}
        if changed := rows.keys() - papers.keys():
            papers |= {number: (rows[number], paper) for number, paper in self._read(PAPER.c.number, changed)}
        return {number: papers[number] for number in rows if number in papers}

    def list_background(self, limit: int, *, before: datetime | None = None) -> tuple[Paper, ...]:
        """Return the newest papers seen before a moment; term frequencies are measured on them."""
        query = sa.select(*_COLUMNS).order_by(PAPER.c.first_seen.desc(), PAPER.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(PAPER.c.first_seen < before)
        return tuple(map(_to_paper, self._connection.execute(query)))

    def list_categories(self, since: datetime) -> list[tuple[str, Sequence[str]]]:
        """Return the source and the categories of every paper first seen since a moment."""
        query = sa.select(PAPER.c.source, PAPER.c.categories).where(PAPER.c.first_seen >= since)
        return [(source, categories) for source, categories in self._connection.execute(query)]

    def find_oldest(self) -> datetime | None:
        """Return when the first of the stored papers was seen; None without papers."""
        oldest: datetime | None = self._connection.scalar(sa.select(sa.func.min(PAPER.c.first_seen)))
        return oldest

    def search(  # noqa: PLR0913  the filters of the search page
        self,
        query: str,
        *,
        categories: Sequence[str] = (),
        since: datetime | None = None,
        source: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> tuple[Paper, ...]:
        """Return papers with all these words, best first, or the newest; the last word may be a prefix."""
        parsed = PaperQuery.parse(query, categories, since, source)
        return tuple(match.paper for match in self.find_matches(parsed, limit=limit, offset=offset))

    def find_matches(self, query: PaperQuery, *, limit: int, offset: int = 0) -> tuple[Match, ...]:
        """Return the same for a parsed query, with each paper's score relative to the best one."""
        scores = match_papers(self._connection, query, limit=limit, offset=offset)
        papers = dict(self._read(PAPER.c.number, [number for number, _ in scores]))
        best = max((score for _, score in scores), default=0.0) or 1.0
        return tuple(Match(papers[number], score / best) for number, score in scores)

    def filter_by_query(self, ids: Sequence[str], query: PaperQuery, *, limit: int) -> list[Paper]:
        """Return the first of these papers that pass a query's filters and are not withdrawn."""
        filters = build_filters(self._connection, query)
        select = sa.select(PAPER.c.id).where(self._in(PAPER.c.id, ids), *filters)
        passing = set(self._connection.scalars(select.where(PAPER.c.withdrawn.is_(False))))
        first = [id_ for id_ in ids if id_ in passing][:limit]
        papers = {paper.id: paper for _, paper in self._read(PAPER.c.id, first)}
        return [papers[id_] for id_ in first]

    def save_retold(self, sentences: Mapping[str, str], *, at: datetime) -> None:
        """Store a language model's summaries by paper id; unknown ids are skipped."""
        PaperHistory(self._connection).save(self.get_by_ids(sentences).values(), until=at)
        for id_, sentence in sentences.items():
            self._update(PAPER, PAPER.c.id == id_, retold=sentence)

    def clean_stored(self, after: int, *, limit: int) -> int | None:
        """Clean the next papers as `clean_paper` does; ids and aliases stay, as other rows refer to them.

        Returns the number to continue *after*; None at the end.
        """
        query = sa.select(*_COLUMNS, PAPER.c.number).where(PAPER.c.number > after)
        rows = self._connection.execute(query.order_by(PAPER.c.number).limit(limit)).all()
        for row in rows:
            paper = _to_paper(row[:-1])
            if (cleaned := clean_paper(paper)) != paper:
                changes = {name: getattr(cleaned, name) for name in _FIELDS}
                changes = {name: value for name, value in changes.items() if value != getattr(paper, name)}
                here = PAPER.c.number == row.number
                self._update(PAPER, here, **changes)
        return rows[-1].number if rows else None

    def count(self) -> int:
        """Return the number of papers."""
        return self._count(PAPER)

    def _read(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> list[tuple[int, Paper]]:
        query = sa.select(*_COLUMNS, PAPER.c.number).where(self._in(column, values))
        return [(row.number, _to_paper(row[:-1])) for row in self._connection.execute(query)]

    def _read_former(self, changed: Sequence[Work]) -> list[tuple[Paper, Paper]]:
        """Return the stored papers of these works and of those they absorbed, each with what it becomes."""
        after = {number: work.paper for work in changed for number in work.absorbed}
        absorbed = self._read(PAPER.c.number, [*after]) if after else []
        return [
            *((before, after[number]) for number, before in absorbed),
            *((work.stored, work.paper) for work in changed if work.stored),
        ]

    def _read_works(self, keys: Collection[str]) -> list[tuple[int, Paper, frozenset[str]]]:
        """Return (number, paper, all its keys) of every stored work with any of the keys."""
        matching = sa.select(ALIAS.c.number).where(self._in(ALIAS.c.key, keys)).distinct()
        numbers = [number for (number,) in self._connection.execute(matching)]
        if not numbers:
            return []
        keys_by_number: dict[int, set[str]] = {}
        aliases = sa.select(ALIAS.c.number, ALIAS.c.key).where(self._in(ALIAS.c.number, numbers))
        for number, key in self._connection.execute(aliases):
            keys_by_number.setdefault(number, set()).add(key)
        return [
            (number, paper, frozenset(keys_by_number[number]))
            for number, paper in self._read(PAPER.c.number, numbers)
        ]

    def _write(self, changed: Sequence[Work], matcher: PaperMatcher) -> None:
        for work in changed:
            for number in work.absorbed:
                self._move(number, work)
        first = int(self._connection.scalar(sa.select(sa.func.max(PAPER.c.number))) or 0) + 1
        for number, work in enumerate((work for work in changed if work.number is None), first):
            work.number = number
        rows = [_to_row(work) for work in changed]
        for chunk in split_chunks(rows, _CHUNK_ROWS):
            self._upsert(PAPER, chunk)
        aliases = [
            {"key": key, "number": work.number}
            for work in matcher.iter_works()
            for key in work.keys - work.stored_keys
        ]
        for chunk in split_chunks(aliases, _CHUNK_ROWS):
            self._insert_new(ALIAS, list(chunk))

    def _move(self, number: int, work: Work) -> None:
        """Move the signals, sent and saved papers of an absorbed work to *work*, and delete it."""
        old_id = self._connection.scalar(sa.select(PAPER.c.id).where(PAPER.c.number == number))
        SentPapers(self._connection).move(number, cast("int", work.number))
        for table, name, old, new in (
            (SIGNAL, "number", number, work.number), (SAVED_PAPER, "paper_id", old_id, work.paper.id),
        ):  # fmt: skip
            columns = [sa.literal(new) if column.name == name else column for column in table.columns]
            moved = sa.select(*columns).where(table.c[name] == old)
            names = [column.name for column in table.columns]
            target = insert(self._connection, table).from_select(names, moved.where(sa.true()))
            self._connection.execute(target.on_conflict_do_nothing())
            self._delete(table, table.c[name] == old)
        self._delete(ALIAS, ALIAS.c.number == number)
        self._delete(PAPER, PAPER.c.number == number)


def _build_result(papers: Sequence[Paper], works: Sequence[Work], changed: Sequence[Work]) -> AddResult:
    """Build the result; must be called before new works get their numbers."""
    return AddResult(
        new=tuple(work.paper.id for work in changed if work.number is None),
        updated=tuple(work.paper.id for work in changed if work.number is not None),
        renamed={
            paper.id: work.paper.id
            for paper, work in zip(papers, works, strict=True)
            if paper.id != work.paper.id
        },
    )


def _to_row(work: Work) -> dict[str, Any]:
    row = dict(zip(_FIELDS, _get_values(work.paper), strict=True))
    row["number"] = work.number
    row["announcement"] = str(work.paper.announcement)
    return row


def _to_paper(row: Sequence[Any]) -> Paper:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _LISTS:
        values[name] = tuple(values[name])
    values["announcement"] = Announcement(values["announcement"])
    return Paper(**values)


def _are_candidates(since: datetime, now: datetime) -> Iterator[sa.ColumnElement[bool]]:
    """Yield the conditions of `list_candidates`; a revised or cross-listed paper must be recent itself."""
    paper, oldest = PAPER.c, since - MAX_REVISION_AGE
    yield paper.first_seen.between(now - MAX_PAPER_AGE, now)
    yield paper.withdrawn.is_(False)
    yield (paper.first_seen >= since) | paper.listed.between(since.date(), now.date())
    yield (
        (paper.announcement == str(Announcement.NEW))
        | (paper.listed >= since.date())
        | (paper.published >= oldest)
        | (paper.published.is_(None) & paper.id.between(f"arxiv:{oldest:%y%m}", "arxiv:9"))  # by its month
    )
