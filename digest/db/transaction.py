"""A transaction with one repository per noun, all on the same connection."""

from functools import cached_property

import sqlalchemy as sa

from digest.db.administrators import Administrators
from digest.db.audit import Audit
from digest.db.deliveries.repository import Deliveries
from digest.db.embeddings import Vectors
from digest.db.import_reports import ImportReports
from digest.db.meta import Meta
from digest.db.papers.history import Heats, PaperHistory
from digest.db.papers.hub_repositories import HubRepositories
from digest.db.papers.news import News
from digest.db.papers.repository import Papers
from digest.db.papers.signals import Signals
from digest.db.runs import Runs
from digest.db.sources import Sources
from digest.db.statistics import Statistics
from digest.db.subscribers.bulk_operations import BulkOperations
from digest.db.subscribers.channels import Channels
from digest.db.subscribers.reader_tokens import ReaderTokens
from digest.db.subscribers.repository import Subscribers
from digest.db.subscribers.saved_filters import SavedFilters
from digest.db.subscribers.saved_papers import SavedPapers, ZoteroAccounts
from digest.db.subscribers.sent_papers import SentPapers
from digest.db.subscribers.suppressions import Suppressions
from digest.db.subscribers.tags import Tags
from digest.db.subscribers.votes import Votes


class Transaction:
    """The repositories of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    @cached_property
    def papers(self) -> Papers:
        """Papers."""
        return Papers(self.connection)

    @cached_property
    def paper_history(self) -> PaperHistory:
        """Former contents of mailed papers."""
        return PaperHistory(self.connection)

    @cached_property
    def heats(self) -> Heats:
        """Heat values that editions show."""
        return Heats(self.connection)

    @cached_property
    def signals(self) -> Signals:
        """Timed counts of attention."""
        return Signals(self.connection)

    @cached_property
    def hub_repositories(self) -> HubRepositories:
        """Repositories on Hugging Face that cite papers."""
        return HubRepositories(self.connection)

    @cached_property
    def sources(self) -> Sources:
        """Sources, their fetch history, and editions on hold."""
        return Sources(self.connection)

    @cached_property
    def subscribers(self) -> Subscribers:
        """Subscribers."""
        return Subscribers(self.connection)

    @cached_property
    def channels(self) -> Channels:
        """Channels of subscribers."""
        return Channels(self.connection)

    @cached_property
    def reader_tokens(self) -> ReaderTokens:
        """Subscribers' own tokens of the API."""
        return ReaderTokens(self.connection)

    @cached_property
    def saved_papers(self) -> SavedPapers:
        """Papers that subscribers saved."""
        return SavedPapers(self.connection)

    @cached_property
    def zotero_accounts(self) -> ZoteroAccounts:
        """Zotero accounts to which saved papers go."""
        return ZoteroAccounts(self.connection)

    @cached_property
    def news(self) -> News:
        """News of papers that subscribers were sent or saved."""
        return News(self.connection)

    @cached_property
    def deliveries(self) -> Deliveries:
        """Deliveries."""
        return Deliveries(self.connection)

    @cached_property
    def sent_papers(self) -> SentPapers:
        """Papers sent to each subscriber."""
        return SentPapers(self.connection)

    @cached_property
    def votes(self) -> Votes:
        """Votes of subscribers on papers."""
        return Votes(self.connection)

    @cached_property
    def suppressions(self) -> Suppressions:
        """Suppressed addresses."""
        return Suppressions(self.connection)

    @cached_property
    def tags(self) -> Tags:
        """Tags of subscribers."""
        return Tags(self.connection)

    @cached_property
    def saved_filters(self) -> SavedFilters:
        """Named filters of the list of subscribers."""
        return SavedFilters(self.connection)

    @cached_property
    def bulk_operations(self) -> BulkOperations:
        """Actions on many subscribers."""
        return BulkOperations(self.connection)

    @cached_property
    def import_reports(self) -> ImportReports:
        """Reports of imports."""
        return ImportReports(self.connection)

    @cached_property
    def statistics(self) -> Statistics:
        """Figures by day."""
        return Statistics(self.connection)

    @cached_property
    def vectors(self) -> Vectors:
        """Embeddings of papers and encoded profiles."""
        return Vectors(self.connection)

    @cached_property
    def administrators(self) -> Administrators:
        """Administrators, their sessions and API tokens."""
        return Administrators(self.connection)

    @cached_property
    def runs(self) -> Runs:
        """What each run did."""
        return Runs(self.connection)

    @cached_property
    def audit(self) -> Audit:
        """The audit log."""
        return Audit(self.connection)

    @cached_property
    def meta(self) -> Meta:
        """Key-value facts about this database."""
        return Meta(self.connection)
