"""A transaction with one repository per noun, all on the same connection."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

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

T = TypeVar("T")


def _repository(kind: Callable[[sa.Connection], T]) -> "cached_property[T]":
    """Return the property of a repository, which is made when a transaction first uses it."""
    return cached_property(lambda tx: kind(tx.connection))


class Transaction:
    """The repositories of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    papers = _repository(Papers)
    paper_history = _repository(PaperHistory)
    heats = _repository(Heats)
    signals = _repository(Signals)
    hub_repositories = _repository(HubRepositories)
    sources = _repository(Sources)
    subscribers = _repository(Subscribers)
    channels = _repository(Channels)
    reader_tokens = _repository(ReaderTokens)
    saved_papers = _repository(SavedPapers)
    zotero_accounts = _repository(ZoteroAccounts)
    news = _repository(News)
    deliveries = _repository(Deliveries)
    sent_papers = _repository(SentPapers)
    votes = _repository(Votes)
    suppressions = _repository(Suppressions)
    tags = _repository(Tags)
    saved_filters = _repository(SavedFilters)
    bulk_operations = _repository(BulkOperations)
    import_reports = _repository(ImportReports)
    statistics = _repository(Statistics)
    vectors = _repository(Vectors)
    administrators = _repository(Administrators)
    runs = _repository(Runs)
    audit = _repository(Audit)
    meta = _repository(Meta)
