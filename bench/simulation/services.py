"""In which house do they read? The real one on a file, pointed at our world, without courtesy to it."""

from dataclasses import dataclass
from pathlib import Path

from digest.app.services import Services
from digest.db import Database
from digest.sources.http.client import Client, ClientPolicy
from digest.tools.demo.scenario import sealed

MANNERS = ClientPolicy(
    user_agent="trending-papers-digest simulation",
    intervals={},
    interval=0,
    attempts=2,
    first_wait=0.01,
    cool_off=0,
    heeds_environment=False,
)


@dataclass(frozen=True)
class Hurried(Services):
    """A house that does not wait between its questions: a month passes in minutes."""

    def connect(self, *, hasty: bool = True) -> Client:
        """A client in a hurry, whoever asks."""
        del hasty
        return Client(MANNERS, trusted=self.fetch_plan.trusted)


def open_hurried(database: Path, *, upstream: str, mailbox: str) -> Hurried:
    """The house of the simulation."""
    settings = sealed(
        database,
        upstream=upstream,
        mailbox=mailbox,
        vectors="none",
        fetch_every=240,
        sources=("arxiv", "huggingface", "hackernews", "feeds"),
        feeds=(f"{upstream}/blog.xml",),
    )
    return Hurried(settings, Database.open(settings.database_url))
