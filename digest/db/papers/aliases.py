"""Which work does a name mean? Any key ever met leads to it."""

from collections.abc import Collection

import sqlalchemy as sa

from digest.db.dialects import among, storable
from digest.db.tables import ALIAS
from digest.models.paper_ids import canonical


def numbers_of(connection: sa.Connection, ids: Collection[str]) -> dict[str, int]:
    """The works these ids, links or DOIs mean, by the ids as they were given; unknown ones are left out."""
    names = {given: _name(given) for given in ids}
    query = (
        sa.select(ALIAS.c.key, sa.func.min(ALIAS.c.number))
        .where(among(connection, ALIAS.c.key, {*names.values()}))
        .group_by(ALIAS.c.key)
    )
    known = {row[0]: int(row[1]) for row in connection.execute(query)}
    return {given: known[name] for given, name in names.items() if name in known}


def _name(given: str) -> str:
    given = storable(given)
    try:
        return canonical(given)
    except ValueError:
        return given
