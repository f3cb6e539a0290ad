"""Channels of subscribers: further ways to them beside mail."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from digest.db.base import Repository, from_row
from digest.db.subscribers.rows import create_public_id
from digest.db.tables import CHANNEL
from digest.models import AttemptResult, DeliveryState
from digest.models.channels import Channel, ChannelKind, ChannelState
from digest.models.errors import require

FAILS_AFTER = timedelta(days=3)  # without an accepted message
MAX_NOTE_CHARS = 80
_C = CHANNEL.c


class Channels(Repository):
    """Repository of channels."""

    def add(
        self, subscriber_id: int, kind: ChannelKind, host: str, sealed_url: str, *, now: datetime
    ) -> Channel:
        """Add a channel, which is active at once."""
        row = {
            "pid": create_public_id(),
            "subscriber_id": subscriber_id,
            "kind": kind,
            "host": host,
            "sealed_url": sealed_url,
            "state": ChannelState.ACTIVE,
            "note": "",
            "created_at": now,
        }
        self._connection.execute(sa.insert(CHANNEL).values(row))
        return self.get_by_public_id(subscriber_id, str(row["pid"]))

    def find(self, channel_id: int) -> Channel | None:
        """Return the channel with this id, or None if it was removed."""
        row = self._connection.execute(sa.select(CHANNEL).where(_C.id == channel_id)).first()
        return _to_channel(row) if row else None

    def get_by_public_id(self, subscriber_id: int, public_id: str) -> Channel:
        """Return a subscriber's channel; raise NotFound if they have none with this public id."""
        query = sa.select(CHANNEL).where(_C.subscriber_id == subscriber_id, _C.pid == public_id)
        row = self._connection.execute(query).first()
        return _to_channel(require(row, "There is no such channel."))

    def list_by_subscriber(self, subscriber_ids: Collection[int]) -> dict[int, list[Channel]]:
        """Return the channels of these subscribers who have some, oldest first."""
        query = sa.select(CHANNEL).where(self._in(_C.subscriber_id, subscriber_ids))
        found: dict[int, list[Channel]] = {}
        for row in self._connection.execute(query.order_by(_C.id)):
            found.setdefault(row.subscriber_id, []).append(_to_channel(row))
        return found

    def count_by_state(self) -> dict[ChannelState, int]:
        """Return how many channels there are, by state; every state is listed."""
        counts = self._count_by(_C.state)
        return {state: counts.get(state, 0) for state in ChannelState}

    def set_state(self, channel_id: int, state: ChannelState) -> None:
        """Pause a channel, or use it again with its failures forgotten."""
        forgotten: dict[str, Any] = {"note": "", "failing_since": None}
        values = forgotten if state is ChannelState.ACTIVE else {}
        self._update(CHANNEL, _C.id == channel_id, state=state, **values)

    def remove(self, channel_id: int) -> None:
        """Delete a channel; messages queued for it are cancelled when their turn comes."""
        self._delete(CHANNEL, _C.id == channel_id)

    def record_results(self, results: Iterable[AttemptResult], *, final_reasons: Collection[str]) -> None:
        """Record what became of messages to channels.

        A channel fails with a reason that only a person can mend, or after days without success.
        """
        for result in results:
            if result.delivery.channel_id is not None:
                self._record(result, is_final=result.reason in final_reasons)

    def _record(self, result: AttemptResult, *, is_final: bool) -> None:
        this = sa.update(CHANNEL).where(_C.id == result.delivery.channel_id)
        if result.state is DeliveryState.ACCEPTED:
            values: dict[str, Any] = {"note": "", "failing_since": None, "accepted_at": result.at}
            self._connection.execute(this.values(values))
            return
        since = sa.func.coalesce(_C.failing_since, sa.literal(result.at, _C.failing_since.type))
        self._connection.execute(this.values(note=result.reason[:MAX_NOTE_CHARS], failing_since=since))
        has_failed = sa.true() if is_final else _C.failing_since <= result.at - FAILS_AFTER
        failed = this.where(has_failed, _C.state == ChannelState.ACTIVE)
        self._connection.execute(failed.values(state=ChannelState.FAILED))


def _to_channel(row: sa.Row[Any]) -> Channel:
    kind, state = ChannelKind(row.kind), ChannelState(row.state)
    return from_row(Channel, row, public_id=row.pid, kind=kind, state=state)
