"""The limits of an HTTP client, apart from the client itself: its library is heavy."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

MAX_INTERACTIVE_BYTES = 32 * 2**20  # of one response, decompressed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPolicy:
    """Rate limits, retries, timeouts (in seconds) and size limits of a client."""

    user_agent: str
    intervals: Mapping[str, float] = field(default_factory=lambda: {"arxiv": 3.1})  # seconds, by rate group
    interval: float = 0.2  # of every other rate group
    attempts: int = 4
    initial_wait: float = 1.0  # doubles with every attempt, plus jitter
    max_wait: float = 120.0  # if a server asks for a longer one, we give up for now
    cooldown: float = 300.0  # a service that failed in every attempt is not asked again for so long
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    total_timeout: float = 120.0
    max_bytes: int = 64 * 2**20  # of a body, decompressed
    max_redirects: int = 5
    follow_other_hosts: bool = True  # whether a redirect may lead to another host
    trust_env: bool = True  # use the proxies and certificates that environment variables name


def to_interactive_policy(policy: ClientPolicy) -> ClientPolicy:
    """Return *policy* for somebody who waits: short timeouts, smaller bodies, no redirect to another host."""
    return replace(
        policy,
        attempts=2,
        initial_wait=0.5,
        max_wait=3.0,
        connect_timeout=5.0,
        read_timeout=10.0,
        max_bytes=MAX_INTERACTIVE_BYTES,
        follow_other_hosts=False,
    )
