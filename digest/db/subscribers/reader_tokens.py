"""Subscribers' own tokens of the API. Only hashes are stored."""

from dataclasses import asdict
from datetime import datetime, timedelta

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.tables import READER_TOKEN
from digest.models.api_tokens import ReaderToken
from digest.models.errors import NotFound

USE_INTERVAL = timedelta(hours=1)  # the last use need not be written more often
_T = READER_TOKEN.c


class ReaderTokens(Repository):
    """Repository of readers' tokens."""

    def add(self, hash_: str, token: ReaderToken) -> None:
        """Add a token by its hash, under an id of its own."""
        row = {**asdict(token), "hash": hash_}
        del row["id"]
        self._connection.execute(sa.insert(READER_TOKEN).values(row))

    def find(self, hash_: str) -> ReaderToken | None:
        """Return the token with this hash, or None."""
        row = self._connection.execute(sa.select(READER_TOKEN).where(_T.hash == hash_)).first()
        return from_row(ReaderToken, row) if row else None

    def list_by_subscriber(self, subscriber_id: int) -> list[ReaderToken]:
        """Return a subscriber's tokens, oldest first."""
        query = sa.select(READER_TOKEN).where(_T.subscriber_id == subscriber_id).order_by(_T.id)
        return [from_row(ReaderToken, row) for row in self._connection.execute(query)]

    def note_use(self, token: ReaderToken, now: datetime) -> None:
        """Write when a token was used."""
        self._update(READER_TOKEN, _T.id == token.id, used_at=now)

    def remove(self, subscriber_id: int, token_id: int) -> None:
        """End a token; raise NotFound if the subscriber has none with this id."""
        if self._delete(READER_TOKEN, _T.id == token_id, _T.subscriber_id == subscriber_id) == 0:
            raise NotFound("There is no such token.")
