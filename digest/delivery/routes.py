"""Which ways out are there, and do they work? Routes with weights and breakers, a watch per domain."""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from digest.delivery.message import Transport
from digest.models.backoff import BREAKER, breaker_pause

WATCHED = 100  # mails to a domain that are looked back on
TOLERATED = 2  # refusals of policy among them, in percent
DOWN_AFTER = 15 * 60.0  # seconds without a line, after which it is no passing trouble


@dataclass(slots=True)
class Breaker:
    """Rests longer after each failure in a row, and forgets them all after a success."""

    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    failures: int = 0
    reason: str = ""  # the last failure, as a sentence for people
    since: float | None = None
    refused: bool = False  # the last failure is one that only a person can mend
    _closed_until: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nothing should be tried at the moment."""
        return self.failures > 0 and self.clock() < self._closed_until

    @property
    def down_for(self) -> float:
        """Seconds since the first failure in a row; 0 when all is well."""
        return self.clock() - self.since if self.since is not None else 0.0

    @property
    def is_down(self) -> bool:
        """Whether a person should look: the server refuses us, or nobody has reached it for a while."""
        return self.refused or self.down_for >= DOWN_AFTER

    def fail(self, reason: str, *, long: bool = False) -> None:
        """Another failure; `long` when only a person can mend it."""
        self.failures = len(BREAKER) if long else self.failures + 1
        self.reason, self.refused = reason, long
        self.since = self.clock() if self.since is None else self.since
        pause = breaker_pause(self.failures, jitter=self.jitter())
        self._closed_until = self.clock() + pause.total_seconds()

    def succeed(self) -> None:
        """It works."""
        self.failures, self.reason, self.since, self.refused = 0, "", None, False


@dataclass(slots=True, kw_only=True)
class Route:
    """A way out with its limits. Lives as long as the process, so that its breaker remembers."""

    name: str
    transport: Transport
    connections: int = 4
    weight: float = 1.0  # share of the mail; 0: only when all others are down
    rate: float = 0.0  # mails per second over all senders; 0: no limit of ours
    breaker: Breaker = field(default_factory=Breaker)


def way_out(routes: Sequence[Route]) -> str:
    """Why no mail can go out, as a sentence; empty while one route works."""
    reasons = [f"{route.name}: {route.breaker.reason}" for route in routes if route.breaker.is_down]
    return "; ".join(reasons) if len(reasons) == len(routes) else ""


class DomainWatch:
    """Does a receiving domain refuse our mail as such? More than 2 in its last 100 is too many."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[bool]] = {}
        self._refused: Counter[str] = Counter()

    def note(self, domain: str, *, refused: bool) -> bool:
        """Take down one more outcome; True when it is the one too many, and then it begins anew."""
        seen = self._seen.setdefault(domain, deque())
        seen.append(refused)
        self._refused[domain] += refused
        if len(seen) > WATCHED:
            self._refused[domain] -= seen.popleft()
        if self._refused[domain] * 100 <= TOLERATED * WATCHED:
            return False
        del self._seen[domain], self._refused[domain]
        return True
