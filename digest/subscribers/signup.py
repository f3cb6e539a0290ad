"""How does somebody begin to read? Asked first, and only a yes counts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.db import Transaction
from digest.models import CONFIRM_WITHIN, DeliveryKind, LikedPaper, Status, Subscriber
from digest.models.addresses import address_key, parse_address
from digest.models.errors import InvalidToken, NotAsThingsStand
from digest.subscribers.helpers import ASK_AGAIN, Actor, found, keep, standing, tell
from digest.subscribers.preferences import revise, wished
from digest.subscribers.validation import changed


def sign_up(
    tx: Transaction,
    address: str,
    wishes: Mapping[str, object] | None = None,
    *,
    by: Actor,
) -> None:
    """Ask the address whether it wants the digest. Only what is typed wrong is ever refused.

    Who reads already is sent the welcome with their links once more; who left is asked again.
    """
    shown = parse_address(address).shown
    asking = changed(Subscriber(id=0, pid="", address=shown), wishes or {})
    if tx.suppressions.holds(address_key(by.suppression_key, shown)):
        return
    reader = found(tx, shown) or _newcomer(tx, asking, by=by)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        tell(tx, reader, "welcome", by=by)
    else:
        ask(tx, changed(reader, wishes or {}), by=by)


def enrol(  # noqa: PLR0913  who, what they want and who says so
    tx: Transaction,
    address: str,
    wishes: Mapping[str, object],
    *,
    papers: Sequence[LikedPaper] = (),
    has_consented: bool,
    by: Actor,
) -> Subscriber:
    """An administrator adds someone: asked to confirm like everybody, unless they are said to have consented.

    NotAsThingsStand when the address is suppressed, or subscribed already.
    """
    shown = parse_address(address).shown
    if tx.suppressions.holds(address_key(by.suppression_key, shown)):
        raise NotAsThingsStand("This address is suppressed; `digest subscribers unsuppress` would lift that.")
    known = found(tx, shown)
    if known is not None and known.status is not Status.UNSUBSCRIBED:
        raise NotAsThingsStand(
            f"This address is {known.status} already; `digest subscribers set` changes it."
        )
    asking = wished(known or Subscriber(id=0, pid="", address=shown), wishes, papers)
    reader = revise(tx, replace(asking, id=known.id), by=by) if known else _newcomer(tx, asking, by=by)
    if not has_consented:
        ask(tx, reader, by=by)
        return tx.subscribers.by_id(reader.id)
    welcome = standing(replace(reader, confirmed_at=by.now), Status.CONFIRMED, by.now)
    return keep(tx, welcome, "enrol", by=by, detail={"consent": "asserted"})


def ask(tx: Transaction, reader: Subscriber, *, by: Actor) -> bool:
    """Send the mail that asks to confirm, unless one went out just now."""
    if reader.asked_at and by.now - reader.asked_at < ASK_AGAIN:
        return False
    tx.subscribers.save(replace(reader, asked_at=by.now))
    key = f"confirm/{reader.id}/{by.now:%Y%m%dT%H%M%S}"
    return tx.deliveries.plan_notice(DeliveryKind.CONFIRM, reader, key, {"mail": "confirm"}, now=by.now)


def confirm(tx: Transaction, pid: str, *, by: Actor) -> Subscriber:
    """Yes, this address wants it. Saying so twice changes nothing.

    InvalidToken when we are not waiting for an answer, as after unsubscribing, or waited too long.
    """
    reader = tx.subscribers.by_pid(pid)
    if reader.status in (Status.CONFIRMED, Status.PAUSED):
        return reader
    late = reader.asked_at is None or by.now - reader.asked_at > CONFIRM_WITHIN
    if late or tx.suppressions.holds(address_key(by.suppression_key, reader.address)):
        raise InvalidToken("This link is not valid any more; please sign up again.")
    confirmed = standing(replace(reader, confirmed_at=by.now), Status.CONFIRMED, by.now)
    keep(tx, confirmed, "confirm", by=by)
    tell(tx, confirmed, "welcome", by=by)
    return confirmed


def _newcomer(tx: Transaction, asking: Subscriber, *, by: Actor) -> Subscriber:
    reader = tx.subscribers.add(
        asking.address,
        profile=asking.profile,
        schedule=asking.schedule,
        preferences=asking.preferences,
        now=by.now,
    )
    tx.audit.write(by.actor, "sign-up", reader.pid, at=by.now)
    return reader
