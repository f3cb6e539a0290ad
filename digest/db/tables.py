"""Which tables are there? The shape of the database, and nothing else.

These classes never leave this room: repositories turn rows into the nouns of `digest.model`.
Words of a closed set (states, kinds) are plain text here, so a new word needs no migration.
"""

from datetime import date, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up only an INTEGER
NEVER_REUSED = {"sqlite_autoincrement": True}  # other rows' keys name this id even when it is gone
CLUSTERED = {"sqlite_with_rowid": False}  # the primary key is the table: no second tree to write


class TableBase(SQLModel):
    """A table of ours; SQLModel's own metadata stays free for others."""

    metadata = sa.MetaData(naming_convention=NAMES)


def _json() -> Any:
    return Field(sa_type=cast("Any", JSON))


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=cast("Any", ID))


def _foreign(to: str, *, gone: str = "CASCADE", **options: Any) -> Any:
    return Field(foreign_key=to, ondelete=cast("Any", gone), sa_type=cast("Any", ID), **options)


def _index_where(name: str, columns: tuple[str, ...], condition: str) -> sa.Index:
    """An index of the few rows that are alive, so that history does not slow the queue down."""
    where = sa.text(condition)
    return sa.Index(f"ix_delivery_{name}", *columns, sqlite_where=where, postgresql_where=where)


# ---- papers ----------------------------------------------------------------------------------------


class PaperRecord(TableBase, table=True):
    """A work. `number` is ours and never shown; `id` may change when a better identity is learnt."""

    __tablename__ = "paper"
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
    """What a mailed paper was like until it changed: an old mail can be shown as it was."""

    __tablename__ = "paper_past"
    __table_args__ = CLUSTERED
    paper_id: str = Field(primary_key=True)  # as it was called then
    until: datetime = Field(primary_key=True)
    content: dict[str, Any] = _json()


class HeatRecord(TableBase, table=True):
    """What editions say of how hot a paper was: many say the same."""

    __tablename__ = "heat"
    __table_args__ = CLUSTERED
    key: str = Field(primary_key=True)  # made of what is told
    told: str
    needed_at: datetime  # when an edition that tells it was last planned


class AliasRecord(TableBase, table=True):
    """Any key by which a paper may be met. Only a title key may point at several papers."""

    __tablename__ = "alias"
    __table_args__ = CLUSTERED
    key: str = Field(primary_key=True)
    number: int = _foreign("paper.number", primary_key=True, index=True)


class SignalRecord(TableBase, table=True):
    """One observed total: the key makes each reading be kept once."""

    __tablename__ = "signal"
    __table_args__ = CLUSTERED
    number: int = _foreign("paper.number", primary_key=True)
    source: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    observed_at: datetime = Field(primary_key=True)
    value: float


class ModelRecord(TableBase, table=True):
    """A model that papers were, or are being, turned into vectors by. The newest complete one serves."""

    __tablename__ = "model"
    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    name: str = Field(unique=True)  # with its version
    setting: str  # by which it is loaded again
    fit: bytes  # what it learnt of the field's language, if it learns
    made_at: datetime
    is_complete: bool


class VectorRecord(TableBase, table=True):
    """What a model makes of a paper; the key is that of the paper's wording."""

    __tablename__ = "vector"
    __table_args__ = CLUSTERED
    model_id: int = _foreign("model.id", primary_key=True)
    key: int = Field(primary_key=True, sa_type=cast("Any", sa.BigInteger))
    vector: bytes


# ---- sources ---------------------------------------------------------------------------------------


class SourceRecord(TableBase, table=True):
    """Where a source's scope stands, and what it last answered that made sense."""

    __tablename__ = "source"
    source: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    read_at: datetime
    health: str
    note: str
    fetched: int
    unseen: int
    overlap: int
    newest: str
    day: date | None
    good_at: datetime | None
    etag: str
    last_modified: str
    ids: list[str] = _json()
    body: bytes  # zlib


class ReadingRecord(TableBase, table=True):
    """One line for every reading: what is usual here, and what happened lately?"""

    __tablename__ = "reading"
    __table_args__ = (sa.Index(None, "source", "scope", "read_at"),)
    id: int | None = _id()
    source: str
    scope: str
    read_at: datetime
    health: str
    note: str
    fetched: int
    unseen: int
    overlap: int
    newest: str
    day: date | None


class HoldRecord(TableBase, table=True):
    """An edition that waits for a person to look at it."""

    __tablename__ = "hold"
    key: str = Field(primary_key=True)
    reason: str
    at: datetime
    released_at: datetime | None = None
    released_by: str = ""


# ---- readers ---------------------------------------------------------------------------------------


class SubscriberRecord(TableBase, table=True):
    """A reader. `mailbox` is the address in the one spelling that all its spellings share."""

    __tablename__ = "subscriber"
    __table_args__ = NEVER_REUSED
    id: int | None = _id()
    pid: str = Field(unique=True)
    address: str
    mailbox: str = Field(unique=True)
    status: str = Field(index=True)
    profile: dict[str, Any] = _json()
    schedule: dict[str, Any] = _json()
    preferences: dict[str, Any] = _json()
    profile_revision: int
    created_at: datetime = Field(index=True)
    confirmed_at: datetime | None
    status_since: datetime
    asked_at: datetime | None
    next_due: datetime | None = Field(index=True)  # set for the confirmed only
    served_until: datetime | None  # the cursor


