"""What may a reader, or whoever looks after them, do? The same behind form, link, API and command.

Each use-case works in the transaction it is given, writes an audit line for what it changed, and queues
at most one mail. Signing up ends in the same way whether the address is new, known or suppressed, so
that nobody learns from it who reads here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from digest.cadence import next_slot
from digest.changes import changed, differences
from digest.errors import InvalidChange, InvalidToken, NotFound
from digest.model import DeliveryKind, Status, Subscriber, SuppressionReason
from digest.store import Transaction
from digest.store.addresses import address_key, parse_address

ASK_AGAIN = timedelta(minutes=10)  # one address is asked to confirm at most so often
CONFIRM_WITHIN = timedelta(hours=72)
UNDO_WITHIN = timedelta(days=7)
FORGET_AFTER = timedelta(days=7)  # what nobody confirmed is not ours to keep


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and when; `pepper` is the secret under which suppressed addresses are known."""

    actor: str
    now: datetime
    pepper: bytes = b""


def sign_up(
    tx: Transaction,
    address: str,
    wishes: Mapping[str, object] | None = None,
    *,
    by: By,
) -> None:
    """Ask the address whether it wants the digest. Only what is typed wrong is ever refused.

    Who reads already is sent the welcome with their links once more; who left is asked again.
    """
    shown = parse_address(address).shown
    asking = changed(Subscriber(id=0, pid="", address=shown), wishes or {})
    if tx.suppressions.holds(address_key(by.pepper, shown)):
        return
    reader = _found(tx, shown) or _newcomer(tx, asking, by=by)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        _tell(tx, reader, "welcome", by=by)
    else:
        ask(tx, changed(reader, wishes or {}), by=by)


def enrol(
    tx: Transaction, address: str, wishes: Mapping[str, object], *, has_consented: bool, by: By
) -> Subscriber:
    """An administrator adds someone: asked to confirm like everybody, unless they are said to have consented.

    InvalidChange when the address is suppressed, or subscribed already.
    """
    shown = parse_address(address).shown
    if tx.suppressions.holds(address_key(by.pepper, shown)):
        raise InvalidChange("This address is suppressed; `digest subscribers unsuppress` would lift that.")
    known = _found(tx, shown)
    if known is not None and known.status is not Status.UNSUBSCRIBED:
        raise InvalidChange(f"This address is {known.status} already; `digest subscribers set` changes it.")
    asking = changed(known or Subscriber(id=0, pid="", address=shown), wishes)
    reader = revise(tx, replace(asking, id=known.id), by=by) if known else _newcomer(tx, asking, by=by)
    if not has_consented:
        ask(tx, reader, by=by)
        return tx.subscribers.by_id(reader.id)
    welcome = _standing(replace(reader, confirmed_at=by.now), Status.CONFIRMED, by.now)
    return _keep(tx, welcome, "enrol", by=by, detail={"consent": "asserted"})


def ask(tx: Transaction, reader: Subscriber, *, by: By) -> bool:
    """Send the mail that asks to confirm, unless one went out just now."""
    if reader.asked_at and by.now - reader.asked_at < ASK_AGAIN:
        return False
    tx.subscribers.save(replace(reader, asked_at=by.now))
    key = f"confirm/{reader.id}/{by.now:%Y%m%dT%H%M%S}"
    return tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, key, {"mail": "confirm"}, now=by.now)


def confirm(tx: Transaction, pid: str, *, by: By) -> Subscriber:
    """Yes, this address wants it. Saying so twice changes nothing.

    InvalidToken when we are not waiting for an answer, as after unsubscribing, or waited too long.
    """
    reader = tx.subscribers.by_pid(pid)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        return reader
    late = reader.asked_at is None or by.now - reader.asked_at > CONFIRM_WITHIN
    if late or tx.suppressions.holds(address_key(by.pepper, reader.address)):
        raise InvalidToken("This link is not valid any more; please sign up again.")
    confirmed = _standing(replace(reader, confirmed_at=by.now), Status.CONFIRMED, by.now)
    _keep(tx, confirmed, "confirm", by=by)
    _tell(tx, confirmed, "welcome", by=by)
    return confirmed


def change(tx: Transaction, who: str, wishes: Mapping[str, object], *, by: By) -> Subscriber:
    """Grant wishes by their names (see digest.changes) to a subscriber, known by public id or address."""
    return revise(tx, changed(whom(tx, who), wishes), by=by)


