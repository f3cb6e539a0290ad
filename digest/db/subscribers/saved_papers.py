"""Papers that subscribers saved, and the Zotero accounts to which they are sent."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.papers.repository import Papers
from digest.db.tables import SAVED_PAPER, ZOTERO_ACCOUNT
from digest.models import Paper
from digest.models.saved_papers import SavedPaper, ZoteroAccount

_S, _Z = SAVED_PAPER.c, ZOTERO_ACCOUNT.c


class SavedPapers(Repository):
    """Repository of saved papers."""

    def add(self, subscriber_id: int, paper: Paper, *, now: datetime) -> bool:
        """Save a paper; return False if it was saved before, under any of its ids."""
        if self._find_row(subscriber_id, paper) is not None:
            return False
        row = {"subscriber_id": subscriber_id, "paper_id": paper.id, "saved_at": now, "note": "", "tags": []}
        return self._insert_new(SAVED_PAPER, [row]) == 1

    def remove(self, subscriber_id: int, paper: Paper) -> bool:
        """Remove a paper here, not in Zotero; return False if it was not saved."""
        return self._delete(SAVED_PAPER, self._is_paper(subscriber_id, paper)) > 0

    def annotate(self, subscriber_id: int, paper: Paper, *, note: str, tags: Sequence[str]) -> bool:
        """Replace note and tags of a saved paper; return False if it is not saved."""
        return self._update(SAVED_PAPER, self._is_paper(subscriber_id, paper), note=note, tags=[*tags]) > 0

    def is_saved(self, subscriber_id: int, paper: Paper) -> bool:
        """Return whether a subscriber has saved a paper."""
        return self._find_row(subscriber_id, paper) is not None

    def count(self, subscriber_id: int) -> int:
        """Return how many papers a subscriber has saved."""
        return self._count(SAVED_PAPER, _S.subscriber_id == subscriber_id)

    def list_by_subscriber(self, subscriber_id: int) -> tuple[SavedPaper, ...]:
        """Return a subscriber's saved papers, newest first; those whose paper is not stored are skipped."""
        query = sa.select(SAVED_PAPER).where(_S.subscriber_id == subscriber_id)
        return self._load(query.order_by(_S.saved_at.desc(), _S.paper_id))

    def list_for_zotero(self, subscriber_id: int, *, limit: int) -> tuple[SavedPaper, ...]:
        """Return the oldest saved papers that the subscriber's Zotero library has not got."""
        query = sa.select(SAVED_PAPER).where(_S.subscriber_id == subscriber_id, _S.zotero_at.is_(None))
        return self._load(query.order_by(_S.saved_at, _S.paper_id).limit(limit))

    def mark_in_zotero(self, subscriber_id: int, papers: Iterable[Paper], *, at: datetime) -> None:
        """Record when Zotero took these papers."""
        names = {name for paper in papers for name in (paper.id, *paper.aliases)}
        chosen = self._in(_S.paper_id, names)
        self._update(SAVED_PAPER, _S.subscriber_id == subscriber_id, chosen, zotero_at=at)

    def forget_zotero(self, subscriber_id: int) -> None:
        """Record that no paper is in the subscriber's Zotero library, as it is another one now."""
        self._update(SAVED_PAPER, _S.subscriber_id == subscriber_id, zotero_at=None)

    def _load(self, query: sa.Select[Any]) -> tuple[SavedPaper, ...]:
        rows = self._connection.execute(query).all()
        papers = Papers(self._connection).get_by_ids({row.paper_id for row in rows}) if rows else {}
        return tuple(
            from_row(SavedPaper, row, paper=papers[row.paper_id], tags=tuple(row.tags))
            for row in rows
            if row.paper_id in papers
        )

    def _find_row(self, subscriber_id: int, paper: Paper) -> sa.Row[Any] | None:
        query = sa.select(SAVED_PAPER).where(self._is_paper(subscriber_id, paper))
        return self._connection.execute(query).first()

    def _is_paper(self, subscriber_id: int, paper: Paper) -> sa.ColumnElement[bool]:
        names = self._in(_S.paper_id, [paper.id, *paper.aliases])
        return sa.and_(_S.subscriber_id == subscriber_id, names)


class ZoteroAccounts(Repository):
    """Repository of subscribers' Zotero accounts."""

    def find(self, subscriber_id: int) -> ZoteroAccount | None:
        """Return a subscriber's account, or None."""
        query = sa.select(ZOTERO_ACCOUNT).where(_Z.subscriber_id == subscriber_id)
        row = self._connection.execute(query).first()
        return from_row(ZoteroAccount, row) if row else None

    def save(self, account: ZoteroAccount) -> None:
        """Store an account in place of the subscriber's former one."""
        self._upsert(ZOTERO_ACCOUNT, [asdict(account)])

    def remove(self, subscriber_id: int) -> bool:
        """Delete an account and its key; return False if there is none."""
        return self._delete(ZOTERO_ACCOUNT, _Z.subscriber_id == subscriber_id) > 0

    def schedule(self, subscriber_id: int, at: datetime) -> None:
        """Send the subscriber's papers from *at* on, unless the key was refused or an attempt waits."""
        is_idle = sa.and_(_Z.next_at.is_(None), _Z.sealed_key != "")
        self._update(ZOTERO_ACCOUNT, _Z.subscriber_id == subscriber_id, is_idle, next_at=at)

    def list_due(self, now: datetime, *, limit: int) -> tuple[ZoteroAccount, ...]:
        """Return the accounts to which papers are sent now, longest waiting first."""
        query = sa.select(ZOTERO_ACCOUNT).where(_Z.next_at <= now).order_by(_Z.next_at).limit(limit)
        return tuple(from_row(ZoteroAccount, row) for row in self._connection.execute(query))

    def postpone(self, accounts: Sequence[ZoteroAccount], until: datetime) -> tuple[ZoteroAccount, ...]:
        """Reserve accounts until a moment; return those that nobody else has reserved meanwhile."""
        reserved = []
        for account in accounts:
            is_same = sa.and_(_Z.subscriber_id == account.subscriber_id, _Z.next_at == account.next_at)
            if self._update(ZOTERO_ACCOUNT, is_same, next_at=until) == 1:
                reserved.append(account)
        return tuple(reserved)
