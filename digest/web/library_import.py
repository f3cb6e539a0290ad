"""Limits on reading readers' libraries (ORCID, Semantic Scholar, Zotero): rate, concurrency, time."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from digest.mail.locale import gettext_noop
from digest.models.errors import SourceError
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.libraries.clients import LibraryAccounts
from digest.sources.libraries.request import LibraryPapers, fetch_libraries
from digest.web.rate_limits import LIBRARY_IMPORTS, LIBRARY_IMPORTS_PER_READER, RateLimiter

TIMEOUT = 15.0  # seconds that a reader waits for a library
MAX_CONCURRENT = 8  # readers whose libraries are read in this process at one time
TOO_OFTEN = gettext_noop(
    "Your libraries were read a moment ago and cannot be read again so soon. "
    "Everything else is saved; press Save again in a few minutes."
)
TOO_MANY = gettext_noop(
    "Too many libraries are being read right now. "
    "Everything else is saved; press Save again in a few minutes."
)


class LibraryImporter:
    """Reads the libraries of readers within the limits."""

    def __init__(
        self,
        open_client: Callable[[], AbstractAsyncContextManager[Client]],
        config: SourceConfig,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._open_client, self._config, self._timeout = open_client, config, timeout
        self._per_reader = RateLimiter(LIBRARY_IMPORTS_PER_READER)
        self._all_readers = RateLimiter(LIBRARY_IMPORTS)
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)

    def take_turn(self, reader_id: str, now: datetime) -> bool:
        """Return whether a reader may cause another request to a library now, and count it."""
        return self._per_reader.take(reader_id, now) and self._all_readers.take("", now)

    async def fetch(self, reader_id: str, accounts: LibraryAccounts, now: datetime) -> LibraryPapers:
        """Return the papers in these libraries, and a sentence for each that could not be read."""
        if not self._per_reader.take(reader_id, now):
            return _refuse(accounts, TOO_OFTEN)
        if self._slots.locked() or not self._all_readers.take("", now):
            return _refuse(accounts, TOO_MANY)
        async with self._slots, self._open_client() as client:
            return await fetch_libraries(
                client, self._config, accounts, timeout=self._timeout, limit=MAX_LIKED_PAPERS
            )


def _refuse(accounts: LibraryAccounts, sentence: str) -> LibraryPapers:
    """Return the same failure for all libraries; the page shows equal sentences once."""
    return LibraryPapers(failures=dict.fromkeys(accounts.by_library(), SourceError(sentence)))
