"""What can be done in one transaction? A repository for each noun, all on the same connection."""

from functools import cached_property

import sqlalchemy as sa

from digest.store.audit import Audit
from digest.store.deliveries import Deliveries
from digest.store.heats import Heats
from digest.store.meta import Meta
from digest.store.papers import Papers
from digest.store.past import Past
from digest.store.sent import SentPapers
from digest.store.signals import Signals
from digest.store.sources import Sources
from digest.store.subscribers import Subscribers
from digest.store.suppressions import Suppressions
from digest.store.vectors import Vectors


class Transaction:
    """Everything between one BEGIN and its COMMIT."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    @cached_property
    def papers(self) -> Papers:
        """Papers, met by any of their keys."""
        return Papers(self.connection)

    @cached_property
    def past(self) -> Past:
        """What mailed papers were before they changed."""
        return Past(self.connection)

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
