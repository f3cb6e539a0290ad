"""Import of many subscribers at once: rows of a file, processed in bulk, each with its own result.

Consent is not imported: people are asked to confirm, unless the importer asserts that they consented before.
Suppressed addresses stay suppressed, and who unsubscribed here stays so.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from digest.db import Transaction
from digest.db.audit import AuditLine
from digest.db.subscribers.rows import create_public_id
from digest.models import CONFIRM_TTL, DeliveryKind, NewDelivery, Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_mailbox, parse_address
from digest.models.errors import DigestError, InvalidChange
from digest.models.schedule import find_next_slot
from digest.subscribers import Actor
from digest.subscribers.validation import FIELD_NAMES, LIST_FIELDS, apply_changes

_EMAIL_FIELDS = ("email", "email_address", "e_mail", "e_mail_address", "address", "mail")
_STATUS_WORDS = {
    Status.CONFIRMED: ("confirmed", "subscribed", "enabled", "active"),
    Status.UNCONFIRMED: ("unconfirmed", "pending", "nonsubscribed", "non_subscribed"),
    Status.PAUSED: ("paused", "disabled"),
    Status.UNSUBSCRIBED: ("unsubscribed",),
}
_STATUSES = {word: status for status, words in _STATUS_WORDS.items() for word in words}
_SUPPRESSED_WORDS = ("blocklisted", "blacklisted", "cleaned", "bounced", "complained", "suppressed")
_JSON_FIELDS = LIST_FIELDS | {"liked", "disliked", "opened", "learnt", "facets"}

Row = tuple[int, Mapping[str, object]]  # the row's number in its file, and its fields by name


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
    status: Status | None  # as the file has it
    is_suppressed: bool  # as the file has it


def import_rows(
    tx: Transaction,
    rows: Sequence[Row],
    *,
    actor: Actor,
    confirmed: bool = False,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> tuple[ImportResult, ...]:
    """Import a batch of rows, best about a thousand; return the results in the same order.

    *confirmed* asserts that these people consented before: rows without another status are confirmed at once.
    *defaults* are settings of new subscribers whose row does not have them.
    """
    newcomer = apply_changes(Subscriber(id=0, public_id="", address=""), defaults)
    parsed = [_parse(number, fields, newcomer) for number, fields in rows]
    unique: dict[str, _ParsedRow] = {}
    for row in parsed:
        if isinstance(row, _ParsedRow):
            unique.setdefault(row.mailbox, row)
    batch = _ImportBatch(
        existing=tx.subscribers.get_by_mailboxes(unique.keys()),
        suppressed=_suppress_and_filter(tx, unique.values(), actor),
        actor=actor,
        has_consented=confirmed,
    )
    results = {mailbox: batch.process(row) for mailbox, row in unique.items()}
    _save(tx, [subscriber for _, subscriber in results.values() if subscriber], actor)
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
            is_active = before is not None and before.status in (Status.CONFIRMED, Status.PAUSED)
            ended = self._with_status(before, Status.UNSUBSCRIBED) if before and is_active else None
            return ImportResult(row.number, row.shown, RowResult.SUPPRESSED), ended
        if before is None:
            newcomer = replace(
                row.newcomer, public_id=create_public_id(), address=row.shown, created_at=self.actor.now
            )
            added = self._with_status(newcomer, row.status or Status.CONFIRMED)
            return ImportResult(row.number, row.shown, RowResult.ADDED), added
        if before.status is Status.UNSUBSCRIBED:
            return ImportResult(row.number, row.shown, RowResult.LEFT), None
        after = apply_changes(before, row.changes)
        # An assertion of consent ends nobody's pause.
        if row.status or (self.has_consented and before.status is Status.UNCONFIRMED):
            after = self._with_status(after, row.status or Status.CONFIRMED)
        result = RowResult.UNCHANGED if after == before else RowResult.UPDATED
        return ImportResult(row.number, row.shown, result), after if after != before else None

    def _with_status(self, subscriber: Subscriber, status: Status) -> Subscriber:
        """Set a status: confirmed and paused only with consent, unconfirmed only who never confirmed."""
        now, was_confirmed = self.actor.now, subscriber.confirmed_at is not None
        if status in (Status.CONFIRMED, Status.PAUSED) and not (self.has_consented or was_confirmed):
            status = Status.UNCONFIRMED
        if status is Status.UNCONFIRMED and was_confirmed:
            return subscriber
        if subscriber.status is status and subscriber.status_since:
            return subscriber
        return replace(
            subscriber,
            status=status,
            status_since=now,
            confirmed_at=subscriber.confirmed_at or (now if status is not Status.UNCONFIRMED else None),
            next_due=find_next_slot(subscriber.schedule, now) if status is Status.CONFIRMED else None,
            asked_at=now if status is Status.UNCONFIRMED else None,
        )


def _save(tx: Transaction, subscribers: Sequence[Subscriber], actor: Actor) -> None:
    """Add or save the subscribers, write the audit log, and ask the unconfirmed ones to confirm."""
    tx.subscribers.add_many(item for item in subscribers if not item.id)
    tx.subscribers.save_many([item for item in subscribers if item.id])
    tx.audit.write_all(
        [AuditLine(actor.now, actor.name, "import", item.public_id, {}) for item in subscribers]
    )
    to_ask = {
        item.public_id
        for item in subscribers
        if item.asked_at == actor.now and item.status is Status.UNCONFIRMED
    }
    stored = tx.subscribers.get_by_public_ids(to_ask).values()
    tx.deliveries.enqueue([_build_confirmation(subscriber, actor) for subscriber in stored], now=actor.now)


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
        if row.is_suppressed:
            tx.suppressions.add(keys[row.mailbox], SuppressionReason.ADMIN, now=actor.now, source="import")
    suppressed = tx.suppressions.filter_suppressed(keys.values())
    return frozenset(mailbox for mailbox, key in keys.items() if key in suppressed)


def _parse(number: int, fields: Mapping[str, object], newcomer: Subscriber) -> _ParsedRow | ImportResult:
    """Return a valid row, or the result that says why it is invalid."""
    values = {_normalize(name): value for name, value in fields.items() if value not in (None, "", [])}
    email = str(next((values[name] for name in _EMAIL_FIELDS if name in values), ""))
    try:
        address = parse_address(email)
        changes = {name: _unpack(name, value) for name, value in values.items() if name in FIELD_NAMES}
        changed = apply_changes(newcomer, changes)
        status, is_suppressed = _parse_status(str(values.get("status", "")))
    except DigestError as error:
        return ImportResult(number, email, RowResult.INVALID, str(error))
    return _ParsedRow(number, address.display, address.mailbox, changes, changed, status, is_suppressed)


def _normalize(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _unpack(name: str, value: object) -> object:
    """Parse a list that an export wrote as JSON, because its items contain commas."""
    if name in _JSON_FIELDS and isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _parse_status(word: str) -> tuple[Status | None, bool]:
    """Return the status, if any, and whether the word means a suppressed address."""
    word = _normalize(word)
    if word in _SUPPRESSED_WORDS:
        return Status.UNSUBSCRIBED, True
    if word and word not in _STATUSES:
        raise InvalidChange(f"There is no status {word!r}; there are {', '.join(Status)}.")
    return _STATUSES.get(word), False
