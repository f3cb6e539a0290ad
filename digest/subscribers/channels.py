"""Channels of a subscriber: adding, pausing, resuming and removing one, and the first message to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from digest.db import Transaction
from digest.delivery.channels.address import parse_channel_address
from digest.models import DeliveryKind, Subscriber
from digest.models.channels import MAX_CHANNELS, Channel, ChannelState
from digest.models.errors import InvalidChange
from digest.subscribers.helpers import Actor, get_subscriber
from digest.subscribers.preferences import save_settings


def add_channel(  # noqa: PLR0913  what a channel needs
    tx: Transaction,
    who: str,
    address: str,
    *,
    allowed_hosts: Sequence[str],
    seal: Callable[[str], str],
    actor: Actor,
) -> Channel:
    """Add a channel by the address that a person pasted, and queue a greeting to it.

    Raises:
        InvalidChange: it is no address of a channel, its host is not allowed, or there are too many.
        ConfigError: apprise or cryptography is not installed.
    """
    parsed = parse_channel_address(address, allowed_hosts=allowed_hosts)
    reader = get_subscriber(tx, who)
    if len(list_channels(tx, reader)) >= MAX_CHANNELS:
        raise InvalidChange("There are too many channels already; remove one first.")
    channel = tx.channels.add(reader.id, parsed.kind, parsed.host, seal(parsed.url), now=actor.now)
    _write_audit(tx, "add-channel", reader, channel, actor)
    greet_channel(tx, reader, channel, actor=actor)
    return channel


def list_channels(tx: Transaction, reader: Subscriber) -> list[Channel]:
    """Return the channels of a subscriber, oldest first."""
    return tx.channels.list_by_subscriber([reader.id]).get(reader.id, [])


def greet_channel(tx: Transaction, reader: Subscriber, channel: Channel, *, actor: Actor) -> None:
    """Queue the message that shows whether a channel works, at most once a minute."""
    key = f"channel/{channel.public_id}/{actor.now:%Y%m%dT%H%M}"
    tx.deliveries.enqueue_notice(
        DeliveryKind.NOTICE,
        reader,
        key,
        {"mail": "channel"},
        now=actor.now,
        address=channel.destination,
        channel_id=channel.id,
    )


def pause_channel(tx: Transaction, who: str, public_id: str, *, actor: Actor) -> None:
    """Post nothing to a channel until it is resumed. Raises NotFound if there is no such channel."""
    _set_state(tx, who, public_id, ChannelState.PAUSED, actor=actor)


def resume_channel(tx: Transaction, who: str, public_id: str, *, actor: Actor) -> None:
    """Use a channel again that was paused or had failed, and greet it."""
    reader, channel = _set_state(tx, who, public_id, ChannelState.ACTIVE, actor=actor)
    greet_channel(tx, reader, channel, actor=actor)


def remove_channel(tx: Transaction, who: str, public_id: str, *, actor: Actor) -> None:
    """Delete a channel with its secret address. Raises NotFound if there is no such channel."""
    reader = get_subscriber(tx, who)
    channel = tx.channels.get_by_public_id(reader.id, public_id)
    tx.channels.remove(channel.id)
    _write_audit(tx, "remove-channel", reader, channel, actor)


def choose_mail(tx: Transaction, who: str, *, by_mail: bool, actor: Actor) -> Subscriber:
    """Choose whether digests also come by mail; without it they do so only while no channel works."""
    reader = get_subscriber(tx, who)
    return save_settings(
        tx, replace(reader, preferences=replace(reader.preferences, by_mail=by_mail)), actor=actor
    )


def _set_state(
    tx: Transaction, who: str, public_id: str, state: ChannelState, *, actor: Actor
) -> tuple[Subscriber, Channel]:
    reader = get_subscriber(tx, who)
    channel = tx.channels.get_by_public_id(reader.id, public_id)
    tx.channels.set_state(channel.id, state)
    _write_audit(
        tx, "resume-channel" if state is ChannelState.ACTIVE else "pause-channel", reader, channel, actor
    )
    return reader, channel


def _write_audit(tx: Transaction, action: str, reader: Subscriber, channel: Channel, actor: Actor) -> None:
    detail = {"channel": channel.public_id, "kind": str(channel.kind), "host": channel.host}
    actor.write_audit(tx, action, reader.public_id, detail)
