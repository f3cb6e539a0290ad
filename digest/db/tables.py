"""The tables of the database.

These classes are used only inside `digest.db`: repositories convert rows to the classes of `digest.models`.
Values of enumerations (states, kinds) are plain text here, so that a new value needs no migration.
"""

import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import declared_attr
from sqlmodel import AutoString, Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite autoincrements only INTEGER
NEVER_REUSED = {"sqlite_autoincrement": True}  # keys of other rows contain this id even after it is deleted
CLUSTERED = {"sqlite_with_rowid": False}  # rows are stored in the primary key: one b-tree to write, not two


class Json(sa.types.TypeDecorator[Any]):
    """JSON, on PostgreSQL JSONB. Unlike a variant of JSON it needs no import of that dialect on SQLite."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Return the type of a database."""
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.JSON())
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415  the dialect is heavy

        return dialect.type_descriptor(JSONB())

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Return the type of what is compared with a value or used as its index."""
        return self.impl_instance.coerce_compared_value(op, value)


JSON = Json()


class _UtcDateTime(UTCDateTime):
    """The same, but SQLite's texts are made and parsed once each: thousands of rows share their times."""

    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return _cache_for_sqlite(super().bind_processor(dialect), dialect)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        return _cache_for_sqlite(super().result_processor(dialect, coltype), dialect)


def _cache_for_sqlite(process: Any, dialect: sa.Dialect) -> Any:
    return lru_cache(maxsize=4096)(process) if dialect.name == "sqlite" else process


class TableBase(SQLModel):
    """Base of our tables, with metadata of its own, apart from SQLModel's global one."""

    metadata = sa.MetaData(naming_convention=NAMES)

    @declared_attr.directive
    @classmethod
    def __tablename__(cls) -> str:
        """The name of the class without `Record`, in small letters, with underscores."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__.removesuffix("Record")).lower()


def _json() -> Any:
    return Field(sa_type=cast("Any", JSON))


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=cast("Any", ID))


def _foreign(to: str, *, gone: str = "CASCADE", **options: Any) -> Any:
    return Field(foreign_key=to, ondelete=cast("Any", gone), sa_type=cast("Any", ID), **options)


def _index_where(name: str, columns: tuple[str, ...], condition: str) -> sa.Index:
    """Return a partial index of deliveries: the finished ones must not slow down the queue of the open.

    The migration makes it so on PostgreSQL too. To say that here would import its dialect.
    """
    return sa.Index(f"ix_delivery_{name}", *columns, sqlite_where=sa.text(condition))


# ---- papers ----------------------------------------------------------------------------------------


class PaperRecord(TableBase, table=True):
    """A paper. `number` is internal; `id` may change when a better identifier becomes known."""

    number: int = Field(primary_key=True, sa_type=cast("Any", ID), sa_column_kwargs={"autoincrement": False})
    id: str = Field(unique=True)
    title: str
    abstract: str
    url: str
    published: datetime | None
    authors: list[str] = _json()
    categories: list[str] = _json()
    version: int
    aliases: list[str] = _json()
    announcement: str
    source: str
    text_from: str
    authors_from: str
    summary: str
    retold: str
    keywords: list[str] = _json()
    pdf_url: str
    code_url: str
    project_url: str
    discussion_url: str
    organization: str
    submitter: str
    listed: date | None = Field(index=True)
    withdrawn: bool
    first_seen: datetime = Field(index=True)


class PaperPastRecord(TableBase, table=True):
    """The content of a mailed paper until it changed, so that an old message can be shown as it was."""

    __table_args__ = CLUSTERED
    paper_id: str = Field(primary_key=True)  # its id at that time
    until: datetime = Field(primary_key=True)
    content: dict[str, Any] = _json()


class HeatRecord(TableBase, table=True):
    """The heat of a paper as editions show it, stored once for all editions that show the same."""

    __table_args__ = CLUSTERED
    key: str = Field(primary_key=True)  # derived from `told`
    told: str
    needed_at: datetime  # when an edition that shows it was last planned


class AliasRecord(TableBase, table=True):
    """A key that identifies a paper. Only a title key may belong to several papers."""

    __table_args__ = CLUSTERED
    key: str = Field(primary_key=True)
    number: int = _foreign("paper.number", primary_key=True, index=True)


class SignalRecord(TableBase, table=True):
    """One observed count; the primary key makes each observation unique."""

    __table_args__ = CLUSTERED
    number: int = _foreign("paper.number", primary_key=True)
    source: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    observed_at: datetime = Field(primary_key=True)
    value: float


class HubRepositoryRecord(TableBase, table=True):
    """One of the best-liked models, datasets and Spaces on Hugging Face that cite a paper."""

    __table_args__ = CLUSTERED
    number: int = _foreign("paper.number", primary_key=True)
    kind: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    likes: int


class ModelRecord(TableBase, table=True):
    """An embedding model with stored vectors. The complete one is used."""

    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    name: str = Field(unique=True)  # includes the version
    setting: str  # how to load it again
    fit: bytes  # what it learnt from the papers, if it is a fitted model
    made_at: datetime
    is_complete: bool


class VectorRecord(TableBase, table=True):
    """A model's vector of a text; `key` is the hash of the text."""

    __table_args__ = CLUSTERED
    model_id: int = _foreign("model.id", primary_key=True)
    key: int = Field(primary_key=True, sa_type=cast("Any", sa.BigInteger))
    vector: bytes


