"""The best-liked models, datasets and Spaces on Hugging Face that cite a paper."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.papers.aliases import find_numbers
from digest.db.tables import HUB_REPOSITORY
from digest.models import SignalKind
from digest.models.papers import HubRepository


class HubRepositories(Repository):
    """Repository of the repositories that cite papers."""

    def replace(self, repositories: Mapping[str, Sequence[HubRepository]]) -> None:
        """Store the repositories of papers in place of their former ones; unknown papers are skipped."""
        numbers = find_numbers(self._connection, repositories.keys())
        if not numbers:
            return
        is_theirs = self._in(HUB_REPOSITORY.c.number, {*numbers.values()})
        self._delete(HUB_REPOSITORY, is_theirs)
        rows = {
            (number, repository.kind, repository.name): {
                "number": number, "kind": str(repository.kind), "name": repository.name,
                "likes": repository.likes,
            }
            for paper_id, number in numbers.items()
            for repository in repositories[paper_id]
        }  # fmt: skip
        if rows:
            self._connection.execute(sa.insert(HUB_REPOSITORY), list(rows.values()))

    def list_by_paper(self, paper_id: str) -> list[HubRepository]:
        """Return the repositories of a paper, the best-liked first."""
        numbers = find_numbers(self._connection, [paper_id])
        query = (
            sa.select(HUB_REPOSITORY)
            .where(self._in(HUB_REPOSITORY.c.number, {*numbers.values()}))
            .order_by(HUB_REPOSITORY.c.likes.desc(), HUB_REPOSITORY.c.kind, HUB_REPOSITORY.c.name)
        )
        rows = self._connection.execute(query)
        return [from_row(HubRepository, row, kind=SignalKind(row.kind)) for row in rows]