def revise(tx: Transaction, revised: Subscriber, *, by: By) -> Subscriber:
    """Keep the profile, schedule and preferences of this value; who they are and where they stand stay."""
    before = tx.subscribers.by_id(revised.id)
    after = replace(
        before, profile=revised.profile, schedule=revised.schedule, preferences=revised.preferences
    )
    names = differences(before, after)
    if not names:
        return before
    if after.profile != before.profile:
        after = replace(after, profile_revision=before.profile_revision + 1)
    if after.schedule != before.schedule:
        after = replace(after, next_due=_due(after, by.now))
    return _keep(tx, after, "change", by=by, detail={"changed": list(names)})


def change_address(tx: Transaction, pid: str, address: str, *, by: By) -> None:
    """Ask the new address whether mail may go there; until it says yes, nothing changes.

    Nothing happens, and nothing is said, when the new address is taken or suppressed.
    """
    reader, shown = tx.subscribers.by_pid(pid), parse_address(address).shown
    free = _found(tx, shown) is None and not tx.suppressions.holds(address_key(by.pepper, shown))
    if free and not (reader.asked_at and by.now - reader.asked_at < ASK_AGAIN):
        tx.subscribers.save(replace(reader, asked_at=by.now))
        key = f"address/{reader.id}/{by.now:%Y%m%dT%H%M%S}"
        payload = {"mail": "address_change", "address": shown}
        tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, key, payload, now=by.now, address=shown)
        tx.audit.write(by.actor, "ask-address", reader.pid, at=by.now)


def confirm_address(tx: Transaction, pid: str, address: str, *, by: By) -> Subscriber:
    """Yes, mail may go to the new address. InvalidToken when it was taken or suppressed meanwhile."""
    reader, shown = tx.subscribers.by_pid(pid), parse_address(address).shown
    holder = _found(tx, shown)
    if holder is not None and holder.id == reader.id:
        return reader
    if holder is not None or tx.suppressions.holds(address_key(by.pepper, shown)):
        raise InvalidToken("This address cannot be used.")
    return _keep(tx, replace(reader, address=shown, asked_at=None), "change-address", by=by)


def pause(tx: Transaction, pid: str, *, until: date | None = None, by: By) -> Subscriber:
    """Send nothing for now: until a day, or until `resume`."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status is Status.PAUSED and until is None:
        return reader
    if reader.status not in (Status.CONFIRMED, Status.PAUSED):
        raise InvalidChange("Only a confirmed subscription can be paused.")
    reader = replace(reader, schedule=replace(reader.schedule, paused_until=until))
    paused = _standing(reader, Status.CONFIRMED if until else Status.PAUSED, by.now)
    return _keep(tx, paused, "pause", by=by)


def resume(tx: Transaction, pid: str, *, by: By) -> Subscriber:
    """Send again, from the next slot on."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status not in (Status.CONFIRMED, Status.PAUSED):
        raise InvalidChange("Only a paused subscription can be resumed; this one needs to be confirmed.")
    if reader.status is Status.CONFIRMED and reader.schedule.paused_until is None:
        return reader
    awake = replace(reader, schedule=replace(reader.schedule, paused_until=None))
    return _keep(tx, _standing(awake, Status.CONFIRMED, by.now), "resume", by=by)


def unsubscribe(tx: Transaction, pid: str, *, by: By) -> Subscriber | None:
    """Never mail this reader again. Twice, or after erasure, is fine: None when there is nobody (any more).

    Who never confirmed did not want to be asked either: they are forgotten, and never asked again.
    """
    reader = _known(tx, pid)
    if reader is None or reader.status is Status.UNSUBSCRIBED:
        return reader
    if reader.status is Status.UNCONFIRMED:
        suppress(tx, reader.address, reason=SuppressionReason.REQUEST, by=by)
        erase(tx, pid, by=by)
        return None
    gone = _standing(replace(reader, asked_at=None), Status.UNSUBSCRIBED, by.now)
    _keep(tx, gone, "unsubscribe", by=by)
    _tell(tx, gone, "goodbye", by=by)
    return gone


def deny(tx: Transaction, pid: str, *, by: By) -> None:
    """That was not me: who never confirmed is forgotten, who left stays away, and neither is asked again."""
    reader = _known(tx, pid)
    if reader is None or reader.status in (Status.CONFIRMED, Status.PAUSED):
        return
    suppress(tx, reader.address, reason=SuppressionReason.REQUEST, by=by)
    if reader.status is Status.UNCONFIRMED:
        erase(tx, pid, by=by)
    else:
        tx.subscribers.save(replace(reader, asked_at=None))


