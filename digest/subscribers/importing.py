"""How do many subscribers come in at once? Rows of a file, judged in bulk, each with its own outcome.

Consent is not imported: people get a mail that asks them, unless whoever imports asserts that they said
yes before. Who is suppressed stays so, who left stays away, and what cannot be read is told by its row.
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
from digest.db.subscribers.rows import new_pid
from digest.models import CONFIRM_WITHIN, DeliveryKind, NewDelivery, Status, Subscriber, SuppressionReason
from digest.models.addresses import key_of, parse_address
from digest.models.errors import DigestError, InvalidChange
from digest.models.schedule import next_slot
from digest.subscribers import Actor
from digest.subscribers.validation import LISTS, NAMES, changed

_EMAIL_NAMES = ("email", "email_address", "e_mail", "e_mail_address", "address", "mail")
_STATUS_WORDS = {
    Status.CONFIRMED: ("confirmed", "subscribed", "enabled", "active"),
    Status.UNCONFIRMED: ("unconfirmed", "pending", "nonsubscribed", "non_subscribed"),
    Status.PAUSED: ("paused", "disabled"),
    Status.UNSUBSCRIBED: ("unsubscribed",),
}
_NEVER_WORDS = ("blocklisted", "blacklisted", "cleaned", "bounced", "complained", "suppressed")
_NOBODY = Subscriber(id=0, pid="", address="")
_PACKED = LISTS | {"liked", "disliked", "opened", "learnt", "facets"}
_STATUS_OF = {word: status for status, words in _STATUS_WORDS.items() for word in words}


class Result(StrEnum):
    """What became of a row."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SUPPRESSED = "suppressed"  # never written to, whatever the file says
    LEFT = "left"  # unsubscribed here, and stays so
    DUPLICATE = "duplicate"  # the same mailbox stood in an earlier row of the batch
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A row of the file and what became of it, with a sentence where something was wrong."""

    number: int
    address: str
    result: Result
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A row that makes sense."""

    number: int
    shown: str
    mailbox: str
    wishes: Mapping[str, object]
    newcomer: Subscriber  # who they would be if nobody knew them
    status: Status | None  # as the file has it
    never: bool


Row = tuple[int, Mapping[str, object]]  # the row's number in its file, and its fields by their names


