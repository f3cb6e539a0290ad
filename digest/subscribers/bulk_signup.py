"""How do many people sign up at the same moment? Each as if alone, in as many statements as one.

`subscriptions.sign_up` says what happens to one; a test holds the two to the same end. Who is known,
unknown or suppressed cannot be told from the outside, for all of them share the statements and the commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from digest.db import Transaction
from digest.db.audit import AuditLine
from digest.db.deliveries.history import NOTICE_LASTS
from digest.db.subscribers.rows import new_pid
from digest.models import DeliveryKind, NewDelivery, Status, Subscriber
from digest.models.addresses import Address, key_of, parse_address
from digest.subscribers import ASK_AGAIN, Actor
from digest.subscribers.validation import changed

READS = {Status.CONFIRMED, Status.PAUSED}


@dataclass(frozen=True, slots=True)
class SignUpRequest:
    """Someone who wants to sign up, read and found sensible."""

    address: Address
    wishes: Mapping[str, object]
    blank: Subscriber  # who they would be if nobody knew them

    @classmethod
    def read(cls, address: str, wishes: Mapping[str, object]) -> "SignUpRequest":
        """InvalidAddress or InvalidChange with a sentence, before anything is looked up."""
        parsed = parse_address(address)
        blank = changed(Subscriber(id=0, pid="", address=parsed.shown), wishes)
        return cls(parsed, wishes, replace(blank, profile_revision=0))


def sign_up_all(tx: Transaction, asking: Sequence[SignUpRequest], *, by: Actor) -> None:
    """All of them; of several for one mailbox the first counts, as it would within ten minutes."""
    once = {each.address.mailbox: each for each in reversed(asking)}
    keys = {mailbox: key_of(mailbox, suppression_key=by.suppression_key) for mailbox in once}
    barred = tx.suppressions.among(keys.values())
    open_ = {mailbox: each for mailbox, each in once.items() if keys[mailbox] not in barred}
    known = tx.subscribers.by_mailboxes(open_.keys())
    newcomers = _added(tx, [each for mailbox, each in open_.items() if mailbox not in known], by)
    waiting = [
        replace(changed(reader, open_[mailbox].wishes), asked_at=by.now)
        for mailbox, reader in known.items()
        if reader.status not in READS and _may_ask(reader, by)
    ]
    tx.subscribers.save_many(waiting)
    welcomed = [reader for reader in known.values() if reader.status in READS]
    notices = [
        *(_confirm(each, by) for each in (*newcomers, *waiting)),
        *(_welcome(each, by) for each in welcomed),
    ]
    if notices:
        tx.deliveries.plan(notices, now=by.now)


def _added(tx: Transaction, asking: Sequence[SignUpRequest], by: Actor) -> Sequence[Subscriber]:
    """The newcomers, stored, asked and written into the audit log."""
    now = by.now
    newcomers = [
        replace(each.blank, pid=new_pid(), created_at=now, status_since=now, asked_at=now) for each in asking
    ]
    if not newcomers:
        return ()
    tx.subscribers.add_many(newcomers)
    stored = tx.subscribers.by_pids([each.pid for each in newcomers])
    tx.audit.write_all([AuditLine(now, by.actor, "sign-up", pid, {}) for pid in stored])
    return tuple(stored.values())


def _may_ask(reader: Subscriber, by: Actor) -> bool:
    return reader.asked_at is None or by.now - reader.asked_at >= ASK_AGAIN


def _confirm(reader: Subscriber, by: Actor) -> NewDelivery:
    key = f"confirm/{reader.id}/{by.now:%Y%m%dT%H%M%S}"
    return _notice(DeliveryKind.CONFIRM, "confirm", reader, key, by)


def _welcome(reader: Subscriber, by: Actor) -> NewDelivery:
    key = f"welcome/{reader.id}/{by.now:%Y-%m-%d}"
    return _notice(DeliveryKind.NOTICE, "welcome", reader, key, by)


def _notice(kind: DeliveryKind, mail: str, reader: Subscriber, key: str, by: Actor) -> NewDelivery:
    return NewDelivery(
        kind=kind,
        key=key,
        subscriber_id=reader.id,
        address=reader.address,
        slot=by.now,
        not_before=by.now,
        not_after=by.now + NOTICE_LASTS,
        payload={"mail": mail},
    )
