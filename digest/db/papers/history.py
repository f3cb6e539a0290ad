"""What was a paper like when it was mailed? Its content before each change, for a look at an old mail."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.dialects import among, insert
from digest.db.tables import HEAT, PAPER, PAPER_PAST, SENT_PAPER
from digest.models import Paper

_PAPER = TypeAdapter(Paper)


class PaperHistory:
    """Former contents of papers. Only of those that were mailed: nobody asks for the others."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, papers: Iterable[Paper], *, until: datetime) -> None:
        """Remember these contents: they stood until now, and are about to change."""
        before = {paper.id: paper for paper in papers}
        rows = [
            {"paper_id": name, "until": until, "content": _PAPER.dump_python(before[name], mode="json")}
            for name in self._mailed(before)
        ]
        if rows:
            self._connection.execute(insert(self._connection, PAPER_PAST).on_conflict_do_nothing(), rows)

    def as_of(self, ids: Collection[str], moment: datetime) -> dict[str, Paper]:
        """Those of these papers that changed after a moment, as they were then."""
        query = (
            sa.select(PAPER_PAST.c.paper_id, PAPER_PAST.c.content)
            .where(among(self._connection, PAPER_PAST.c.paper_id, ids), PAPER_PAST.c.until > moment)
            .order_by(PAPER_PAST.c.until)
        )
        first: dict[str, Any] = {}
        for paper_id, content in self._connection.execute(query):
            first.setdefault(paper_id, content)
        return {paper_id: _PAPER.validate_python(content) for paper_id, content in first.items()}

    def forget(self, before: datetime) -> int:
        """Drop what stood until before a moment; how much it was."""
        return self._connection.execute(sa.delete(PAPER_PAST).where(PAPER_PAST.c.until < before)).rowcount

    def _mailed(self, ids: Collection[str]) -> list[str]:
        """Those of these stored papers that any reader was sent."""
        to_anyone = sa.exists().where(SENT_PAPER.c.paper_id == PAPER.c.id)
        ours = sa.select(PAPER.c.id).where(among(self._connection, PAPER.c.id, ids), to_anyone)
        return [*self._connection.scalars(ours)] if ids else []


class Heats:
    """What editions say of heat, in JSON, each under the name its own content gives it."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, heats: Mapping[str, str], *, now: datetime) -> None:
        """Remember these, or that they are needed from now on again."""
        if not heats:
            return
        new = insert(self._connection, HEAT)
        again = new.on_conflict_do_update(
            index_elements=["key"],
            set_={"needed_at": new.excluded.needed_at},
            where=HEAT.c.needed_at < new.excluded.needed_at,
        )
        # In one order everywhere: two planners must not wait for each other in a circle.
        self._connection.execute(
            again, [{"key": key, "told": heats[key], "needed_at": now} for key in sorted(heats)]
        )

    def of(self, keys: Collection[str]) -> dict[str, str]:
        """Those of these that are remembered."""
        query = sa.select(HEAT.c.key, HEAT.c.told).where(among(self._connection, HEAT.c.key, keys))
        return {row.key: row.told for row in self._connection.execute(query)}

    def forget(self, before: datetime) -> int:
        """Drop what no edition planned since a moment tells; how much it was."""
        return self._connection.execute(sa.delete(HEAT).where(HEAT.c.needed_at < before)).rowcount
