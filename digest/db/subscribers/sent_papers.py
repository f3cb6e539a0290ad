"""Papers each subscriber was sent, so that none is sent twice unless it broke out since.

They are packed in the deliveries. Those of a delivery that certainly did not arrive do not count.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise, starmap
from math import isnan, nan
from struct import Struct
from typing import Any

import numpy as np
import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.dialects import insert_many
from digest.db.papers.aliases import find_numbers
from digest.db.tables import DELIVERY, MAILED_PAPER, PAPER
from digest.models import NewDelivery, Sent
from digest.models.deliveries import UNDELIVERED_STATES

# A paper's number, its forecast, its votes (NaN if unknown), and whether it was sent before and broke out.
RECORD = Struct("<Iff?")
_RECORDS = np.dtype([("number", "<u4"), ("expected", "<f4"), ("votes", "<f4"), ("resent", "?")])
_OFFSET = Struct("<I")
_MAX_LEAD = timedelta(days=1)  # by which a slot in UTC may be earlier than the local day it belongs to
COUNTS_AS_SENT = sa.or_(DELIVERY.c.state.not_in(UNDELIVERED_STATES), DELIVERY.c.uncertain > 0)


class SentPapers(Repository):
    """Repository of papers sent, or queued to be sent."""

    def get_by_subscriber(
        self,
        subscriber_ids: Collection[int],
        *,
        since: date | None = None,
        papers: Collection[str] | None = None,
    ) -> dict[int, dict[str, Sent]]:
        """Return what each subscriber was or will be sent from *since* on, by paper id; the last time counts.

        None reads everything that is kept: up to 400 days. With *papers*, only what decides whether these are
        sent: they themselves, and papers that were sent again.
        """
        delivery = DELIVERY.c
        query = sa.select(delivery.subscriber_id, delivery.day, delivery.papers).where(
            self._in(delivery.subscriber_id, subscriber_ids), delivery.papers.is_not(None)
        )
        if since is not None:  # the index is by slot
            earliest = datetime.combine(since, time(), UTC) - _MAX_LEAD
            query = query.where(delivery.slot >= earliest, delivery.day >= since)
        query = query.where(COUNTS_AS_SENT).order_by(delivery.subscriber_id, delivery.slot, delivery.id)
        rows = self._connection.execute(query).all()
        readers, days, packed = zip(*rows, strict=True) if rows else ((), (), ())
        records = np.frombuffer(b"".join(packed), _RECORDS)
        rows_of = np.repeat(np.arange(len(rows)), np.fromiter(map(len, packed), np.intp) // RECORD.size)
        if papers is not None:
            wanted = [*self._map_papers(PAPER.c.id, papers)]
            matters = records["resent"] | np.isin(records["number"], wanted)
            records, rows_of = records[matters], rows_of[matters]
        ids = self._map_papers(PAPER.c.number, np.unique(records["number"]).tolist())
        sent: dict[int, dict[str, Sent]] = {subscriber_id: {} for subscriber_id in subscriber_ids}
        for row, (number, expected, votes, resent) in zip(rows_of.tolist(), records.tolist(), strict=True):
            if number in ids:
                known = None if isnan(votes) else votes
                sent[readers[row]][ids[number]] = _get_sent(days[row], expected, known, resent)
        return sent

    def _map_papers(self, column: sa.ColumnElement[Any], values: Collection[Any]) -> dict[int, str]:
        """Return the ids of the papers with these numbers or ids, by number."""
        query = sa.select(PAPER.c.number, PAPER.c.id).where(self._in(column, values))
        return {row.number: row.id for row in self._connection.execute(query)} if values else {}

    def pack(self, deliveries: Iterable[NewDelivery]) -> dict[str, bytes]:
        """Return the papers of those deliveries that have any as they are stored, by delivery key.

        Papers that are not stored are left out.
        """
        brought = [delivery for delivery in deliveries if delivery.papers]
        ids = {paper_id for delivery in brought for paper_id in delivery.papers}
        numbers = find_numbers(self._connection, ids) if ids else {}
        return {
            delivery.key: b"".join(
                RECORD.pack(numbers[paper_id], sent.expected, _to_float(sent.votes), sent.resent)
                for paper_id, sent in delivery.papers.items()
                if paper_id in numbers
            )
            for delivery in brought
        }

    def index(self, packed: Mapping[int, bytes]) -> None:
        """Add the papers of new deliveries, by delivery id, so that `find_deliveries` finds them."""
        numbers = np.frombuffer(b"".join(packed.values()), _RECORDS)["number"]
        ids = np.repeat([*packed], [len(papers) // RECORD.size for papers in packed.values()])
        order = np.lexsort((ids, numbers))
        brought, starts, counts = np.unique(numbers[order], return_index=True, return_counts=True)
        lowest = ids[order][starts]
        offsets = (ids[order] - np.repeat(lowest, counts)).astype("<u4").tobytes()
        spans = starmap(slice, pairwise((_OFFSET.size * np.append(starts, len(order))).tolist()))
        rows = [*zip(brought.tolist(), lowest.tolist(), map(offsets.__getitem__, spans), strict=True)]
        if rows:
            insert_many(self._connection, MAILED_PAPER, ("number", "delivery_id", "offsets"), rows)

    def find_deliveries(self, numbers: Collection[int]) -> dict[int, list[int]]:
        """Return the ids of all deliveries that brought these papers, by number."""
        query = sa.select(MAILED_PAPER.c.number, MAILED_PAPER.c.delivery_id, MAILED_PAPER.c.offsets)
        query = query.where(self._in(MAILED_PAPER.c.number, numbers))
        found: defaultdict[int, list[int]] = defaultdict(list)
        for number, lowest, offsets in self._connection.execute(query) if numbers else ():
            found[number] += [lowest + offset for (offset,) in _OFFSET.iter_unpack(offsets)]
        return found

    def move(self, old: int, new: int) -> None:
        """Let what was sent of one paper count as another one, with which it was merged."""
        ids = self.find_deliveries([old]).get(old, ())
        query = sa.select(DELIVERY.c.id, DELIVERY.c.papers).where(self._in(DELIVERY.c.id, ids))
        rows = [
            {"this": row.id, "moved": _replace_number(row.papers, old, new)}
            for row in self._connection.execute(query)
        ]
        if rows:
            update = sa.update(DELIVERY).where(DELIVERY.c.id == sa.bindparam("this"))
            self._connection.execute(update.values(papers=sa.bindparam("moved")), rows)
        self._update(MAILED_PAPER, MAILED_PAPER.c.number == old, number=new)

    def delete_index_before(self, before: datetime) -> None:
        """Forget which deliveries brought the papers that were first seen before a moment."""
        old = sa.select(PAPER.c.number).where(PAPER.c.first_seen < before)
        self._delete(MAILED_PAPER, MAILED_PAPER.c.number.in_(old))


def _to_float(votes: float | None) -> float:
    return nan if votes is None else votes


def _replace_number(papers: bytes, old: int, new: int) -> bytes:
    records = RECORD.iter_unpack(papers)
    return b"".join(RECORD.pack(new if number == old else number, *rest) for number, *rest in records)


@lru_cache(maxsize=16_384)  # thousands of subscribers are sent the same papers
def _get_sent(day: date, expected: float, votes: float | None, resent: bool) -> Sent:  # noqa: FBT001  a row
    return Sent(day=day, expected=expected, votes=votes, resent=resent)
