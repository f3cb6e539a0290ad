"""The delivery queue as the sender sees it; `digest.db.sender_session` implements it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from digest.models import AttemptResult, ClaimedBatch, Delivery


class DeliveryQueue(Protocol):
    """The sender's side of the delivery table.

    Every call is one durable transaction; after a StoreError nothing of it was done. The delivery guarantee
    rests on two rules: nothing is sent to a server before `commit` has granted it, and a result is committed
    again and again until it is written.
    """

    def claim(self, limit: int, now: datetime, *, channels: bool = False) -> ClaimedBatch:
        """Claim up to *limit* due mails, or messages to channels, most urgent first.

        Those that may not go expire or are cancelled.
        """

    def commit(
        self,
        results: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Write results and the intents to send; return the ids of the intents that are granted.

        An intent allows the envelope and DATA; `bodies` are granted deliveries whose body is sent next.
        Idempotent. Raises LeaseLost when another worker has taken over.
        """

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Put claimed deliveries back into the queue unchanged."""

    def take_tokens(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take up to *want* tokens from a bucket that all senders share.

        Returns how many were taken, and the seconds until there are more.
        """

    def renew_lease(self) -> None:
        """Extend the lease of this sender. Raises LeaseLost when it has already run out."""

    @property
    def resends(self) -> bool:
        """Whether a message that may have been accepted is sent a second time."""

    @property
    def heartbeat_seconds(self) -> float:
        """Seconds between two renewals of the lease; 0 when there is no lease."""