# ---- sources ---------------------------------------------------------------------------------------


class _ResultRecord(TableBase):
    """One fetch result of a scope of a source."""

    source: str
    scope: str
    read_at: datetime
    health: str
    note: str
    fetched: int
    unseen: int
    newest: str
    day: date | None


class SourceRecord(_ResultRecord, table=True):
    """The last result of each scope, and what its last good answer held."""

    source: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    good_at: datetime | None
    etag: str
    last_modified: str
    ids: list[str] = _json()


class ReadingRecord(_ResultRecord, table=True):
    """All fetch results, for the usual counts and the history."""

    __table_args__ = (sa.Index(None, "source", "scope", "read_at"),)
    id: int | None = _id()


class HoldRecord(TableBase, table=True):
    """An edition on hold until a person releases it."""

    key: str = Field(primary_key=True)
    reason: str
    at: datetime
    released_at: datetime | None = None
    released_by: str = ""


# ---- subscribers -----------------------------------------------------------------------------------


class SubscriberRecord(TableBase, table=True):
    """A subscriber. `mailbox` is the normalized address, the same for all its spellings."""

    __table_args__ = (
        # All that lists are filtered by: a filter reads this index alone, not the long rows.
        sa.Index("ix_subscriber_filter", "status", "frequency", "language", "mailbox"),
        NEVER_REUSED,
    )
    id: int | None = _id()
    pid: str = Field(unique=True)
    address: str
    mailbox: str = Field(unique=True)
    status: str
    profile: dict[str, Any] = _json()
    schedule: dict[str, Any] = _json()
    preferences: dict[str, Any] = _json()
    created_at: datetime = Field(index=True)
    confirmed_at: datetime | None
    status_since: datetime
    asked_at: datetime | None
    next_due: datetime | None = Field(index=True)  # only of confirmed subscribers
    served_until: datetime | None = Field(index=True)  # papers first seen up to here were considered
    frequency: str = Field(default="", sa_column_kwargs={"server_default": ""})  # of the schedule
    language: str = Field(default="", sa_column_kwargs={"server_default": ""})  # of the preferences


