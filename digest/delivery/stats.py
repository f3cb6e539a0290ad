"""What came of a run? Counted while it goes on, told when it is over."""

from collections import Counter
from dataclasses import dataclass, field

from digest.models import AttemptResult, DeliveryState
from digest.models.redaction import discreet


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The numbers of one pumping, and sentences for whoever must act."""

    accepted: int = 0
    deferred: int = 0  # tried or given back, and still in the queue
    rejected: int = 0
    expired: int = 0
    cancelled: int = 0
    uncertain: int = 0
    commits: int = 0
    alerts: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """Mails that a server took."""
        return self.accepted

    @property
    def failed(self) -> int:
        """Mails that will not arrive, or may not have."""
        return self.rejected + self.expired + self.uncertain

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            accepted=self.accepted + other.accepted,
            deferred=self.deferred + other.deferred,
            rejected=self.rejected + other.rejected,
            expired=self.expired + other.expired,
            cancelled=self.cancelled + other.cancelled,
            uncertain=self.uncertain + other.uncertain,
            commits=self.commits + other.commits,
            alerts=tuple(dict.fromkeys(self.alerts + other.alerts)),
        )


@dataclass(slots=True)
class Counts:
    """The tally in the making."""

    ended: Counter[DeliveryState] = field(default_factory=Counter)
    alerts: dict[str, None] = field(default_factory=dict)

    def settle(self, settlement: AttemptResult) -> None:
        """One more try has come to its end."""
        self.ended[settlement.state] += 1

    def alert(self, sentence: str) -> None:
        """Somebody should know; once is enough. A server's reply may name a reader, the alert does not."""
        self.alerts[discreet(sentence)] = None

    def tally(self, *, commits: int) -> Tally:
        """The numbers as they stand."""
        return Tally(
            accepted=self.ended[DeliveryState.ACCEPTED],
            deferred=self.ended[DeliveryState.QUEUED],
            rejected=self.ended[DeliveryState.REJECTED],
            expired=self.ended[DeliveryState.EXPIRED],
            cancelled=self.ended[DeliveryState.CANCELLED],
            uncertain=self.ended[DeliveryState.UNCERTAIN],
            commits=commits,
            alerts=tuple(self.alerts),
        )
