"""Lookup of papers by any key they are known by."""

from collections.abc import Collection
from functools import lru_cache

import sqlalchemy as sa

from digest.db.dialects import in_values, strip_unstorable
from digest.db.tables import ALIAS
from digest.models.paper_ids import canonicalize_or_keep


def find_numbers(connection: sa.Connection, ids: Collection[str]) -> dict[str, int]:
    """Map ids, links or DOIs, as given, to the numbers of their papers; unknown ones are missing."""
    keys = {id_: _to_key(id_) for id_ in ids}
    query = (
        sa.select(ALIAS.c.key, sa.func.min(ALIAS.c.number))
        .where(in_values(connection, ALIAS.c.key, {*keys.values()}))
        .group_by(ALIAS.c.key)
    )
    numbers = {row[0]: int(row[1]) for row in connection.execute(query)}
    return {id_: numbers[key] for id_, key in keys.items() if key in numbers}


@lru_cache(maxsize=16_384)  # the day's papers are looked up again and again
def _to_key(id_: str) -> str:
    return canonicalize_or_keep(strip_unstorable(id_))
