"""What becomes of a mail? Its row in the ledger, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from digest.models.editions import Sent
from digest.models.subscribers import Subscriber


class DeliveryKind(StrEnum):
    """What a delivery carries; also its place in the queue."""

    CONFIRM = "confirm"
    NOTICE = "notice"
    ADMIN = "admin"
    DIGEST = "digest"


class DeliveryState(StrEnum):
    """Where a delivery stands (docs: delivery). The last five are final."""

    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A mail that shall go out, as the ledger is told about it.

    `key` makes it unique for ever: planning it again changes nothing. `papers` are remembered as
    sent from now on, and released again if the mail ends without having been accepted.
    """

    kind: DeliveryKind
    key: str  # digest/<subscriber>/<local date>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    slot: datetime
    not_before: datetime
    not_after: datetime
    day: date | None = None  # in the subscriber's zone
    payload: Mapping[str, object] = field(default_factory=dict)
    papers: Mapping[str, Sent] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The ledger row: an edition's (or a notice's) way to an address."""

    id: int
    pid: str
    kind: DeliveryKind
    key: str  # unique: digest/<subscriber>/<local date>, confirm/<subscriber>/<n>
    subscriber_id: int | None
    address: str
    state: DeliveryState
    payload: Mapping[str, object]
    slot: datetime
    not_before: datetime
    not_after: datetime
    message_id: str  # the same on every try; the part before the @, compose adds the domain
    day: date | None = None  # in the subscriber's zone
    attempt: int = 0
    uncertain: int = 0
    generation: int = 0
    render_failures: int = 0
    last_reply: str = ""
    accepted_at: datetime | None = None
    reader: Subscriber | None = field(default=None, compare=False, repr=False)  # without what they like


class BounceKind(StrEnum):
    """What a refusal or a report says about an address."""

    HARD = "hard"  # no such mailbox: never again
    UNSURE = "unsure"  # refused without saying why: never again if it happens twice
    SOFT = "soft"  # full, or away: counted by days
    COMPLAINT = "complaint"  # the reader called it spam: never again
    OTHER = "other"  # noted, without consequences


class ThrottleAction(StrEnum):
    """How a receiving domain asks for less mail."""

    SLOW = "slow"  # half the rate from now on
    STOP = "stop"  # it refuses our mail as such: nothing for an hour, a person looks


@dataclass(frozen=True, slots=True)
class ClaimedBatch:
    """What one sender took from the queue, and what left the queue on the way."""

    deliveries: tuple[Delivery, ...] = ()
    expired: int = 0
    cancelled: int = 0
    again_in: float | None = None  # seconds until throttled mail may go, if there is any


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """What one try made of a delivery; the ledger writes it down as it is."""

    delivery: Delivery
    state: DeliveryState
    at: datetime
    not_before: datetime | None = None  # when it is tried again, if it is queued again
    spends: bool = False  # it used up one try of the retry ladder
    doubtful: bool = False  # the server may have taken it without our knowing
    render_failed: bool = False  # it could not be rendered
    code: int = 0
    enhanced: str = ""
    text: str = ""
    remote_id: str = ""
    route: str = ""
    bounce: BounceKind | None = None
    brake: ThrottleAction | None = None


class SuppressionReason(StrEnum):
    """Why an address is never written to again."""

    HARD = "hard"
    COMPLAINT = "complaint"
    REQUEST = "request"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A standing order never to mail an address; holds only a keyed hash, so it outlives erasure."""

    key: str
    reason: SuppressionReason
    at: datetime
