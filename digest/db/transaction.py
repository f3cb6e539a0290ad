"""What can be done in one transaction? A repository for each noun, all on the same connection."""

from functools import cached_property

import sqlalchemy as sa

from digest.db.audit import Audit
from digest.db.deliveries.history import Deliveries
from digest.db.embeddings import Vectors
from digest.db.meta import Meta
from digest.db.papers.history import Heats, PaperHistory
from digest.db.papers.repository import Papers
from digest.db.papers.signals import Signals
from digest.db.sources import Sources
from digest.db.subscribers.repository import Subscribers
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.subscribers.suppressions import Suppressions


class Transaction:
    """Everything between one BEGIN and its COMMIT."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    @cached_property
    def papers(self) -> Papers:
        """Papers, met by any of their keys."""
        return Papers(self.connection)

    @cached_property
    def past(self) -> PaperHistory:
        """What mailed papers were before they changed."""
        return PaperHistory(self.connection)

    @cached_property
    def heats(self) -> Heats:
        """What editions say of how hot papers were."""
        return Heats(self.connection)

    @cached_property
    def signals(self) -> Signals:
        """Timed totals of attention."""
        return Signals(self.connection)

    @cached_property
    def sources(self) -> Sources:
        """How the sources did, what they last said, and which editions are held."""
        return Sources(self.connection)

    @cached_property
    def subscribers(self) -> Subscribers:
        """The readers."""
        return Subscribers(self.connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        """The ledger of mail."""
        return Deliveries(self.connection)

    @cached_property
    def sent(self) -> SentPapers:
        """What each reader was sent."""
        return SentPapers(self.connection)

    @cached_property
    def suppressions(self) -> Suppressions:
        """Addresses that are never written to."""
        return Suppressions(self.connection)

    @cached_property
    def vectors(self) -> Vectors:
        """What models make of papers and profiles."""
        return Vectors(self.connection)

    @cached_property
    def audit(self) -> Audit:
        """Who changed what."""
        return Audit(self.connection)

    @cached_property
    def meta(self) -> Meta:
        """Facts about this database."""
        return Meta(self.connection)
