"""Which papers do we know? Added in bulk, met by any key, each work once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from digest.db.dialects import among, chunks, insert, is_postgres
from digest.db.papers.aliases import numbers_of
from digest.db.papers.full_text import Question, filters_of, matching
from digest.db.papers.history import PaperHistory
from digest.db.papers.matching import PaperMatcher, Work
from digest.db.tables import ALIAS, PAPER, SENT_PAPER, SIGNAL
from digest.models import Announcement, Paper
from digest.models.paper_ids import arxiv_id, keys_of
from digest.models.papers import Match

RECENT = timedelta(days=31)  # moderation may hold a paper for weeks; what is older only changed its listing
MEMORY = timedelta(days=400)  # so long it is remembered who was sent what, and whatever is older is not sent
_CHUNK = 10_000
_FIELDS = tuple(item.name for item in fields(Paper))
_LISTS = ("authors", "categories", "aliases", "keywords")
_LOCK = 0x7061706572  # "paper": on PostgreSQL one batch at a time decides which works are one
_COLUMNS = [PAPER.c[name] for name in _FIELDS]


@dataclass(frozen=True, slots=True)
class Added:
    """What a batch brought. `renamed` leads from ids as they were given to the ids the works have here."""

    new: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    unchanged: int = 0
    renamed: Mapping[str, str] = field(default_factory=dict)


class Papers:
    """The papers of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, papers: Sequence[Paper], *, seen_at: datetime) -> Added:
        """Take in a batch. The same batch again, in pieces or in another order, leaves the same store."""
        if is_postgres(self._connection):
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        keys = [keys_of(paper) for paper in papers]
        shelf = PaperMatcher(self._stored({key for names in keys for key in names}))
        taken = [shelf.take(paper, names, seen_at) for paper, names in zip(papers, keys, strict=True)]
        changed = [work for work in shelf.works() if work.has_changed]
        added = _told(papers, taken, changed)
        PaperHistory(self._connection).keep(self._before(changed), until=seen_at)
        self._write(changed, shelf)
        return added

    def by_ids(self, ids: Collection[str]) -> dict[str, Paper]:
        """The papers behind these ids, under the ids as they were given; any alias will do."""
        numbers = numbers_of(self._connection, ids)
        papers = dict(self._rows(PAPER.c.number, {*numbers.values()}))
        return {given: papers[number] for given, number in numbers.items()}

    def pool(self, since: datetime, now: datetime) -> tuple[Paper, ...]:
        """What may be sent as of `now`: seen or listed since then, not withdrawn, not merely revised.

        Nothing that we have known for longer than MEMORY: what was sent then is forgotten.
        """
        query = (
            sa.select(*_COLUMNS)
            .where(PAPER.c.first_seen.between(now - MEMORY, now), PAPER.c.withdrawn.is_(False))
            .where((PAPER.c.first_seen >= since) | PAPER.c.listed.between(since.date(), now.date()))
            .order_by(PAPER.c.id)
        )
        papers = map(_paper, self._connection.execute(query))
        return tuple(paper for paper in papers if _is_news(paper, since))

    def background(self, limit: int, *, before: datetime | None = None) -> tuple[Paper, ...]:
        """The newest papers seen before a moment: what the language of the field is measured on."""
        query = sa.select(*_COLUMNS).order_by(PAPER.c.first_seen.desc(), PAPER.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(PAPER.c.first_seen < before)
        return tuple(map(_paper, self._connection.execute(query)))

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
        """Papers with all these words, best first; the last may be unfinished. No words: the newest."""
        question = Question.of(query, categories, since, source)
        return tuple(match.paper for match in self.matches(question, limit=limit, offset=offset))

    def matches(self, question: Question, *, limit: int, offset: int = 0) -> tuple[Match, ...]:
        """The same for a question that was understood, with how well each matches as a part of the best."""
        numbers = matching(self._connection, question, limit=limit, offset=offset)
        found = dict(self._rows(PAPER.c.number, [number for number, _ in numbers]))
        best = max((weight for _, weight in numbers), default=0.0) or 1.0
        return tuple(Match(found[number], weight / best) for number, weight in numbers)

    def fitting(self, ids: Sequence[str], question: Question, *, limit: int) -> list[Paper]:
        """The first of these papers that pass a question's filters; none withdrawn or merged away."""
        passing = filters_of(self._connection, question)
        query = sa.select(PAPER.c.id).where(among(self._connection, PAPER.c.id, ids), *passing)
        there = set(self._connection.scalars(query.where(PAPER.c.withdrawn.is_(False))))
        first = [known for known in ids if known in there][:limit]
        papers = {paper.id: paper for _, paper in self._rows(PAPER.c.id, first)}
        return [papers[known] for known in first]

    def retell(self, sentences: Mapping[str, str], *, at: datetime) -> None:
        """Keep what a language model says of papers, by their ids; what it says of others is nothing."""
        PaperHistory(self._connection).keep(self.by_ids(sentences).values(), until=at)
        for known, sentence in sentences.items():
            self._connection.execute(sa.update(PAPER).where(PAPER.c.id == known).values(retold=sentence))

    def count(self) -> int:
        """How many works there are."""
        return int(self._connection.scalar(sa.select(sa.func.count()).select_from(PAPER)) or 0)

    def _rows(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> list[tuple[int, Paper]]:
        query = sa.select(*_COLUMNS, PAPER.c.number).where(among(self._connection, column, values))
        return [(row.number, _paper(row[:-1])) for row in self._connection.execute(query)]

    def _before(self, changed: Sequence[Work]) -> list[Paper]:
        """What these works, and those that turned out to be one with them, were before."""
        gone = [number for work in changed for number in work.absorbed]
        absorbed = [paper for _, paper in self._rows(PAPER.c.number, gone)] if gone else []
        return [*absorbed, *(work.stored for work in changed if work.stored)]

    def _stored(self, keys: Collection[str]) -> list[tuple[int, Paper, frozenset[str]]]:
        """Every stored work that any of the keys may mean, with all its keys."""
        hit = sa.select(ALIAS.c.number).where(among(self._connection, ALIAS.c.key, keys)).distinct()
        numbers = [number for (number,) in self._connection.execute(hit)]
        if not numbers:
            return []
        known: dict[int, set[str]] = {}
        mine = sa.select(ALIAS.c.number, ALIAS.c.key).where(among(self._connection, ALIAS.c.number, numbers))
        for number, key in self._connection.execute(mine):
            known.setdefault(number, set()).add(key)
        return [
            (number, paper, frozenset(known[number])) for number, paper in self._rows(PAPER.c.number, numbers)
        ]

    def _write(self, changed: Sequence[Work], shelf: PaperMatcher) -> None:
        for work in changed:
            for number in work.absorbed:
                self._move(number, work)
        first = int(self._connection.scalar(sa.select(sa.func.max(PAPER.c.number))) or 0) + 1
        for number, work in enumerate((work for work in changed if work.number is None), first):
            work.number = number
        rows = [_row(work) for work in changed]
        upsert = insert(self._connection, PAPER)
        upsert = upsert.on_conflict_do_update(
            index_elements=["number"], set_={name: upsert.excluded[name] for name in _FIELDS}
        )
        for some in chunks(rows, _CHUNK):
            self._connection.execute(upsert, list(some))
        aliases = [
            {"key": key, "number": work.number}
            for work in shelf.works()
            for key in work.keys - work.stored_keys
        ]
        for some in chunks(aliases, _CHUNK):
            self._connection.execute(insert(self._connection, ALIAS).on_conflict_do_nothing(), list(some))

    def _move(self, number: int, work: Work) -> None:
        """A stored work turned out to be another one: what hangs on it goes there, and it goes."""
        old = self._connection.scalar(sa.select(PAPER.c.id).where(PAPER.c.number == number))
        for table, column, was, becomes in (
            (SIGNAL, "number", number, work.number), (SENT_PAPER, "paper_id", old, work.paper.id),
        ):  # fmt: skip
            columns = [sa.literal(becomes) if c.name == column else c for c in table.columns]
            moved = sa.select(*columns).where(table.c[column] == was)
            names = [c.name for c in table.columns]
            into = insert(self._connection, table).from_select(names, moved.where(sa.true()))
            self._connection.execute(into.on_conflict_do_nothing())
            self._connection.execute(sa.delete(table).where(table.c[column] == was))
        self._connection.execute(sa.delete(ALIAS).where(ALIAS.c.number == number))
        self._connection.execute(sa.delete(PAPER).where(PAPER.c.number == number))


def _told(papers: Sequence[Paper], taken: Sequence[Work], changed: Sequence[Work]) -> Added:
    """What happened, told before numbers are given to the new works."""
    return Added(
        new=tuple(work.paper.id for work in changed if work.number is None),
        updated=tuple(work.paper.id for work in changed if work.number is not None),
        unchanged=len({id(work) for work in taken}) - len(changed),
        renamed={
            paper.id: work.paper.id
            for paper, work in zip(papers, taken, strict=True)
            if paper.id != work.paper.id
        },
    )


_values = attrgetter(*_FIELDS)


def _row(work: Work) -> dict[str, Any]:
    row = dict(zip(_FIELDS, _values(work.paper), strict=True))
    row["number"] = work.number
    row["announcement"] = str(work.paper.announcement)
    return row


def _paper(row: Sequence[Any]) -> Paper:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _LISTS:
        values[name] = tuple(values[name])
    values["announcement"] = Announcement(values["announcement"])
    return Paper(**values)


def _is_news(paper: Paper, since: datetime) -> bool:
    """A revision or cross-listing makes a paper news only while its first version is recent."""
    if paper.announcement is Announcement.NEW or (paper.listed and paper.listed >= since.date()):
        return True
    horizon = since - RECENT
    if paper.published is not None:
        return paper.published >= horizon
    return _month(paper) >= (horizon.year, horizon.month)


def _month(paper: Paper) -> tuple[int, int]:
    """The month an arXiv id was given in; long ago for everything else."""
    number = arxiv_id(paper.id) or ""
    return (2000 + int(number[:2]), int(number[2:4])) if number[:4].isdecimal() else (date.min.year, 1)
