"""Channels: further ways to a subscriber beside mail, such as a Slack channel or a webhook."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_CHANNELS = 8  # of one subscriber


class ChannelKind(StrEnum):
    """The service behind a channel."""

    SLACK = "slack"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    MATRIX = "matrix"
    MATTERMOST = "mattermost"
    ZULIP = "zulip"
    NTFY = "ntfy"
    WEBHOOK = "webhook"


class ChannelState(StrEnum):
    """Whether digests go to a channel."""

    ACTIVE = "active"
    PAUSED = "paused"  # by the subscriber
    FAILED = "failed"  # the service refused it for good, or was not reached for days; `note` says why


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """The address of a channel as apprise reads it. `url` contains its secrets."""

    kind: ChannelKind
    host: str  # which is connected to
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One channel of a subscriber."""

    id: int
    public_id: str
    subscriber_id: int
    kind: ChannelKind
    host: str
    sealed_url: str = field(repr=False)
    state: ChannelState = ChannelState.ACTIVE
    note: str = ""  # why the last message was not accepted; empty after one that was
    failing_since: datetime | None = None
    accepted_at: datetime | None = None  # the last message
    created_at: datetime | None = None

    @property
    def destination(self) -> str:
        """What stands for the secret address in the ledger: it names the kind and the host."""
        return f"{self.kind}-{self.public_id}@{self.host}"
