"""In which house do they read? The real one on a file, pointed at our world, without courtesy to it."""

from dataclasses import dataclass
from pathlib import Path

from digest.app.services import House
from digest.db import Store
from digest.sources.http.client import Client, Manners
from digest.tools.demo.scenario import sealed

MANNERS = Manners(
    user_agent="trending-papers-digest simulation",
    intervals={},
    interval=0,
    attempts=2,
    first_wait=0.01,
    cool_off=0,
    heeds_environment=False,
)


@dataclass(frozen=True)
class Hurried(House):
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
    return Hurried(settings, Store.open(settings.database_url))
