"""What may a reader change? Wishes, the address, and whether anything comes for now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from digest.db import Transaction
from digest.models import DeliveryKind, LikedPaper, Status, Subscriber
from digest.models.addresses import address_key, parse_address
from digest.models.errors import InvalidToken, NotAsThingsStand
from digest.subscribers.helpers import ASK_AGAIN, Actor, due, found, get_subscriber, keep, standing
from digest.subscribers.seed_papers import shelved
from digest.subscribers.validation import changed, differences


def change(
    tx: Transaction, who: str, wishes: Mapping[str, object], *, papers: Sequence[LikedPaper] = (), by: Actor
) -> Subscriber:
    """Grant wishes by their names (see digest.changes) to a subscriber, known by public id or address.

    `papers`, from a reader's library, are put before those they like already.
    """
    return revise(tx, wished(get_subscriber(tx, who), wishes, papers), by=by)


def wished(reader: Subscriber, wishes: Mapping[str, object], papers: Sequence[LikedPaper] = ()) -> Subscriber:
    """The reader as `change` would have them, for whoever tries it first."""
    granted = changed(reader, wishes)
    if not papers:
        return granted
    liked = shelved(papers, granted.profile.liked)
    return replace(granted, profile=replace(granted.profile, liked=liked))


def revise(tx: Transaction, revised: Subscriber, *, by: Actor) -> Subscriber:
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
        after = replace(after, next_due=due(after, by.now))
    return keep(tx, after, "change", by=by, detail={"changed": list(names)})


def change_address(tx: Transaction, pid: str, address: str, *, by: Actor) -> None:
    """Ask the new address whether mail may go there; until it says yes, nothing changes.

    Nothing happens, and nothing is said, when the new address is taken or suppressed.
    """
    reader, shown = tx.subscribers.by_pid(pid), parse_address(address).shown
    free = found(tx, shown) is None and not tx.suppressions.holds(address_key(by.suppression_key, shown))
    if free and not (reader.asked_at and by.now - reader.asked_at < ASK_AGAIN):
        tx.subscribers.save(replace(reader, asked_at=by.now))
        key = f"address/{reader.id}/{by.now:%Y%m%dT%H%M%S}"
        payload = {"mail": "address_change", "address": shown}
        tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, key, payload, now=by.now, address=shown)
        tx.audit.write(by.actor, "ask-address", reader.pid, at=by.now)


def confirm_address(tx: Transaction, pid: str, address: str, *, by: Actor) -> Subscriber:
    """Yes, mail may go to the new address. InvalidToken when it was taken or suppressed meanwhile."""
    reader, shown = tx.subscribers.by_pid(pid), parse_address(address).shown
    holder = found(tx, shown)
    if holder is not None and holder.id == reader.id:
        return reader
    if holder is not None or tx.suppressions.holds(address_key(by.suppression_key, shown)):
        raise InvalidToken("This address cannot be used.")
    return keep(tx, replace(reader, address=shown, asked_at=None), "change-address", by=by)


def pause(tx: Transaction, pid: str, *, until: date | None = None, by: Actor) -> Subscriber:
    """Send nothing for now: until a day, or until `resume`."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status is Status.PAUSED and until is None:
        return reader
    if reader.status not in (Status.CONFIRMED, Status.PAUSED):
        raise NotAsThingsStand("Only a confirmed subscription can be paused.")
    reader = replace(reader, schedule=replace(reader.schedule, paused_until=until))
    paused = standing(reader, Status.CONFIRMED if until else Status.PAUSED, by.now)
    return keep(tx, paused, "pause", by=by)


def resume(tx: Transaction, pid: str, *, by: Actor) -> Subscriber:
    """Send again, from the next slot on."""
    reader = tx.subscribers.by_pid(pid)
    if reader.status not in (Status.CONFIRMED, Status.PAUSED):
        raise NotAsThingsStand("Only a paused subscription can be resumed; this one needs to be confirmed.")
    if reader.status is Status.CONFIRMED and reader.schedule.paused_until is None:
        return reader
    awake = replace(reader, schedule=replace(reader.schedule, paused_until=None))
    return keep(tx, standing(awake, Status.CONFIRMED, by.now), "resume", by=by)
