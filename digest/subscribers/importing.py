"""Import of many subscribers at once: rows of a file, processed in bulk, each with its own result.

Consent is not imported: people are asked to confirm, unless the importer asserts that they consented before.
Suppressed addresses stay suppressed, and who unsubscribed here or there stays so.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from digest.db import Transaction
from digest.db.subscribers.rows import create_public_id
from digest.models import (
    CONFIRM_TTL,
    SUBSCRIBED,
    DeliveryKind,
    NewDelivery,
    Status,
    Subscriber,
    SuppressionReason,
)
from digest.models.addresses import hash_mailbox, parse_address
from digest.models.errors import DigestError
from digest.models.schedule import find_next_slot
from digest.subscribers import Actor
from digest.subscribers.foreign_consent import ForeignConsent, normalize_name, read_consent, says_consent
from digest.subscribers.validation import FIELD_NAMES, LIST_FIELDS, apply_changes

_ADDRESS_COLUMNS = (  # in order of preference; `address` alone may be that of a house
    "email", "email_address", "e_mail", "e_mail_address", "mail", "primary_email", "subscriber_email",
    "contact_email", "e_mail_adresse", "email_adresse", "mailadresse", "adresse_e_mail", "adresse_email",
    "courriel", "correo_electrónico", "correo_electronico", "correo", "邮箱", "电子邮件",
    "电子邮箱", "address",
)  # fmt: skip
_LIKE_ADDRESS = re.compile(r"e_?mail|mail|courriel|correo|邮|メール", re.IGNORECASE)
_UNLIKE_ADDRESS = re.compile(  # what else may be said of mail: consent, counters, kinds, a postal address
    r"(?:^|_)(?:emails|mails|mailing|mailings|status|state|type|count|sent|opened|clicked|format|client|provider"
    r"|domain|id|hash|valid|verified|confirmed|disabled|enabled|marketing|consent|campaign|time|date|at|list|lists"
    r"|sub\w*scribed|unsub\w*|opt\w*|bounce\w*|black\w*|block\w*|complain\w*|ok|score|rating|frequency)(?:_|$)"
)
_NAMED_ADDRESS = re.compile(r"[^<>]*<([^<>]+)>[\s;,]*")
_TAG_COLUMNS = ("tags", "tag", "labels", "label", "groups", "group", "segments")
MAX_TAGS = 20  # that one row may give
MAX_TAG_CHARS = 50
_JSON_FIELDS = LIST_FIELDS | {"liked", "disliked", "opened", "learnt", "facets"}


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row whose fields cannot be told apart, and why."""

    shown: str  # its beginning
    reason: str


Row = tuple[int, Mapping[str, object] | UnreadableRow]  # the number in its file, and the fields by name


