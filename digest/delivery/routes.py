"""Routes to mail servers, each with weight, rate and circuit breaker; refusals per receiving domain."""

import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from digest.delivery.message import SendResult, Transport
from digest.delivery.reply_codes import ReplyAction, classify
from digest.models.backoff import BREAKER_PAUSES, get_breaker_pause

WINDOW_SIZE = 100  # latest messages to a domain that are looked at
MAX_REFUSED_PERCENT = 2  # policy refusals among them
MIN_REFUSING_DOMAINS = 3  # that refuse us in a row, before the route rests
DOWN_AFTER_SECONDS = 15 * 60.0  # without a connection: longer than a passing failure


@dataclass(slots=True)
class CircuitBreaker:
    """Pauses longer after each failure in a row, and is reset by a success."""

    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    failures: int = 0
    reason: str = ""  # the last failure, as a sentence for people
    since: float | None = None  # the first failure in a row
    refused: bool = False  # the last failure is one that only a person can fix
    _paused_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nothing should be tried at the moment."""
        return self.failures > 0 and self.clock() < self._paused_until

    @property
    def is_down(self) -> bool:
        """Whether the operator should look: the server refuses us, or was not reached for a while."""
        return self.refused or (self.since is not None and self.clock() - self.since >= DOWN_AFTER_SECONDS)

    def record_failure(self, reason: str, *, is_refusal: bool = False) -> None:
        """Record another failure; `is_refusal` when only a person can fix it: the longest pause at once."""
        self.failures = len(BREAKER_PAUSES) if is_refusal else self.failures + 1
        self.reason, self.refused = reason, is_refusal
        self.since = self.clock() if self.since is None else self.since
        pause = get_breaker_pause(self.failures, jitter=self.jitter())
        self._paused_until = self.clock() + pause.total_seconds()

    def record_success(self) -> None:
        """Forget all failures."""
        self.failures, self.reason, self.since, self.refused = 0, "", None, False


@dataclass(slots=True, kw_only=True)
class Route:
    """A transport with its limits. Lives as long as the process, so that its breaker keeps its state."""

    name: str
    transport: Transport
    connections: int = 4
    weight: float = 1.0  # share of the messages; 0: only when all others are down
    rate: float = 0.0  # messages per second over all senders; 0: no limit
    takes_channels: bool = False  # messages to channels, and no mail
    classify: Callable[[SendResult], ReplyAction] = classify
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    refusing_domains: set[str] = field(default_factory=set, init=False)  # since the last accepted message

    def record_refusal(self, domain: str) -> bool:
        """Record that a domain refused us, not the recipient; return True if the route should rest.

        One domain may have its own opinion of us; several in a row mean that something is wrong here.
        """
        self.refusing_domains.add(domain)
        return len(self.refusing_domains) >= MIN_REFUSING_DOMAINS

    def record_accepted(self) -> None:
        """Forget all failures and refusals."""
        self.refusing_domains.clear()
        self.breaker.record_success()


def describe_outage(routes: Sequence[Route]) -> str:
    """Return a sentence on why no message can be sent; "" while one route works."""
    reasons = [f"{route.name}: {route.breaker.reason}" for route in routes if route.breaker.is_down]
    return "; ".join(reasons) if len(reasons) == len(routes) else ""


class DomainMonitor:
    """Finds receiving domains that refuse our mail by policy: more than 2 of the last 100 messages."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[bool]] = {}

    def record(self, domain: str, *, refused: bool) -> bool:
        """Record one result; return True when it exceeds the limit, and start over for this domain."""
        recent = self._recent.setdefault(domain, deque(maxlen=WINDOW_SIZE))
        recent.append(refused)
        if not refused or sum(recent) * 100 <= MAX_REFUSED_PERCENT * WINDOW_SIZE:
            return False
        del self._recent[domain]
        return True
