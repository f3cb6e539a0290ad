"""Sign-up with double opt-in: nobody is sent a digest before they confirm."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.db import Transaction
from digest.models import CONFIRM_TTL, SUBSCRIBED, DeliveryKind, LikedPaper, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import InvalidToken, StateConflict
from digest.models.schedule import is_paused
from digest.subscribers.helpers import (
    CONFIRM_RETRY_AFTER,
    Actor,
    is_suppressed,
    queue_notice,
    save,
    with_status,
)
from digest.subscribers.preferences import check_pause, preview_settings, save_settings
from digest.subscribers.validation import apply_changes


def sign_up(
    tx: Transaction,
    address: str,
    changes: Mapping[str, object] | None = None,
    *,
    actor: Actor,
) -> None:
    """Ask an address to confirm its subscription.

    A subscriber gets the welcome with their links again, and nothing changes; an unsubscribed one is
    asked again; a suppressed address gets nothing. The caller cannot tell these cases apart.

    Raises:
        InvalidAddress, InvalidChange: the address or a change makes no sense.
    """
    shown = parse_address(address).display
    newcomer = apply_changes(Subscriber(id=0, public_id="", address=shown), changes or {})
    if is_suppressed(tx, shown, actor):
        return
    reader = tx.subscribers.find_by_address(shown) or _add(tx, newcomer, actor=actor)
    if reader.status in SUBSCRIBED:
        queue_notice(tx, reader, "welcome", actor=actor)
    else:
        request_confirmation(tx, apply_changes(reader, changes or {}), actor=actor)


def add_subscriber(  # noqa: PLR0913  who, what they want and who says so
    tx: Transaction,
    address: str,
    changes: Mapping[str, object],
    *,
    papers: Sequence[LikedPaper] = (),
    has_consented: bool,
    actor: Actor,
) -> Subscriber:
    """Add a subscriber on behalf of an administrator, and ask them to confirm unless *has_consented*.

    *changes* are the settings by name, *papers* are liked papers.

    Raises:
        StateConflict: the address is suppressed, or subscribed already.
    """
    shown = parse_address(address).display
    if is_suppressed(tx, shown, actor):
        raise StateConflict("This address is suppressed.").advise(
            command="`digest subscribers unsuppress` would lift that.",
            call="POST /api/v1/suppressions/lift would lift that.",
        )
    existing = tx.subscribers.find_by_address(shown)
    if existing is not None and existing.status is not Status.UNSUBSCRIBED:
        raise StateConflict(f"This address is {existing.status} already.").advise(
            command="`digest subscribers set` changes it.",
            call=f"PATCH /api/v1/subscribers/{existing.public_id} changes it.",
        )
    wanted = preview_settings(existing or Subscriber(id=0, public_id="", address=shown), changes, papers)
    if "paused_until" in changes:
        check_pause(wanted.schedule, actor.now)
    if existing:
        reader = save_settings(tx, replace(wanted, id=existing.id), actor=actor)
    else:
        reader = _add(tx, wanted, actor=actor)
    if not has_consented:
        request_confirmation(tx, reader, actor=actor)
        return tx.subscribers.get_by_id(reader.id)
    confirmed = with_status(replace(reader, confirmed_at=actor.now), Status.CONFIRMED, actor.now)
    return save(tx, confirmed, "enrol", actor=actor, detail={"consent": "asserted"})


def request_confirmation(tx: Transaction, reader: Subscriber, *, actor: Actor) -> bool:
    """Queue the message that asks to confirm; return False if one was queued within `CONFIRM_RETRY_AFTER`."""
    if reader.asked_at and actor.now - reader.asked_at < CONFIRM_RETRY_AFTER:
        return False
    tx.subscribers.save(replace(reader, asked_at=actor.now))
    key = f"confirm/{reader.id}/{actor.now:%Y%m%dT%H%M%S}"
    return tx.deliveries.enqueue_notice(DeliveryKind.CONFIRM, reader, key, {"mail": "confirm"}, now=actor.now)


def confirm(tx: Transaction, public_id: str, *, actor: Actor) -> Subscriber:
    """Confirm a subscription. Confirming twice changes nothing.

    Raises:
        InvalidToken: no confirmation is awaited, as after unsubscribing, or it was awaited too long.
    """
    reader = tx.subscribers.get_by_public_id(public_id)
    if reader.status in SUBSCRIBED:
        return reader
    is_late = reader.asked_at is None or actor.now - reader.asked_at > CONFIRM_TTL
    if is_late or is_suppressed(tx, reader.address, actor):
        raise InvalidToken("This link is no longer valid; please sign up again.")
    confirmed = with_status(replace(reader, confirmed_at=actor.now), Status.CONFIRMED, actor.now)
    if not is_paused(confirmed.schedule, actor.now):
        confirmed = replace(confirmed, next_due=actor.now)  # the first edition comes at once
    save(tx, confirmed, "confirm", actor=actor)
    queue_notice(tx, confirmed, "welcome", actor=actor)
    return confirmed


def _add(tx: Transaction, newcomer: Subscriber, *, actor: Actor) -> Subscriber:
    reader = tx.subscribers.add(newcomer, now=actor.now)
    actor.write_audit(tx, "sign-up", reader.public_id)
    return reader
