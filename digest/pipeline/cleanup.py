"""Daily deletion of data that is no longer needed."""

from datetime import datetime, timedelta

from digest import subscribers
from digest.db import Database
from digest.db.papers.repository import MAX_PAPER_AGE
from digest.subscribers import Actor

FULL_SIGNALS_TTL = timedelta(days=60)  # older series of signals are thinned
THINNING_WINDOW = timedelta(days=150)  # the series of papers first seen earlier are thinned already
FETCH_RESULTS_TTL = timedelta(days=400)
RECORDS_TTL = MAX_PAPER_AGE + timedelta(days=2)  # local days: no record of a candidate is ever deleted
NEWS_TTL = timedelta(days=90)  # told or not; nobody is told any that is older than a month
MAX_MAIL_DURATION = timedelta(days=2)  # a message may end so long after it was planned, and needs its heats
BEGINNING = "1990-01-01T00:00:00+00:00"
CHUNK_SIZE = 1000
MAX_COUNTED_DAYS = 90  # days gone by that the first clean-up counts, for the charts
BULK_OPERATIONS_TTL = timedelta(days=30)
IMPORT_REPORTS_TTL = timedelta(days=365)
RUNS_TTL = timedelta(days=90)
_ANONYMIZED_UNTIL_KEY = "mail_compacted_until"
_DONE_KEY = "tidied"
_CLEANED_KEY, _RULES = "papers_cleaned", "1"  # meta key, and which rules stored papers were cleaned by


def delete_expired(store: Database, now: datetime) -> None:
    """Delete what is too old, at most once a UTC day."""
    with store.begin(write=False) as tx:
        if tx.meta.read(_DONE_KEY) == str(now.date()):
            return
    record_statistics(store, now)
    _clean_papers(store)
    with store.begin() as tx:
        tx.bulk_operations.delete_before(now - BULK_OPERATIONS_TTL)
        tx.import_reports.delete_before(now - IMPORT_REPORTS_TTL)
        tx.runs.delete_before(now - RUNS_TTL)
        tx.signals.compact(now - FULL_SIGNALS_TTL, seen_since=now - THINNING_WINDOW)
        tx.sources.delete_before(now - FETCH_RESULTS_TTL)
        tx.paper_history.delete_before(now - RECORDS_TTL)
        tx.heats.delete_before(now - RECORDS_TTL - MAX_MAIL_DURATION)
        tx.news.delete_before(now - NEWS_TTL)
        tx.sent_papers.delete_index_before(now - MAX_PAPER_AGE - RECORDS_TTL)
    _erase_unconfirmed(store, now)
    _anonymize_deliveries(store, now)
    with store.begin() as tx:
        tx.meta.write(_DONE_KEY, str(now.date()))


def record_statistics(store: Database, now: datetime) -> int:
    """Count the days that are over and were not counted yet; return how many there were.

    How many subscribers there are is only known of the last of them.
    """
    today = now.date()
    with store.begin(write=False) as tx:
        last = tx.statistics.find_last_day() or today - timedelta(days=MAX_COUNTED_DAYS + 1)
    days = [today - timedelta(days=back) for back in range((today - last).days - 1, 0, -1)]
    for day in days[-MAX_COUNTED_DAYS:]:
        with store.begin() as tx:
            figures = tx.statistics.count_finished_day(day)
            if day == days[-1]:
                figures |= tx.statistics.count_subscribers()
            tx.statistics.record_day(day, figures)
    return len(days)


def _clean_papers(store: Database) -> None:
    """Clean the papers that versions stored which did not clean all that they fetched; once, in chunks."""
    with store.begin(write=False) as tx:
        if tx.meta.read(_CLEANED_KEY) == _RULES:
            return
    number: int | None = 0
    while number is not None:
        with store.begin() as tx:
            number = tx.papers.clean_stored(number, limit=CHUNK_SIZE)
            if number is None:
                tx.meta.write(_CLEANED_KEY, _RULES)


def _erase_unconfirmed(store: Database, now: datetime) -> None:
    """Erase those who never confirmed, in chunks: no transaction holds the database for long."""
    erased = CHUNK_SIZE
    while erased == CHUNK_SIZE:
        with store.begin() as tx:
            erased = subscribers.erase_unconfirmed(tx, actor=Actor("house", now), limit=CHUNK_SIZE)


def _anonymize_deliveries(store: Database, now: datetime) -> None:
    """Empty the rows of old deliveries. The rows stay, because a delivery key may be used only once."""
    with store.begin(write=False) as tx:
        since = datetime.fromisoformat(tx.meta.read(_ANONYMIZED_UNTIL_KEY) or BEGINNING)
    while True:
        with store.begin() as tx:
            if not tx.deliveries.anonymize(since, now - RECORDS_TTL):
                tx.meta.write(_ANONYMIZED_UNTIL_KEY, (now - RECORDS_TTL).isoformat())
                return