def undo_unsubscribe(tx: Transaction, pid: str, *, by: By) -> Subscriber:
    """That was a mistake: back to where they were, within a week. InvalidToken later."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        return reader
    left = reader.status_since if reader.status is Status.UNSUBSCRIBED and reader.confirmed_at else None
    late = left is None or by.now - left > UNDO_WITHIN
    if late or tx.suppressions.holds(address_key(by.pepper, reader.address)):
        raise InvalidToken("This can be undone for a week only; please sign up again.")
    return _keep(tx, _standing(reader, Status.CONFIRMED, by.now), "undo", by=by)


def suppress(
    tx: Transaction,
    address: str,
    *,
    reason: SuppressionReason = SuppressionReason.ADMIN,
    by: By,
) -> bool:
    """Never write to this address again, subscribed or not; True when it was not suppressed before."""
    key, reader = address_key(by.pepper, address), _found(tx, address)
    if reader and reader.status in (Status.CONFIRMED, Status.PAUSED):
        gone = _standing(replace(reader, asked_at=None), Status.UNSUBSCRIBED, by.now)
        _keep(tx, gone, "unsubscribe", by=by)
    fresh = tx.suppressions.add(key, reason, now=by.now, source=by.actor)
    if fresh:
        tx.audit.write(by.actor, "suppress", key, {"reason": str(reason)}, at=by.now)
    return fresh


def unsuppress(tx: Transaction, address: str, *, by: By) -> bool:
    """Allow writing to this address again, once it confirms; True when it was suppressed."""
    key = address_key(by.pepper, address)
    lifted = tx.suppressions.remove(key)
    if lifted:
        tx.audit.write(by.actor, "unsuppress", key, at=by.now)
    return lifted


def erase(tx: Transaction, pid: str, *, by: By) -> None:
    """Forget a reader: no trace of the address stays, except the keyed hash if it is suppressed."""
    reader = tx.subscribers.by_pid(pid)
    tx.subscribers.erase(reader.id, now=by.now)
    tx.audit.write(by.actor, "erase", pid, at=by.now)


def forget_unanswered(tx: Transaction, *, by: By, limit: int = 1000) -> int:
    """Erase those who were asked a week ago and never answered; how many they were."""
    waiting = tx.subscribers.unanswered(by.now - FORGET_AFTER, limit=limit)
    for reader in waiting:
        erase(tx, reader.pid, by=by)
    return len(waiting)


def whom(tx: Transaction, who: str) -> Subscriber:
    """The subscriber meant by an address or a public id; NotFound when there is none."""
    return tx.subscribers.by_address(who) if "@" in who else tx.subscribers.by_pid(who)


def _found(tx: Transaction, address: str) -> Subscriber | None:
    try:
        return tx.subscribers.by_address(address)
    except NotFound:
        return None


def _known(tx: Transaction, pid: str) -> Subscriber | None:
    try:
        return tx.subscribers.by_pid(pid)
    except NotFound:
        return None


def _newcomer(tx: Transaction, asking: Subscriber, *, by: By) -> Subscriber:
    reader = tx.subscribers.add(
        asking.address,
        profile=asking.profile,
        schedule=asking.schedule,
        preferences=asking.preferences,
        now=by.now,
    )
    tx.audit.write(by.actor, "sign-up", reader.pid, at=by.now)
    return reader


def _standing(reader: Subscriber, status: Status, now: datetime) -> Subscriber:
    """The reader in that status from now on, with the slot that follows from it."""
    asked = None if status is Status.CONFIRMED else reader.asked_at
    moved = replace(reader, status=status, status_since=now, asked_at=asked, next_due=None)
    return replace(moved, next_due=_due(moved, now))


def _due(reader: Subscriber, now: datetime) -> datetime | None:
    """The next slot; one that has passed already, and still waits to be planned, is kept."""
    if reader.status is not Status.CONFIRMED:
        return None
    if reader.next_due is not None and reader.next_due <= now:
        return reader.next_due
    return next_slot(reader.schedule, now)


def _keep(
    tx: Transaction,
    reader: Subscriber,
    action: str,
    *,
    by: By,
    detail: Mapping[str, object] | None = None,
) -> Subscriber:
    tx.subscribers.save(reader)
    tx.audit.write(by.actor, action, reader.pid, detail, at=by.now)
    return reader


def _tell(tx: Transaction, reader: Subscriber, mail: str, *, by: By) -> None:
    """One such mail a day is enough, whatever happens."""
    key = f"{mail}/{reader.id}/{by.now:%Y-%m-%d}"
    tx.deliveries.plan_notice(DeliveryKind.NOTICE, reader, key, {"mail": mail}, now=by.now)
