"""The real services on a database file, with simulated upstreams and no politeness delays."""

from dataclasses import dataclass
from pathlib import Path

from digest.app.services import Services
from digest.db import Database
from digest.sources.http.client import Client, ClientPolicy
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
    """Services whose HTTP client does not wait between requests, so that a month takes minutes."""

    def open_client(self, *, interactive: bool = True) -> Client:
        """Return a client without delays, whoever calls."""
        del interactive
        return Client(CLIENT_POLICY, trusted_urls=self.source_config.trusted_urls)


def open_simulated_services(database: Path, *, upstream: str, mailbox: str) -> SimulatedServices:
    """Open the services of the simulation."""
    settings = make_isolated_settings(
        database,
        sources_url=upstream,
        smtp_url=mailbox,
        vectors="none",
        fetch_every=240,
        sources=("arxiv", "huggingface", "hackernews", "feeds"),
        feeds=(f"{upstream}/blog.xml",),
    )
    return SimulatedServices(settings, Database.open(settings.database_url))
