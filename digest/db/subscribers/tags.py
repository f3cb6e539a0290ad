"""Tags of subscribers: words that administrators and imports sort them by."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from digest.db.base import Repository
from digest.db.dialects import insert
from digest.db.tables import SUBSCRIBER, SUBSCRIBER_TAG


class Tags(Repository):
    """Repository of the tags of subscribers."""

    def get_by_subscriber(self, subscriber_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
        """Return the tags of these subscribers in alphabetical order; who has none is left out."""
        tag = SUBSCRIBER_TAG.c
        query = sa.select(tag.subscriber_id, tag.tag).order_by(tag.subscriber_id, tag.tag)
        query = query.where(self._in(tag.subscriber_id, subscriber_ids))
        tags: dict[int, tuple[str, ...]] = {}
        for subscriber_id, name in self._connection.execute(query):
            tags[subscriber_id] = (*tags.get(subscriber_id, ()), name)
        return tags

    def count(self) -> Mapping[str, int]:
        """Return how many subscribers have each tag, in alphabetical order."""
        tag = SUBSCRIBER_TAG.c.tag
        query = sa.select(tag, sa.func.count()).group_by(tag).order_by(tag)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def add(self, subscriber_ids: Collection[int], tag: str) -> frozenset[int]:
        """Give a tag to subscribers; return those who did not have it."""
        tagged = SUBSCRIBER_TAG.c
        has_it = sa.select(tagged.subscriber_id).where(
            tagged.tag == tag, self._in(tagged.subscriber_id, subscriber_ids)
        )
        new = frozenset(subscriber_ids) - frozenset(self._connection.scalars(has_it))
        rows = [{"subscriber_id": subscriber_id, "tag": tag} for subscriber_id in sorted(new)]
        self._insert_new(SUBSCRIBER_TAG, rows)
        return new

    def remove(self, subscriber_ids: Collection[int], tag: str) -> frozenset[int]:
        """Take a tag from subscribers; return those who had it."""
        those = (SUBSCRIBER_TAG.c.tag == tag) & self._in(SUBSCRIBER_TAG.c.subscriber_id, subscriber_ids)
        had_it = frozenset(self._connection.scalars(sa.select(SUBSCRIBER_TAG.c.subscriber_id).where(those)))
        self._delete(SUBSCRIBER_TAG, those)
        return had_it

    def add_by_public_id(self, tags: Mapping[str, Collection[str]]) -> None:
        """Give tags to subscribers, by public id; a tag they have already is not given twice."""
        rows = [{"this": pid, "name": name} for pid, names in tags.items() for name in names]
        if not rows:
            return
        name = sa.bindparam("name", type_=sa.String())
        of_subscriber = sa.select(SUBSCRIBER.c.id, name).where(SUBSCRIBER.c.pid == sa.bindparam("this"))
        new = insert(self._connection, SUBSCRIBER_TAG).from_select(["subscriber_id", "tag"], of_subscriber)
        self._connection.execute(new.on_conflict_do_nothing(), rows)
