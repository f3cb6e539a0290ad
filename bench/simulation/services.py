"""The real services on a database, with simulated upstreams and no politeness delays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from digest.app.services import Services
from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.channels.replies import FINAL_REASONS
from digest.sources.http.client import Client
from digest.sources.http.policy import ClientPolicy
from digest.tools.demo.scenario import make_isolated_settings

CLIENT_POLICY = ClientPolicy(
    user_agent="trending-papers-digest simulation",
    intervals={},
    interval=0,
    attempts=2,
    initial_wait=0.01,
    cooldown=0,
    trust_env=False,
)


@dataclass(frozen=True)
class SimulatedServices(Services):
    """Services whose HTTP client does not wait between requests, so that a month takes minutes.

    The limits of mail servers follow the simulated clock.
    """

    clock: Callable[[], datetime] = field(kw_only=True)

    def __post_init__(self) -> None:
        for route in self.routes:
            route.breaker.clock = lambda: self.clock().timestamp()

    def open_sender_session(self) -> SenderSession:
        """Return the right to send, with token buckets by the simulated clock."""
        return SenderSession(
            self.store,
            suppression_key=self.suppression_key,
            final_reasons=FINAL_REASONS,
            wall_clock=self.clock,
        )

    def open_client(self, *, interactive: bool = True) -> Client:
        """Return a client without delays, whoever calls."""
        del interactive
        return Client(CLIENT_POLICY, trusted_urls=self.source_config.trusted_urls)


def open_simulated_services(
    database_url: str, *, upstream: str, mailbox: str, clock: Callable[[], datetime]
) -> SimulatedServices:
    """Open the services of the simulation."""
    settings = make_isolated_settings(
        Path(),
        sources_url=upstream,
        smtp_url=mailbox,
        vectors="none",
        fetch_every=240,
        sources=("arxiv", "huggingface", "hackernews", "feeds"),
        feeds=(f"{upstream}/blog.xml",),
    )
    settings = settings.model_copy(update={"database_url": database_url})
    return SimulatedServices(settings, Database.open(database_url), clock=clock)
