"""Deliveries (queued messages and their states), the result of an attempt, and suppressions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from digest.models.editions import Sent
from digest.models.subscribers import Status, Subscriber


class DeliveryKind(StrEnum):
    """The kind of a message, which also decides its priority in the queue."""

    CONFIRM = "confirm"
    NOTICE = "notice"
    ADMIN = "admin"
    DIGEST = "digest"


class DeliveryState(StrEnum):
    """The state of a delivery (docs/delivery.md). The last five are final."""

    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


# Certainly did not arrive, and will not: its papers may be sent again.
UNDELIVERED_STATES = frozenset({DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to be queued.

    `key` makes it unique for ever: planning it again changes nothing. `papers` count as sent from now on,
    and are released if the delivery ends without having been accepted.
    """

    kind: DeliveryKind
    key: str  # digest/<local date>/<subscriber>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    slot: datetime
    not_before: datetime
    not_after: datetime
    day: date | None = None  # in the subscriber's zone
    payload: Mapping[str, object] = field(default_factory=dict)
    papers: Mapping[str, Sent] = field(default_factory=dict)
    news: tuple[int, ...] = ()  # ids of the news that it tells
    channel_id: int | None = None  # None: a mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A queued message (an edition or a notice) to one address, with its state."""

    id: int
    public_id: str
    kind: DeliveryKind
    key: str  # unique: digest/<local date>/<subscriber>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    state: DeliveryState
    payload: Mapping[str, object]
    slot: datetime
    not_before: datetime
    not_after: datetime
    day: date | None = None  # in the subscriber's zone
    attempt: int = 0
    uncertain: int = 0
    generation: int = 0
    render_failures: int = 0
    last_reply: str = ""
    accepted_at: datetime | None = None
    channel_id: int | None = None  # None: a mail
    reader: Subscriber | None = field(default=None, compare=False, repr=False)  # without the profile

    @property
    def is_copy(self) -> bool:
        """Whether this is the same edition once more, for a further channel of its subscriber."""
        return self.kind is DeliveryKind.DIGEST and self.key.count("/") > 2


class BounceKind(StrEnum):
    """What a rejection or a bounce report means for an address."""

    HARD = "hard"  # no such mailbox: suppressed
    UNSURE = "unsure"  # refused without a reason: suppressed if it happens twice
    SOFT = "soft"  # mailbox full or unavailable: the days with one are counted
    COMPLAINT = "complaint"  # reported as spam: suppressed
    OTHER = "other"  # recorded, without consequences


@dataclass(frozen=True, slots=True)
class BounceReport:
    """A bounce or complaint about one of our deliveries."""

    public_id: str
    kind: BounceKind
    code: str
    raw_hash: str  # identifies the report: the same one twice counts once
    reason: str = ""  # as in the table of reply codes
    reply: str = ""
    recipient: str = ""
    tokens: tuple[str, ...] = ()  # of the unsubscribe links in a complaint that quotes no return address


class ThrottleAction(StrEnum):
    """How to react to a receiving domain that asks for less mail."""

    SLOW = "slow"  # halve the rate
    STOP = "stop"  # it refuses our mail as such: send nothing for an hour and alert the operator


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """The deliveries a sender claimed, and how many were dropped from the queue on the way."""

    deliveries: tuple[Delivery, ...] = ()
    expired: int = 0
    cancelled: int = 0
    retry_in: float | None = None  # seconds until throttled mail may be sent; None if there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """The result of one attempt to send a delivery, as it is stored."""

    delivery: Delivery
    state: DeliveryState
    at: datetime
    not_before: datetime | None = None  # the next attempt, if it is queued again
    uses_attempt: bool = False  # it counts as one of the attempts of RETRY_DELAYS
    is_uncertain: bool = False  # the server may have accepted it without our knowing
    render_failed: bool = False  # it could not be rendered
    code: int = 0
    enhanced: str = ""
    text: str = ""
    remote_id: str = ""
    route: str = ""
    bounce: BounceKind | None = None
    reason: str = ""  # of the bounce, as in the table of reply codes
    throttle: ThrottleAction | None = None


class SuppressionReason(StrEnum):
    """Why an address is suppressed."""

    HARD = "hard"
    COMPLAINT = "complaint"
    REQUEST = "request"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A standing order never to mail an address; holds only a keyed hash, so it survives erasure."""

    key: str
    reason: SuppressionReason
    at: datetime
    source: str = ""  # who or what caused it
    evidence: str = ""  # what servers or reports said, without names
    prior_status: Status | None = None  # of the subscription that it ended
