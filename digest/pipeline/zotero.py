"""Sending saved papers to the Zotero libraries of their readers, some in each run.

A library that does not answer is tried again later and later. A refused key is deleted: its reader must enter
another one. Nothing here delays or fails a mail.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import anyio

from digest.db import Database
from digest.models.errors import SealBroken, SourceError
from digest.models.saved_papers import (
    ZOTERO_RETRY_DELAYS,
    SavedPaper,
    ZoteroAccount,
    ZoteroProblem,
)
from digest.models.sealing import Sealer
from digest.models.text import shorten
from digest.sources.http.response import RetryableError
from digest.sources.libraries.zotero import MAX_ITEMS, SendItemsResult, ZoteroRefused, send_items
from digest.subscribers.saved_papers import to_citations

if TYPE_CHECKING:  # importing httpx takes 9 MiB and 0.1 s
    from digest.sources.http.client import Client

log = logging.getLogger(__name__)

MAX_SECONDS = 25.0  # of one run
MAX_ACCOUNTS = 50  # of one run
RESERVATION = timedelta(minutes=10)  # for so long no other process sends an account's papers
MAX_ATTEMPTS = 14  # about ten days; then nothing is sent until the reader saves another paper
MAX_NAMED_PAPERS = 3  # of those that Zotero rejected


@dataclass(frozen=True, slots=True)
class ZoteroServices:
    """What sending needs: the database, the seal of the keys, and the way to Zotero."""

    store: Database
    sealer: Callable[[], Sealer]
    open_client: Callable[[], "AbstractAsyncContextManager[Client]"]
    base_url: str


async def send_saved_papers(
    services: ZoteroServices,
    clock: Callable[[], datetime],
    *,
    timeout: float = MAX_SECONDS,  # noqa: ASYNC109  the budget of all requests together
) -> int:
    """Send the papers of the accounts that are due, for *timeout* seconds; return how many were taken.

    While sending is paused, as in a restored copy of a database, nothing is sent.
    """
    now = clock()
    with services.store.begin(write=False) as tx:
        due = () if tx.meta.pause_reason else tx.zotero_accounts.list_due(now, limit=MAX_ACCOUNTS)
    if not due:
        return 0
    with services.store.begin() as tx:
        reserved = tx.zotero_accounts.postpone(due, now + RESERVATION)
    count = 0
    with anyio.move_on_after(timeout):
        async with services.open_client() as client:
            for account in reserved:
                count += await _send_account(services, client, account, clock)
    log.info("sent to Zotero", extra={"accounts": len(reserved), "papers": count})
    return count


async def _send_account(
    services: ZoteroServices, client: "Client", account: ZoteroAccount, clock: Callable[[], datetime]
) -> int:
    """Send one request's worth of papers of an account, and record what became of them."""
    with services.store.begin(write=False) as tx:
        waiting = tx.saved_papers.list_for_zotero(account.subscriber_id, limit=MAX_ITEMS // 2)
        owner = tx.subscribers.get_by_id(account.subscriber_id).public_id
    citations = to_citations(waiting)
    library = account.library
    try:
        key, result = services.sealer().open(account.sealed_key), None
        if citations:
            result = await send_items(client, services.base_url, library, key, citations, owner=owner)
    except (SealBroken, ZoteroRefused) as error:
        problem = ZoteroProblem.REFUSED if isinstance(error, ZoteroRefused) else ZoteroProblem.UNREADABLE
        _record(services, replace(account, sealed_key="", next_at=None, problem=problem))
        return 0
    except SourceError as error:
        _record(services, _postpone(account, error, clock()))
        return 0
    _record(services, replace(account, attempts=0, problem=""), waiting, result, at=clock())
    return len(result.taken) if result else 0


def _postpone(account: ZoteroAccount, error: SourceError, now: datetime) -> ZoteroAccount:
    """Return the account to be tried again, no sooner than Zotero asks for."""
    cause = error.__cause__
    asked = timedelta(seconds=(cause.wait if isinstance(cause, RetryableError) else None) or 0)
    delay = ZOTERO_RETRY_DELAYS[min(account.attempts, len(ZOTERO_RETRY_DELAYS) - 1)]
    attempts = account.attempts + 1
    return replace(
        account,
        attempts=attempts,
        next_at=now + max(delay, min(asked, ZOTERO_RETRY_DELAYS[-1])) if attempts < MAX_ATTEMPTS else None,
        problem=f"{ZoteroProblem.UNREACHABLE} {error}",
    )


def _record(
    services: ZoteroServices,
    account: ZoteroAccount,
    waiting: Sequence[SavedPaper] = (),
    result: SendItemsResult | None = None,
    *,
    at: datetime | None = None,
) -> None:
    """Store an account after an attempt, unless its reader changed or removed it meanwhile."""
    with services.store.begin() as tx:
        current = tx.zotero_accounts.find(account.subscriber_id)
        if current is None or current.connected_at != account.connected_at:
            return
        if result is not None:
            # A rejected paper counts as sent, so that it does not keep the others waiting.
            sent = [saved.paper for saved in waiting if saved.paper.id in {*result.taken, *result.rejected}]
            tx.saved_papers.mark_in_zotero(account.subscriber_id, sent, at=at or account.connected_at)
            titles = {saved.paper.id: shorten(saved.paper.title, 80) for saved in waiting}
            named = [
                f"{titles[paper_id]}: {message}"
                for paper_id, message in [*result.rejected.items()][:MAX_NAMED_PAPERS]
            ]
            problem = f"{ZoteroProblem.REJECTED} {'; '.join(named)}" if named else ""
            left = tx.saved_papers.list_for_zotero(account.subscriber_id, limit=1)
            account = replace(account, problem=problem, next_at=at if left else None)
        elif at is not None:  # nothing waited
            account = replace(account, next_at=None)
        tx.zotero_accounts.save(account)