class SubscriberKeywordRecord(TableBase, table=True):
    """The keywords of a subscriber's profile as one text, to be searched without reading profiles."""

    subscriber_id: int = _foreign(
        "subscriber.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    keywords: str  # in small letters, one a line


class SubscriberTagRecord(TableBase, table=True):
    """A tag that an administrator or an import gave to a subscriber."""

    __table_args__ = CLUSTERED
    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    tag: str = Field(primary_key=True, index=True)


class VoteRecord(TableBase, table=True):
    """The verdict of a subscriber on a paper: more like this, less like this, save."""

    __table_args__ = (sa.Index(None, "subscriber_id", "paper_id", unique=True),)
    id: int | None = _id()
    subscriber_id: int = _foreign("subscriber.id", index=True)
    at: datetime = Field(index=True)
    paper_id: str
    verdict: str
    reason: str = ""  # of "less"
    learnt: dict[str, Any] = _json()  # by how much the vote changed the weight of each term
    replaced: str = ""  # where the paper stood before: liked, disliked


class OutlineRecord(TableBase, table=True):
    """A subscriber's encoded profile, and by which encoder from which profile it was made (`made_by`)."""

    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    made_by: str
    outline: bytes


class SuppressionRecord(TableBase, table=True):
    """An address that is never mailed, known only by its keyed hash."""

    key: str = Field(primary_key=True)
    reason: str
    at: datetime = Field(index=True)
    source: str = ""
    evidence: str = ""  # what servers or reports said, without names
    prior_status: str = ""  # of the subscriber, where a bounce ended the subscription


class ChannelRecord(TableBase, table=True):
    """A further way to a subscriber beside mail. `sealed_url` is encrypted: it contains secrets."""

    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    pid: str = Field(unique=True)
    subscriber_id: int = _foreign("subscriber.id", index=True)
    kind: str
    host: str
    sealed_url: str
    state: str
    note: str
    failing_since: datetime | None
    accepted_at: datetime | None
    created_at: datetime


class ReaderTokenRecord(TableBase, table=True):
    """A subscriber's own token of the API, known only by its hash."""

    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    hash: str = Field(unique=True)
    subscriber_id: int = _foreign("subscriber.id", index=True)
    name: str
    shown: str  # its beginning
    may_write: bool
    created_at: datetime
    used_at: datetime | None


class SavedPaperRecord(TableBase, table=True):
    """A paper that a subscriber saved, with a note and tags."""

    __table_args__ = CLUSTERED
    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    paper_id: str = Field(primary_key=True, index=True)
    saved_at: datetime
    note: str
    tags: list[str] = _json()
    zotero_at: datetime | None  # when the subscriber's Zotero library took it


class ZoteroAccountRecord(TableBase, table=True):
    """The Zotero library to which a subscriber's saved papers go. `sealed_key` is encrypted."""

    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    library: str
    sealed_key: str
    connected_at: datetime
    attempts: int  # failed ones since the last success
    next_at: datetime | None = Field(index=True)  # when papers are sent next; null: nothing waits
    problem: str  # a sentence for the subscriber


class PaperNewsRecord(TableBase, table=True):
    """Something that happened to a paper after subscribers got or saved it; `key` makes it unique."""

    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    key: str = Field(unique=True)
    at: datetime = Field(index=True)
    content: dict[str, Any] = _json()


class ReaderNewsRecord(TableBase, table=True):
    """News for one subscriber, and the delivery that tells it; null while none does."""

    __table_args__ = CLUSTERED
    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    news_id: int = _foreign("paper_news.id", primary_key=True, index=True)
    delivery_id: int | None = Field(sa_type=cast("Any", ID))


# ---- deliveries ------------------------------------------------------------------------------------


class DeliveryRecord(TableBase, table=True):
    """A message to one address, with its delivery state. The unique `key` makes queueing idempotent."""

    __table_args__ = (
        _index_where("queue", ("priority", "not_before", "id"), "state = 'queued'"),
        _index_where("domain_queue", ("domain", "not_before", "id"), "state = 'queued'"),
        _index_where(
            "channel_queue", ("priority", "not_before", "id"), "state = 'queued' AND channel_id IS NOT NULL"
        ),
        _index_where("owner", ("owner",), "state IN ('leased', 'sending')"),
        sa.Index(None, "subscriber_id", "slot"),
        _index_where("finished", ("finished_at", "state", "kind", "attempt"), "finished_at IS NOT NULL"),
        NEVER_REUSED,
    )
    id: int | None = _id()
    pid: str = Field(unique=True)
    kind: str
    key: str = Field(unique=True)
    subscriber_id: int | None = _foreign("subscriber.id", gone="SET NULL")
    address: str  # cleared when the subscriber is erased
    domain: str
    route: str
    state: str
    priority: int
    papers: bytes | None = None  # what the subscriber is sent, packed as in subscribers/sent_papers.py
    day: date | None
    slot: datetime
    not_before: datetime
    not_after: datetime
    attempt: int
    uncertain: int
    generation: int
    render_failures: int
    body_out: bool  # the server may have the body: after a crash nobody knows whether it was accepted
    owner: str | None
    last_code: int
    last_enhanced: str
    last_reply: str
    remote_id: str
    created_at: datetime
    accepted_at: datetime | None
    finished_at: datetime | None
    # None: a mail. No foreign key, so that a message to a channel that was removed never turns into a mail.
    channel_id: int | None = Field(default=None, sa_type=cast("Any", ID))


class DeliveryContentRecord(TableBase, table=True):
    """What a delivery says: long and never changed, while its row is written several times as it is sent."""

    delivery_id: int = _foreign("delivery.id", primary_key=True, sa_column_kwargs={"autoincrement": False})
    payload: dict[str, Any] = _json()


class MailedPaperRecord(TableBase, table=True):
    """Which deliveries brought a paper: a row for each chunk of deliveries that were queued together."""

    id: int | None = _id()
    number: int = _foreign("paper.number", index=True)
    delivery_id: int = Field(sa_type=cast("Any", ID))  # the lowest of them
    offsets: bytes  # of all of them from the lowest, each an unsigned integer of 32 bits


class DeliveryEventRecord(TableBase, table=True):
    """A bounce of or complaint about a delivery."""

    id: int | None = _id()
    delivery_id: int = _foreign("delivery.id", index=True)
    at: datetime = Field(index=True)
    type: str
    code: str = ""
    raw_hash: str = Field(unique=True)
    reason: str = ""  # as in the table of reply_codes.py
    reply: str = ""  # what the server said, without names
    answer: str = ""  # the words of it, to find who else was told the same
    held: bool = False  # it would have suppressed, had not too many been suppressed that day


class WorkerRecord(TableBase, table=True):
    """A sending process, with the end of its lease on the deliveries it holds."""

    id: str = Field(primary_key=True)
    host: str
    process: int
    started_at: datetime
    lease_until: datetime = Field(index=True)


class BucketRecord(TableBase, table=True):
    """A token bucket: the rate limit of a route, a receiving domain or a visitor's address."""

    key: str = Field(primary_key=True)
    tokens: float
    rate: float
    burst: float
    updated_at: datetime
    raised_at: datetime
    paused_until: datetime | None = None


# ---- administration --------------------------------------------------------------------------------


class AdministratorRecord(TableBase, table=True):
    """A person who administers. Removing one keeps the row and the name, which the audit log refers to."""

    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    pid: str = Field(unique=True)
    name: str
    address: str  # cleared on removal
    mailbox: str | None = Field(unique=True)  # the normalized address; null after removal
    role: str
    created_at: datetime
    accepted_at: datetime | None
    signed_in_at: datetime | None
    removed_at: datetime | None
    links_used: int
    oidc_subject: str | None = Field(unique=True)


class AdminSessionRecord(TableBase, table=True):
    """A browser that is signed in. `key` is the hash of its cookie."""

    pid: str = Field(primary_key=True)
    key: str = Field(unique=True)
    administrator_id: int | None = _foreign("administrator.id", index=True)
    credential: str  # fingerprint of the shared token that signed in; empty for a person
    method: str
    browser: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


class AdminTokenRecord(TableBase, table=True):
    """A person's token for the API, known only by its hash."""

    __table_args__ = (sa.UniqueConstraint("administrator_id", "name"),)
    pid: str = Field(primary_key=True)
    key: str = Field(unique=True)
    administrator_id: int = _foreign("administrator.id")
    name: str
    hint: str
    scope: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


# ---- the installation ------------------------------------------------------------------------------


class RunRecord(TableBase, table=True):
    """What one run did, if it did anything. `facts` are the figures of its canonical log line."""

    id: int | None = _id()
    started_at: datetime
    ended_at: datetime = Field(index=True)
    facts: dict[str, Any] = _json()


class AuditRecord(TableBase, table=True):
    """Who changed what. Append-only, enforced by a trigger. Contains no address."""

    id: int | None = _id()
    at: datetime = Field(index=True)
    actor: str = Field(index=True)
    action: str = Field(index=True)
    subject: str = Field(index=True)
    detail: dict[str, Any] = _json()


class DailyCountRecord(TableBase, table=True):
    """A figure of one UTC day that is over, or how many there were at its end."""

    __table_args__ = CLUSTERED
    day: date = Field(primary_key=True)
    name: str = Field(primary_key=True)
    value: int = Field(sa_type=cast("Any", sa.BigInteger))


class SavedFilterRecord(TableBase, table=True):
    """A named filter of the list of subscribers, as the query of its URL."""

    name: str = Field(primary_key=True)
    query: str
    created_by: str
    created_at: datetime


class BulkOperationRecord(TableBase, table=True):
    """One action on many subscribers, done in batches by id; `last_id` is the last one that was visited."""

    id: str = Field(primary_key=True)  # chosen by the page that asks, so that sending it twice does it once
    at: datetime = Field(index=True)
    actor: str
    action: str
    tag: str
    query: str
    last_id: int = Field(sa_type=cast("Any", sa.BigInteger))
    changed: int
    finished_at: datetime | None
    undone: int | None  # how many were changed back; None: it was not undone


class BulkChangeRecord(TableBase, table=True):
    """A subscriber whom a bulk operation changed, with their status before."""

    __table_args__ = CLUSTERED
    operation_id: str = Field(foreign_key="bulk_operation.id", ondelete="CASCADE", primary_key=True)
    subscriber_id: int = _foreign("subscriber.id", primary_key=True, index=True)
    prior_status: str


class ImportReportRecord(TableBase, table=True):
    """What an import did: counts, and the rows to look at by their number, without addresses."""

    id: str = Field(primary_key=True)
    at: datetime = Field(index=True)
    actor: str
    kind: str  # subscribers, suppressions
    file_name: str
    counts: dict[str, Any] = _json()
    noted: list[Any] = _json()
    finished_at: datetime | None


class MetaRecord(TableBase, table=True):
    """Key-value facts about this database, such as its instance name and why it is paused."""

    key: str = Field(primary_key=True)
    value: str


def _table(record: type[TableBase]) -> sa.Table:
    table = cast("sa.Table", getattr(record, "__table__"))  # noqa: B009  SQLModel does not declare it
    for column in table.columns:  # SQLModel's own types run Python code for each value that is read
        if isinstance(column.type, AutoString):
            column.type = sa.String()
        elif isinstance(column.type, UTCDateTime):
            column.type = _UtcDateTime()
    return table


PAPER = _table(PaperRecord)
PAPER_PAST = _table(PaperPastRecord)
HEAT = _table(HeatRecord)
ALIAS = _table(AliasRecord)
SIGNAL = _table(SignalRecord)
HUB_REPOSITORY = _table(HubRepositoryRecord)
MODEL = _table(ModelRecord)
VECTOR = _table(VectorRecord)
SOURCE = _table(SourceRecord)
READING = _table(ReadingRecord)
HOLD = _table(HoldRecord)
SUBSCRIBER = _table(SubscriberRecord)
SUBSCRIBER_KEYWORD = _table(SubscriberKeywordRecord)
SUBSCRIBER_TAG = _table(SubscriberTagRecord)
VOTE = _table(VoteRecord)
OUTLINE = _table(OutlineRecord)
SUPPRESSION = _table(SuppressionRecord)
CHANNEL = _table(ChannelRecord)
READER_TOKEN = _table(ReaderTokenRecord)
SAVED_PAPER = _table(SavedPaperRecord)
ZOTERO_ACCOUNT = _table(ZoteroAccountRecord)
PAPER_NEWS = _table(PaperNewsRecord)
READER_NEWS = _table(ReaderNewsRecord)
DELIVERY = _table(DeliveryRecord)
DELIVERY_CONTENT = _table(DeliveryContentRecord)
MAILED_PAPER = _table(MailedPaperRecord)
DELIVERY_EVENT = _table(DeliveryEventRecord)
WORKER = _table(WorkerRecord)
BUCKET = _table(BucketRecord)
ADMINISTRATOR = _table(AdministratorRecord)
ADMIN_SESSION = _table(AdminSessionRecord)
ADMIN_TOKEN = _table(AdminTokenRecord)
RUN = _table(RunRecord)
AUDIT = _table(AuditRecord)
DAILY_COUNT = _table(DailyCountRecord)
SAVED_FILTER = _table(SavedFilterRecord)
BULK_OPERATION = _table(BulkOperationRecord)
BULK_CHANGE = _table(BulkChangeRecord)
IMPORT_REPORT = _table(ImportReportRecord)
META = _table(MetaRecord)
