"""How much may readers ask of their libraries? Now and then, a few at once, and not for long."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from digest.models.subscribers import MOST_LIKED
from digest.sources.http.client import Client
from digest.sources.libraries.clients import LibraryAccounts, Places
from digest.sources.libraries.request import Lent, lent
from digest.web.rate_limits import LENDING, PER_BORROWER, Buckets

WITHIN = 15.0  # seconds that a reader waits for a library
AT_ONCE = 8  # readers whose libraries are read in this process at one time
REST = " Everything else is saved; press Save once more in a few minutes."
TOO_OFTEN = f"Your libraries were read just now, and are not read again so soon.{REST}"
TOO_MANY = f"Very many libraries are read at this moment.{REST}"


class LibraryImportLimiter:
    """Where readers' libraries are asked for what they hold."""

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[Client]],
        places: Places,
        *,
        within: float = WITHIN,
    ) -> None:
        self._connect, self._places, self._within = connect, places, within
        self._borrowers, self._everyone = Buckets(PER_BORROWER), Buckets(LENDING)
        self._desks = asyncio.Semaphore(AT_ONCE)

    async def lend(self, who: str, shelves: LibraryAccounts, now: datetime) -> Lent:
        """What these libraries lend this reader; why one of them does not, in a sentence."""
        if not self._borrowers.take(who, now):
            return _refused(shelves, TOO_OFTEN)
        if self._desks.locked() or not self._everyone.take("", now):
            return _refused(shelves, TOO_MANY)
        async with self._desks, self._connect() as client:
            return await lent(client, self._places, shelves, within=self._within, most=MOST_LIKED)


def _refused(shelves: LibraryAccounts, said: str) -> Lent:
    """The same sentence for all, said once."""
    return Lent(failures=dict.fromkeys(shelves.apart(), said))