class RowResult(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPPRESSED = "suppressed"  # gets no mail, whatever the file says
    LEFT = "left"  # unsubscribed here, and stays so
    DUPLICATE = "duplicate"  # an earlier row of the batch has the same mailbox
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A row of the file and what became of it, with a sentence if something was wrong."""

    number: int
    address: str
    result: RowResult
    note: str = ""


@dataclass(frozen=True, slots=True)
class _ParsedRow:
    """A valid row."""

    number: int
    shown: str
    mailbox: str
    changes: Mapping[str, object]
    newcomer: Subscriber  # to add if the mailbox is new
    consent: ForeignConsent  # as the file has it
    tags: tuple[str, ...] = ()

    @property
    def status(self) -> Status | None:
        return self.consent.status

    @property
    def note(self) -> str:
        """What the row was taken for, if the file says that the person left."""
        if self.status is not Status.UNSUBSCRIBED:
            return ""
        taken = "suppressed" if self.consent.is_suppressed else self.status
        return f"Taken for {taken}: {self.consent.evidence}."


def import_rows(
    tx: Transaction,
    rows: Sequence[Row],
    *,
    actor: Actor,
    confirmed: bool = False,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> tuple[ImportResult, ...]:
    """Import a batch of rows, best about a thousand; return the results in the same order.

    *confirmed* asserts that these people consented before: rows without another status are confirmed at once,
    and nobody is asked to confirm.
    *defaults* are settings of new subscribers whose row does not have them.
    """
    newcomer = apply_changes(Subscriber(id=0, public_id="", address=""), defaults)
    parsed = [_parse(number, fields, newcomer) for number, fields in rows]
    unique: dict[str, _ParsedRow] = {}
    for row in parsed:
        # Of several rows the first counts, but one that says the person left counts more.
        if isinstance(row, _ParsedRow) and (
            row.mailbox not in unique or _is_stricter(row, unique[row.mailbox])
        ):
            unique[row.mailbox] = row
    batch = _ImportBatch(
        existing=tx.subscribers.get_by_mailboxes(unique.keys()),
        suppressed=_suppress_and_filter(tx, unique.values(), actor),
        actor=actor,
        has_consented=confirmed,
    )
    results = {mailbox: batch.process(row) for mailbox, row in unique.items()}
    _save(tx, [subscriber for _, subscriber in results.values() if subscriber], actor)
    tx.tags.add_by_public_id(dict(_collect_tags(unique, results, batch)))
    return tuple(_get_result(row, results) for row in parsed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ImportBatch:
    """What the rows of a batch are compared with."""

    existing: Mapping[str, Subscriber]  # by mailbox
    suppressed: frozenset[str]  # mailboxes
    actor: Actor
    has_consented: bool

    def process(self, row: _ParsedRow) -> tuple[ImportResult, Subscriber | None]:
        """Return what becomes of a row, and the subscriber to add or save, if any."""
        before = self.existing.get(row.mailbox)
        if row.mailbox in self.suppressed:
            is_active = before is not None and before.status in SUBSCRIBED
            ended = self._with_status(before, Status.UNSUBSCRIBED) if before and is_active else None
            return ImportResult(row.number, row.shown, RowResult.SUPPRESSED, row.note), ended
        if before is None:
            newcomer = replace(
                row.newcomer, public_id=create_public_id(), address=row.shown, created_at=self.actor.now
            )
            added = self._with_status(newcomer, row.status or Status.CONFIRMED)
            return ImportResult(row.number, row.shown, RowResult.ADDED, self._describe(row, added)), added
        if before.status is Status.UNSUBSCRIBED:
            note = row.note or "Unsubscribed here before, and stays so."
            return ImportResult(row.number, row.shown, RowResult.LEFT, note), None
        after = apply_changes(before, row.changes)
        status = row.status
        if self.has_consented and before.status is Status.UNCONFIRMED:
            status = status or Status.CONFIRMED
        # Only the reader or an administrator ends a pause: the file may be older than it.
        if status and not (before.status is Status.PAUSED and status is Status.CONFIRMED):
            after = self._with_status(after, status)
        result = RowResult.UNCHANGED if after == before else RowResult.UPDATED
        note = self._describe(row, after)
        return ImportResult(row.number, row.shown, result, note), after if after != before else None

    def _describe(self, row: _ParsedRow, after: Subscriber) -> str:
        """Return what the row was taken for, if that is not what the importer asserts of everybody."""
        if self.has_consented and row.status is after.status is Status.UNCONFIRMED:
            return f"Taken for unconfirmed, and not asked to confirm: {row.consent.evidence}."
        return row.note

    def _with_status(self, subscriber: Subscriber, status: Status) -> Subscriber:
        """Set a status: confirmed and paused only with consent, unconfirmed only who never confirmed."""
        now, was_confirmed = self.actor.now, subscriber.confirmed_at is not None
        if status in SUBSCRIBED and not (self.has_consented or was_confirmed):
            status = Status.UNCONFIRMED
        if status is Status.UNCONFIRMED and was_confirmed:
            return subscriber
        if subscriber.status is status and subscriber.status_since:
            return subscriber
        return replace(
            subscriber,
            status=status,
            status_since=now,
            confirmed_at=subscriber.confirmed_at or (now if status in SUBSCRIBED else None),
            next_due=find_next_slot(subscriber.schedule, now) if status is Status.CONFIRMED else None,
            asked_at=now if status is Status.UNCONFIRMED and not self.has_consented else None,
        )


def _save(tx: Transaction, subscribers: Sequence[Subscriber], actor: Actor) -> None:
    """Add or save the subscribers, and ask the unconfirmed ones to confirm."""
    tx.subscribers.add_many(item for item in subscribers if not item.id)
    tx.subscribers.save_many([item for item in subscribers if item.id])
    to_ask = {
        item.public_id
        for item in subscribers
        if item.asked_at == actor.now and item.status is Status.UNCONFIRMED
    }
    stored = tx.subscribers.get_by_public_ids(to_ask).values()
    tx.deliveries.enqueue([_build_confirmation(subscriber, actor) for subscriber in stored], now=actor.now)


def _collect_tags(
    rows: Mapping[str, _ParsedRow],
    results: Mapping[str, tuple[ImportResult, Subscriber | None]],
    batch: _ImportBatch,
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the tags that the file gives to subscribers, by public id."""
    for mailbox, row in rows.items():
        result, changed = results[mailbox]
        subscriber = changed or batch.existing.get(mailbox)
        if row.tags and subscriber and result.result not in (RowResult.SUPPRESSED, RowResult.LEFT):
            yield subscriber.public_id, row.tags


def _build_confirmation(subscriber: Subscriber, actor: Actor) -> NewDelivery:
    return NewDelivery(
        kind=DeliveryKind.CONFIRM,
        key=f"confirm/{subscriber.id}/{actor.now:%Y%m%dT%H%M%S}",
        subscriber_id=subscriber.id,
        address=subscriber.address,
        slot=actor.now,
        not_before=actor.now,
        not_after=actor.now + CONFIRM_TTL,
        payload={"mail": "confirm"},
    )


def _get_result(
    row: _ParsedRow | ImportResult, results: Mapping[str, tuple[ImportResult, Subscriber | None]]
) -> ImportResult:
    if isinstance(row, ImportResult):
        return row
    result = results[row.mailbox][0]
    if result.number == row.number:
        return result
    return ImportResult(
        row.number, row.shown, RowResult.DUPLICATE, f"The same mailbox as in row {result.number}."
    )


def _suppress_and_filter(tx: Transaction, rows: Collection[_ParsedRow], actor: Actor) -> frozenset[str]:
    """Suppress the addresses that the file calls so; return the mailboxes of all that are suppressed."""
    keys = {row.mailbox: hash_mailbox(row.mailbox, suppression_key=actor.suppression_key) for row in rows}
    for row in rows:
        if row.consent.is_suppressed:
            tx.suppressions.add(keys[row.mailbox], SuppressionReason.ADMIN, now=actor.now, source="import")
    suppressed = tx.suppressions.filter_suppressed(keys.values())
    return frozenset(mailbox for mailbox, key in keys.items() if key in suppressed)


def _is_stricter(row: _ParsedRow, other: _ParsedRow) -> bool:
    strictness = [(item.consent.is_suppressed, item.status is Status.UNSUBSCRIBED) for item in (row, other)]
    return strictness[0] > strictness[1]


def _parse(
    number: int, fields: Mapping[str, object] | UnreadableRow, newcomer: Subscriber
) -> _ParsedRow | ImportResult:
    """Return a valid row, or the result that says why it is invalid."""
    if isinstance(fields, UnreadableRow):
        return ImportResult(number, fields.shown, RowResult.INVALID, fields.reason)
    named = {normalize_name(name): value for name, value in fields.items()}
    values = {name: value for name, value in named.items() if value not in (None, "", [])}
    email = str(values.get(find_address_column(tuple(named)) or "", ""))
    try:
        address = parse_address(extract_address(email))
        changes = {name: _unpack(name, value) for name, value in values.items() if name in FIELD_NAMES}
        changed = apply_changes(newcomer, changes)
        consent = read_consent({name: value for name, value in values.items() if name not in FIELD_NAMES})
    except DigestError as error:
        return ImportResult(number, email, RowResult.INVALID, str(error))
    tags = next((parse_tags(values[name]) for name in _TAG_COLUMNS if name in values), ())
    return _ParsedRow(number, address.display, address.mailbox, changes, changed, consent, tags)


@lru_cache(maxsize=64)  # every row of a file has the same columns
def find_unused_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which columns of a row an import leaves alone, in the order of *names*."""
    normalized = {name: normalize_name(name) for name in names}
    used = {*FIELD_NAMES, *_TAG_COLUMNS, find_address_column(tuple(normalized.values()))}
    return tuple(name for name, known in normalized.items() if not (known in used or says_consent(known)))


def parse_tags(value: object) -> tuple[str, ...]:
    """Return the tags in a cell: a list, a list as JSON, or words between commas, semicolons or bars."""
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    items = re.split(r"[,;|\n]", value) if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        return ()
    tags = (" ".join(str(item).strip(" \"'").split())[:MAX_TAG_CHARS].rstrip() for item in items)
    return tuple(dict.fromkeys(tag for tag in tags if tag.isprintable() and tag))[:MAX_TAGS]


@lru_cache(maxsize=64)  # every row of a file has the same columns
def find_address_column(names: tuple[str, ...]) -> str | None:
    """Return which of these normalized column names holds the address; None if none or several may."""
    if exact := next((name for name in _ADDRESS_COLUMNS if name in names), None):
        return exact
    similar = [name for name in names if _LIKE_ADDRESS.search(name) and not _UNLIKE_ADDRESS.search(name)]
    return similar[0] if len(similar) == 1 else None


def extract_address(text: str) -> str:
    """Return the address of `Name <address>` or `mailto:address`; anything else as it is."""
    match = _NAMED_ADDRESS.fullmatch(text)
    return (match[1] if match else text).strip().removeprefix("mailto:")


def _unpack(name: str, value: object) -> object:
    """Parse a list that an export wrote as JSON, because its items contain commas."""
    if name in _JSON_FIELDS and isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value
