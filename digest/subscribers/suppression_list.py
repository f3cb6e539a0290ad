"""Suppressed addresses: whose they are, and suppressing all of somebody else's list."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import BinaryIO

from digest.db import Database, Transaction
from digest.models import Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_mailbox, parse_address
from digest.models.errors import InvalidAddress, InvalidChange
from digest.subscribers.foreign_consent import normalize_name
from digest.subscribers.helpers import Actor, end_subscriptions
from digest.subscribers.importing import (
    ImportResult,
    RowResult,
    UnreadableRow,
    extract_address,
    find_address_column,
)
from digest.subscribers.table_files import read_rows
from digest.subscribers.transfer import ImportReport, import_batches
from digest.subscribers.unsubscribe import remove_suppression

BATCH_SIZE = 1000
MAX_FIRST_LINE = 1000  # bytes that are looked at to tell a bare list from a table
NOT_READING = (Status.UNSUBSCRIBED, Status.UNCONFIRMED)  # who may be suppressed


def find_suppressed(
    tx: Transaction, keys: Collection[str], *, suppression_key: bytes
) -> dict[str, Subscriber]:
    """Return the subscribers whose addresses have these keys; of most suppressed addresses there is none."""
    wanted = frozenset(keys)
    ids = {}
    for subscriber_id, mailbox in tx.subscribers.list_mailboxes(NOT_READING) if wanted else ():
        key = hash_mailbox(mailbox, suppression_key=suppression_key)
        if key in wanted:
            ids[subscriber_id] = key
    return {ids[reader.id]: reader for reader in tx.subscribers.get_by_ids(ids.keys()).values()}


def lift_by_key(tx: Transaction, key: str, *, actor: Actor) -> bool:
    """Lift a suppression of which only the key is known, as `unsuppress`; return False if there is none."""
    reader = find_suppressed(tx, [key], suppression_key=actor.suppression_key).get(key)
    return remove_suppression(tx, key, reader, actor=actor)


def import_suppressions(
    store: Database, file: BinaryIO, *, actor: Actor, dry_run: bool, file_name: str = ""
) -> ImportReport:
    """Suppress every address of a file: one in each line, or a CSV or JSON lines with a column of addresses.

    Subscriptions of these addresses end. A dry run reports the same and changes nothing.

    Raises:
        InvalidChange: the file cannot be read; nothing of it was imported.
    """
    for _ in _read_addresses(file):
        pass  # a file that cannot be read to its end is refused before anything is changed
    file.seek(0)
    rows = _read_addresses(file)
    return import_batches(
        store,
        iter(lambda: list(islice(rows, BATCH_SIZE)), []),
        partial(_suppress_batch, actor=actor),
        kind="suppressions",
        actor=actor,
        dry_run=dry_run,
        file_name=file_name,
    )


def _suppress_batch(tx: Transaction, rows: Iterable[tuple[int, str]], actor: Actor) -> Sequence[ImportResult]:
    parsed: dict[str, tuple[int, str]] = {}
    results = []
    for number, text in rows:
        try:
            address = parse_address(extract_address(text))
        except InvalidAddress as error:
            results.append(ImportResult(number, text, RowResult.INVALID, str(error)))
            continue
        if address.mailbox in parsed:
            results.append(ImportResult(number, address.display, RowResult.DUPLICATE))
        else:
            parsed[address.mailbox] = number, address.display
    keys = {item: hash_mailbox(item, suppression_key=actor.suppression_key) for item in parsed}
    known = tx.suppressions.filter_suppressed(keys.values())
    readers = tx.subscribers.get_by_mailboxes(parsed.keys())
    ending = {item: reader for item, reader in readers.items() if reader.status not in NOT_READING}
    end_subscriptions(tx, ending.values(), actor.now)
    for mailbox, (number, shown) in parsed.items():
        prior = ending[mailbox].status if mailbox in ending else None
        tx.suppressions.add(
            keys[mailbox], SuppressionReason.ADMIN, now=actor.now, source="import", prior_status=prior
        )
        is_known = keys[mailbox] in known
        results.append(ImportResult(number, shown, RowResult.UNCHANGED if is_known else RowResult.ADDED))
    return sorted(results, key=lambda result: result.number)


def _read_addresses(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the number of each row and the address in it."""
    first = file.readline(MAX_FIRST_LINE)
    file.seek(0)
    if b"@" in first and not first.lstrip().startswith(b"{"):
        for number, line in enumerate(file, 1):
            text = line.decode("utf-8-sig", errors="replace").split(",")[0].split(";")[0].split("\t")[0]
            if text.strip(" \t\r\n\"'"):
                yield number, text.strip(" \t\r\n\"'")
        return
    is_empty = True
    for number, fields in read_rows(file):
        is_empty = False
        if isinstance(fields, UnreadableRow):
            yield number, fields.shown
            continue
        named = {normalize_name(name): value for name, value in fields.items()}
        yield number, str(named.get(_find_column(named), "") or "")
    if is_empty:
        raise InvalidChange("The file contains no addresses.")


def _find_column(named: Mapping[str, object]) -> str:
    column = find_address_column(tuple(named))
    if column is None:
        raise InvalidChange(
            "The file has no column of addresses: call it email, or write one address a line."
        )
    return column
