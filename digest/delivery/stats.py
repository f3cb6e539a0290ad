"""Counters of one send run."""

from collections import Counter
from dataclasses import dataclass, field, fields, replace

from digest.models import AttemptResult, DeliveryState
from digest.models.redaction import redact


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStats:
    """The numbers of one send run, and the alerts for the operator."""

    accepted: int = 0
    deferred: int = 0  # tried or put back, and still in the queue
    rejected: int = 0
    expired: int = 0
    cancelled: int = 0
    uncertain: int = 0
    commits: int = 0
    alerts: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """Messages that a server accepted."""
        return self.accepted

    @property
    def failed(self) -> int:
        """Messages that will not arrive, or may not have arrived."""
        return self.rejected + self.expired + self.uncertain

    def __add__(self, other: "SendStats") -> "SendStats":
        sums = {item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)}
        return replace(SendStats(**sums), alerts=tuple(dict.fromkeys(self.alerts + other.alerts)))


@dataclass(slots=True)
class SendCounters:
    """The stats of a run that is still going on."""

    by_state: Counter[DeliveryState] = field(default_factory=Counter)
    alerts: dict[str, str] = field(default_factory=dict)  # by topic

    def add_result(self, result: AttemptResult) -> None:
        """Count the result of one attempt."""
        self.by_state[result.state] += 1

    def add_alert(self, sentence: str, *, topic: str) -> None:
        """Add an alert for the operator, the first of each topic, with addresses redacted."""
        self.alerts.setdefault(topic, redact(sentence))

    def to_stats(self, *, commits: int) -> SendStats:
        """Return the numbers as they are now."""
        return SendStats(
            accepted=self.by_state[DeliveryState.ACCEPTED],
            deferred=self.by_state[DeliveryState.QUEUED],
            rejected=self.by_state[DeliveryState.REJECTED],
            expired=self.by_state[DeliveryState.EXPIRED],
            cancelled=self.by_state[DeliveryState.CANCELLED],
            uncertain=self.by_state[DeliveryState.UNCERTAIN],
            commits=commits,
            alerts=tuple(dict.fromkeys(self.alerts.values())),
        )
