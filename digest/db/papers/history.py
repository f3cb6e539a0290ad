"""What was a paper like when it was mailed? Its content before each change, for a look at an old mail."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter

from digest.db.dialects import among, insert
from digest.db.tables import PAPER, PAPER_PAST, SENT_PAPER
from digest.models import Paper

_PAPER = TypeAdapter(Paper)


class Past:
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
