"""How hot was a paper when it was planned? Told once, for the thousands of editions that say the same."""

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from digest.db.dialects import among, insert
from digest.db.tables import HEAT


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