class OutlineRecord(TableBase, table=True):
    """A reader's profile in numbers, as of one revision of it and made in one way."""

    __tablename__ = "outline"
    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    revision: int
    made_by: str
    outline: bytes


class SuppressionRecord(TableBase, table=True):
    """A standing order never to mail an address, known only by its keyed hash."""

    __tablename__ = "suppression"
    key: str = Field(primary_key=True)
    reason: str
    at: datetime
    source: str = ""


class SentPaperRecord(TableBase, table=True):
    """A paper that went, or is about to go, to a reader: never twice, unless it broke out since."""

    __tablename__ = "sent_paper"
    __table_args__ = CLUSTERED
    subscriber_id: int = _foreign("subscriber.id", primary_key=True)
    day: date = Field(primary_key=True)  # second, so that "since" reads one stretch of the table
    paper_id: str = Field(primary_key=True, index=True)
    resent: bool
    expected: float
    votes: float | None
    delivery_id: int = _foreign("delivery.id")


# ---- mail ------------------------------------------------------------------------------------------


class DeliveryRecord(TableBase, table=True):
    """The ledger: one mail's way to an address. `key` makes planning it twice one mail."""

    __tablename__ = "delivery"
    __table_args__ = (
        _index_where("queue", ("priority", "not_before", "id"), "state = 'queued'"),
        _index_where("domain_queue", ("domain", "not_before", "id"), "state = 'queued'"),
        _index_where("owner", ("owner",), "state IN ('leased', 'sending')"),
        sa.Index(None, "subscriber_id", "slot"),
        NEVER_REUSED,
    )
    id: int | None = _id()
    pid: str = Field(unique=True)
    kind: str
    key: str = Field(unique=True)
    subscriber_id: int | None = _foreign("subscriber.id", gone="SET NULL")
    address: str  # emptied when the subscriber is erased
    domain: str
    route: str
    state: str
    priority: int
    payload: dict[str, Any] = _json()
    day: date | None
    slot: datetime
    not_before: datetime
    not_after: datetime
    message_id: str = Field(unique=True)
    attempt: int
    uncertain: int
    generation: int
    render_failures: int
    body_out: bool  # sending, and the body may be on the wire: a crash now leaves it in doubt
    owner: str | None
    last_code: int
    last_enhanced: str
    last_reply: str
    remote_id: str
    created_at: datetime
    accepted_at: datetime | None
    finished_at: datetime | None = Field(index=True)


class DeliveryEventRecord(TableBase, table=True):
    """What we heard about a mail after it was accepted: a bounce, a complaint."""

    __tablename__ = "delivery_event"
    id: int | None = _id()
    delivery_id: int = _foreign("delivery.id", index=True)
    at: datetime = Field(index=True)
    type: str
    code: str = ""
    raw_hash: str = Field(unique=True)


class WorkerRecord(TableBase, table=True):
    """One sending process and how long its lease on its mails lasts."""

    __tablename__ = "worker"
    id: str = Field(primary_key=True)
    host: str
    process: int
    started_at: datetime
    lease_until: datetime = Field(index=True)


class BucketRecord(TableBase, table=True):
    """A limit that refills with time: of a route, a receiving domain, a visitor's address."""

    __tablename__ = "bucket"
    key: str = Field(primary_key=True)
    tokens: float
    rate: float
    burst: float
    updated_at: datetime
    raised_at: datetime
    paused_until: datetime | None = None


# ---- the house itself ------------------------------------------------------------------------------


class AuditRecord(TableBase, table=True):
    """Who changed what. Rows are only ever added; a trigger refuses the rest. Holds no address."""

    __tablename__ = "audit"
    id: int | None = _id()
    at: datetime = Field(index=True)
    actor: str
    action: str
    subject: str = Field(index=True)
    detail: dict[str, Any] = _json()


class MetaRecord(TableBase, table=True):
    """Single facts about this database: which instance it is, whether it is paused."""

    __tablename__ = "meta"
    key: str = Field(primary_key=True)
    value: str


def _table(record: type[TableBase]) -> sa.Table:
    return cast("sa.Table", getattr(record, "__table__"))  # noqa: B009  SQLModel does not declare it


PAPER = _table(PaperRecord)
PAPER_PAST = _table(PaperPastRecord)
HEAT = _table(HeatRecord)
ALIAS = _table(AliasRecord)
SIGNAL = _table(SignalRecord)
MODEL = _table(ModelRecord)
VECTOR = _table(VectorRecord)
SOURCE = _table(SourceRecord)
READING = _table(ReadingRecord)
HOLD = _table(HoldRecord)
SUBSCRIBER = _table(SubscriberRecord)
OUTLINE = _table(OutlineRecord)
SUPPRESSION = _table(SuppressionRecord)
SENT_PAPER = _table(SentPaperRecord)
DELIVERY = _table(DeliveryRecord)
DELIVERY_EVENT = _table(DeliveryEventRecord)
WORKER = _table(WorkerRecord)
BUCKET = _table(BucketRecord)
AUDIT = _table(AuditRecord)
META = _table(MetaRecord)
