"""Changes by a subscriber: settings (profile, schedule and preferences), address, pause and resume."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from digest.db import Transaction
from digest.models import SUBSCRIBED, DeliveryKind, LikedPaper, Schedule, Status, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import InvalidChange, InvalidToken, StateConflict
from digest.models.schedule import get_local_day
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.subscribers.helpers import (
    CONFIRM_RETRY_AFTER,
    Actor,
    get_next_due,
    get_subscriber,
    is_suppressed,
    save,
    with_status,
)
from digest.subscribers.validation import apply_changes, list_differences

PAPER_COUNTS = {"trending", "picked", "also_new"}


def change_settings(
    tx: Transaction,
    who: str,
    changes: Mapping[str, object],
    *,
    papers: Sequence[LikedPaper] = (),
    actor: Actor,
) -> Subscriber:
    """Change settings by name (see `validation.apply_changes`) of a subscriber, by public id or address.

    *papers*, from a library, are put before those they like already.

    Raises:
        NotFound: there is no such subscriber.
        InvalidChange: a change makes no sense.
    """
    return save_settings(tx, preview_settings(get_subscriber(tx, who), changes, papers), actor=actor)


def preview_settings(
    reader: Subscriber, changes: Mapping[str, object], papers: Sequence[LikedPaper] = ()
) -> Subscriber:
    """Return the subscriber as `change_settings` would save them. Raises InvalidChange as it does."""
    changed = apply_changes(reader, changes)
    wants = changed.preferences
    if changes.keys() & PAPER_COUNTS and not (wants.trending or wants.picked or wants.also_new):
        raise InvalidChange(
            "An email needs papers: ask for at least one that is trending, picked or also new."
        )
    if not papers:
        return changed
    liked = _merge_liked(papers, changed.profile.liked)
    return replace(changed, profile=replace(changed.profile, liked=liked))


def save_settings(tx: Transaction, revised: Subscriber, *, actor: Actor) -> Subscriber:
    """Save profile, schedule and preferences of this value; address and status stay as they are."""
    before = tx.subscribers.get_by_id(revised.id)
    after = replace(
        before, profile=revised.profile, schedule=revised.schedule, preferences=revised.preferences
    )
    names = list_differences(before, after)
    if not names:
        return before
    if after.schedule != before.schedule:
        if after.schedule.paused_until != before.schedule.paused_until:
            check_pause(after.schedule, actor.now)
        after = replace(after, next_due=get_next_due(after, actor.now))
    return save(tx, after, "change", actor=actor, detail={"changed": list(names)})


def change_address(tx: Transaction, public_id: str, address: str, *, actor: Actor) -> bool:
    """Ask the new address to confirm the change; until then the old one is used.

    Return False, with nothing done, if the new address is taken or suppressed, or was asked a moment ago.
    Readers must not learn that: it would tell who subscribes.

    Raises:
        StateConflict: nothing is sent to the old address either.
    """
    reader, shown = tx.subscribers.get_by_public_id(public_id), parse_address(address).display
    if reader.status not in SUBSCRIBED:
        raise StateConflict("Only a subscriber can change the address; please sign up with the new one.")
    is_free = tx.subscribers.find_by_address(shown) is None and not is_suppressed(tx, shown, actor)
    if not is_free or (reader.asked_at and actor.now - reader.asked_at < CONFIRM_RETRY_AFTER):
        return False
    tx.subscribers.save(replace(reader, asked_at=actor.now))
    key = f"address/{reader.id}/{actor.now:%Y%m%dT%H%M%S}"
    payload = {"mail": "address_change", "address": shown}
    tx.deliveries.enqueue_notice(DeliveryKind.CONFIRM, reader, key, payload, now=actor.now, address=shown)
    actor.write_audit(tx, "ask-address", reader.public_id)
    return True


def confirm_address(tx: Transaction, public_id: str, address: str, *, actor: Actor) -> Subscriber:
    """Use the new address from now on.

    Raises:
        InvalidToken: it was taken or suppressed, or the subscription ended meanwhile.
    """
    reader, shown = tx.subscribers.get_by_public_id(public_id), parse_address(address).display
    if reader.status not in SUBSCRIBED:
        raise InvalidToken("This link is no longer valid; please sign up again.")
    holder = tx.subscribers.find_by_address(shown)
    if holder is not None and holder.id == reader.id:
        return reader
    if holder is not None or is_suppressed(tx, shown, actor):
        raise InvalidToken("This address cannot be used.")
    return save(tx, replace(reader, address=shown, asked_at=None), "change-address", actor=actor)


def set_address(tx: Transaction, public_id: str, address: str, *, actor: Actor) -> Subscriber:
    """Use a new address at once: the administrator asserts that it belongs to the subscriber.

    Raises:
        InvalidAddress: no mail can be sent to it.
        StateConflict: it is another subscriber's, or suppressed.
    """
    reader, shown = tx.subscribers.get_by_public_id(public_id), parse_address(address).display
    holder = tx.subscribers.find_by_address(shown)
    if (holder is not None and holder.id != reader.id) or is_suppressed(tx, shown, actor):
        raise StateConflict("This address belongs to another subscriber or is suppressed.")
    return save(tx, replace(reader, address=shown, asked_at=None), "change-address", actor=actor)


def pause(tx: Transaction, who: str, *, until: date | None = None, actor: Actor) -> Subscriber:
    """Pause a subscriber, by public id or address, until a day, or until `resume`.

    Raises:
        StateConflict: the subscription is not confirmed.
        InvalidChange: that day has come already.
    """
    reader = get_subscriber(tx, who)
    if reader.status is Status.PAUSED and until is None:
        return reader
    if reader.status not in SUBSCRIBED:
        raise StateConflict("Only a confirmed subscription can be paused.")
    reader = replace(reader, schedule=replace(reader.schedule, paused_until=until))
    check_pause(reader.schedule, actor.now)
    paused = with_status(reader, Status.CONFIRMED if until else Status.PAUSED, actor.now)
    return save(tx, paused, "pause", actor=actor)


def check_pause(schedule: Schedule, now: datetime) -> None:
    """Raise InvalidChange if the pause of a schedule has ended already; it would do nothing."""
    until, today = schedule.paused_until, get_local_day(schedule, now)
    if until is not None and until <= today:
        raise InvalidChange(
            "%(name)s is the day on which emails resume and must be after %(today)s; %(until)s is not.",
            name="paused_until",
            today=today,
            until=until,
        )


def resume(tx: Transaction, who: str, *, actor: Actor) -> Subscriber:
    """End the pause of a subscriber, by public id or address; the next edition comes at the next slot.

    Raises:
        StateConflict: the subscription is not confirmed.
    """
    reader = get_subscriber(tx, who)
    if reader.status not in SUBSCRIBED:
        raise StateConflict("Only a paused subscription can be resumed; this one needs to be confirmed.")
    if reader.status is Status.CONFIRMED and reader.schedule.paused_until is None:
        return reader
    resumed = replace(reader, schedule=replace(reader.schedule, paused_until=None))
    return save(tx, with_status(resumed, Status.CONFIRMED, actor.now), "resume", actor=actor)


def _merge_liked(papers: Iterable[LikedPaper], before: Sequence[LikedPaper]) -> tuple[LikedPaper, ...]:
    """Put papers before those liked already: each once, and only as many as are kept."""
    unique: dict[str, LikedPaper] = {}
    for paper in (*papers, *before):
        unique.setdefault(paper.paper_id or paper.title.casefold(), paper)
    return tuple(unique.values())[:MAX_LIKED_PAPERS]
