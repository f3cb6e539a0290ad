"""Former contents of mailed papers and the heat that editions show, to display an old message as it was."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.base import Repository
from digest.db.dialects import insert
from digest.db.tables import HEAT, MAILED_PAPER, PAPER, PAPER_PAST
from digest.models import Paper

_PAPER = TypeAdapter(Paper)


class PaperHistory(Repository):
    """Repository of former contents of papers. Only mailed papers are kept, as only they are shown again."""

    def save(self, papers: Iterable[Paper], *, until: datetime) -> None:
        """Store the contents of those papers that were mailed, before they change at *until*."""
        by_id = {paper.id: paper for paper in papers}
        rows = [
            {"paper_id": id_, "until": until, "content": _PAPER.dump_python(by_id[id_], mode="json")}
            for id_ in self._find_mailed(by_id)
        ]
        self._insert_new(PAPER_PAST, rows)

    def get_as_of(self, ids: Collection[str], moment: datetime) -> dict[str, Paper]:
        """Return those of these papers that changed after a moment, as they were then."""
        query = (
            sa.select(PAPER_PAST.c.paper_id, PAPER_PAST.c.content)
            .where(self._in(PAPER_PAST.c.paper_id, ids), PAPER_PAST.c.until > moment)
            .order_by(PAPER_PAST.c.until)
        )
        first: dict[str, Any] = {}
        for paper_id, content in self._connection.execute(query):
            first.setdefault(paper_id, content)
        return {paper_id: _PAPER.validate_python(content) for paper_id, content in first.items()}

    def delete_before(self, before: datetime) -> int:
        """Delete contents replaced before a moment; return how many."""
        return self._delete(PAPER_PAST, PAPER_PAST.c.until < before)

    def _find_mailed(self, ids: Collection[str]) -> list[str]:
        """Return those of these papers that are stored and were sent to any subscriber."""
        was_sent = sa.exists().where(MAILED_PAPER.c.number == PAPER.c.number)
        query = sa.select(PAPER.c.id).where(self._in(PAPER.c.id, ids), was_sent)
        return [*self._connection.scalars(query)] if ids else []


class Heats(Repository):
    """Repository of the heat that editions show, as JSON under a key derived from the content."""

    def save(self, heats: Mapping[str, str], *, now: datetime) -> None:
        """Store heats by key, or extend how long existing ones are kept."""
        if not heats:
            return
        new = insert(self._connection, HEAT)
        upsert = new.on_conflict_do_update(
            index_elements=["key"],
            set_={"needed_at": new.excluded.needed_at},
            where=HEAT.c.needed_at < new.excluded.needed_at,
        )
        # Always in the order of the keys, so that two planners cannot deadlock.
        self._connection.execute(
            upsert, [{"key": key, "told": heats[key], "needed_at": now} for key in sorted(heats)]
        )

    def get(self, keys: Collection[str]) -> dict[str, str]:
        """Return those of these heats that are stored, by key."""
        query = sa.select(HEAT.c.key, HEAT.c.told).where(self._in(HEAT.c.key, keys))
        return {row.key: row.told for row in self._connection.execute(query)}

    def delete_before(self, before: datetime) -> int:
        """Delete heats that no edition planned since a moment shows; return how many."""
        return self._delete(HEAT, HEAT.c.needed_at < before)