def take_in(
    tx: Transaction,
    rows: Sequence[Row],
    *,
    by: Actor,
    confirmed: bool = False,
    defaults: Mapping[str, object] = MappingProxyType({}),
) -> tuple[ImportResult, ...]:
    """Take in a batch of rows; the outcomes come in the same order. About a thousand at a time is best.

    `confirmed` asserts that these people consented before: who has no other status is confirmed at once.
    `defaults` are the wishes of newcomers whose row says nothing of them.
    """
    newcomer = changed(_NOBODY, defaults)
    read = [_read(number, fields, newcomer) for number, fields in rows]
    wanted: dict[str, _Wanted] = {}
    for row in read:
        if isinstance(row, _Wanted):
            wanted.setdefault(row.mailbox, row)
    batch = _Batch(
        tx.subscribers.by_mailboxes(wanted.keys()), _barred(tx, wanted.values(), by), by, confirmed
    )
    verdicts = {mailbox: batch.verdict(row) for mailbox, row in wanted.items()}
    _write(tx, [subscriber for _, subscriber in verdicts.values() if subscriber], by)
    return tuple(_told(row, verdicts) for row in read)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the rows of a batch are judged by."""

    known: Mapping[str, Subscriber]
    barred: frozenset[str]
    by: Actor
    consented: bool

    def verdict(self, row: _Wanted) -> tuple[ImportResult, Subscriber | None]:
        """What becomes of a row, and the subscriber as they shall be where there is something to write."""
        before = self.known.get(row.mailbox)
        if row.mailbox in self.barred:
            reads = before is not None and before.status in (Status.CONFIRMED, Status.PAUSED)
            gone = self._standing(before, Status.UNSUBSCRIBED) if before and reads else None
            return ImportResult(row.number, row.shown, Result.SUPPRESSED), gone
        if before is None:
            known = replace(row.newcomer, pid=new_pid(), address=row.shown, created_at=self.by.now)
            added = self._standing(known, row.status or Status.CONFIRMED)
            return ImportResult(row.number, row.shown, Result.ADDED), added
        if before.status is Status.UNSUBSCRIBED:
            return ImportResult(row.number, row.shown, Result.LEFT), None
        after = changed(before, row.wishes)
        if row.status or (self.consented and before.status is Status.UNCONFIRMED):  # a pause is theirs to end
            after = self._standing(after, row.status or Status.CONFIRMED)
        result = Result.UNCHANGED if after == before else Result.UPDATED
        return ImportResult(row.number, row.shown, result), after if after != before else None

    def _standing(self, subscriber: Subscriber, status: Status) -> Subscriber:
        """Only who consented, here or by assertion, is confirmed; away from there everyone may go."""
        now, was_confirmed = self.by.now, subscriber.confirmed_at is not None
        if status in (Status.CONFIRMED, Status.PAUSED) and not (self.consented or was_confirmed):
            status = Status.UNCONFIRMED
        if status is Status.UNCONFIRMED and was_confirmed:
            return subscriber
        if subscriber.status is status and subscriber.status_since:
            return subscriber
        confirmed_at = subscriber.confirmed_at or (now if status is not Status.UNCONFIRMED else None)
        due = next_slot(subscriber.schedule, now) if status is Status.CONFIRMED else None
        asked_at = now if status is Status.UNCONFIRMED else None
        return replace(
            subscriber,
            status=status,
            status_since=now,
            confirmed_at=confirmed_at,
            next_due=due,
            asked_at=asked_at,
        )


def _write(tx: Transaction, subscribers: Sequence[Subscriber], by: Actor) -> None:
    tx.subscribers.add_many(one for one in subscribers if not one.id)
    tx.subscribers.save_many([one for one in subscribers if one.id])
    tx.audit.write_all([AuditLine(by.now, by.actor, "import", one.pid, {}) for one in subscribers])
    asked = {one.pid for one in subscribers if one.asked_at == by.now and one.status is Status.UNCONFIRMED}
    waiting = tx.subscribers.by_pids(asked).values()
    tx.deliveries.plan([_asking(one, by) for one in waiting], now=by.now)


def _asking(subscriber: Subscriber, by: Actor) -> NewDelivery:
    """The mail that asks an imported address whether it wants this."""
    return NewDelivery(
        kind=DeliveryKind.CONFIRM,
        key=f"confirm/{subscriber.id}/{by.now:%Y%m%dT%H%M%S}",
        subscriber_id=subscriber.id,
        address=subscriber.address,
        slot=by.now,
        not_before=by.now,
        not_after=by.now + CONFIRM_WITHIN,
        payload={"mail": "confirm"},
    )


def _told(
    row: _Wanted | ImportResult, verdicts: Mapping[str, tuple[ImportResult, Subscriber | None]]
) -> ImportResult:
    if isinstance(row, ImportResult):
        return row
    outcome = verdicts[row.mailbox][0]
    if outcome.number == row.number:
        return outcome
    return ImportResult(
        row.number, row.shown, Result.DUPLICATE, f"The same mailbox as in row {outcome.number}."
    )


def _barred(tx: Transaction, rows: Collection[_Wanted], by: Actor) -> frozenset[str]:
    """The mailboxes nobody may write to, those included of which the file itself says so."""
    keys = {row.mailbox: key_of(row.mailbox, suppression_key=by.suppression_key) for row in rows}
    for row in rows:
        if row.never:
            tx.suppressions.add(keys[row.mailbox], SuppressionReason.ADMIN, now=by.now, source="import")
    held = tx.suppressions.among(keys.values())
    return frozenset(mailbox for mailbox, key in keys.items() if key in held)


def _read(number: int, fields: Mapping[str, object], newcomer: Subscriber) -> _Wanted | ImportResult:
    named = {_named(name): value for name, value in fields.items() if value not in (None, "", [])}
    text = str(next((named[name] for name in _EMAIL_NAMES if name in named), ""))
    try:
        address = parse_address(text)
        wishes = {name: _unpacked(name, value) for name, value in named.items() if name in NAMES}
        asking = changed(newcomer, wishes)
        status, never = _status(str(named.get("status", "")))
    except DigestError as error:
        return ImportResult(number, text, Result.INVALID, str(error))
    return _Wanted(number, address.shown, address.mailbox, wishes, asking, status, never)


def _named(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _unpacked(name: str, value: object) -> object:
    """A list that an export wrote as JSON, because no commas between its items would do."""
    if name in _PACKED and isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value


def _status(word: str) -> tuple[Status | None, bool]:
    word = _named(word)
    if word in _NEVER_WORDS:
        return Status.UNSUBSCRIBED, True
    if word and word not in _STATUS_OF:
        raise InvalidChange(f"There is no status {word!r}; there are {', '.join(Status)}.")
    return _STATUS_OF.get(word), False
