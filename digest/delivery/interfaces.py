"""What does the way out ask of the ledger? Six short transactions, kept by the store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from digest.models import AttemptResult, ClaimedBatch, Delivery


class DeliveryQueue(Protocol):
    """The sender's side of the ledger. Every call is one durable transaction; StoreError means: none of it.

    Two of them make the guarantee: nothing is written to a server before `turn` has granted it, and
    a settlement is repeated until it is written.
    """

    def claim(self, limit: int, now: datetime) -> ClaimedBatch:
        """Take due mail, most urgent first; what came too late or nobody may get leaves the queue."""

    def turn(
        self,
        settlements: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Write down what became of some, and the intent to hand over others; gives the ids that may go.

        An intent allows the envelope and DATA; `bodies` are those granted whose body goes out next.
        Asking again with the same arguments changes nothing. Raises LeaseLost when another worker
        has taken over.
        """

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Give claimed mail back untouched."""

    def draw(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take up to `want` tokens from a bucket all senders share; and the seconds until there are more."""

    def beat(self) -> None:
        """Prolong our lease; raises LeaseLost when it is too late."""

    @property
    def resends(self) -> bool:
        """Whether a mail that may have been accepted goes out a second time."""

    @property
    def heartbeat(self) -> float:
        """Seconds between two beats; 0 when there is no lease to keep."""
