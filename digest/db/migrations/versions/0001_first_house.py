"""Initial schema: papers and signals, sources, subscribers, deliveries, audit log and meta."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_first_house"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _paper()
    _alias()
    _signal()
    _source()
    _reading()
    _hold()
    _subscriber()
    _suppression()
    _delivery()
    _sent_paper()
    _delivery_event()
    _worker()
    _bucket()
    _audit()
    _meta()
    _keep_audit()


def _paper() -> None:
    op.create_table(
        "paper",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("abstract", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("published", MOMENT, nullable=True),
        sa.Column("authors", JSON, nullable=False),
        sa.Column("categories", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("aliases", JSON, nullable=False),
        sa.Column("announcement", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("text_from", sa.String(), nullable=False),
        sa.Column("authors_from", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.Column("keywords", JSON, nullable=False),
        sa.Column("pdf_url", sa.String(), nullable=False),
        sa.Column("code_url", sa.String(), nullable=False),
        sa.Column("project_url", sa.String(), nullable=False),
        sa.Column("discussion_url", sa.String(), nullable=False),
        sa.Column("organization", sa.String(), nullable=False),
        sa.Column("submitter", sa.String(), nullable=False),
        sa.Column("listed", sa.Date(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("first_seen", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_paper"),
        sa.UniqueConstraint("id", name="uq_paper_id"),
    )
    op.create_index("ix_paper_first_seen", "paper", ["first_seen"])
    op.create_index("ix_paper_listed", "paper", ["listed"])


def _alias() -> None:
    op.create_table(
        "alias",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["paper.number"], name="fk_alias_number_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", "number", name="pk_alias"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_alias_number", "alias", ["number"])


def _signal() -> None:
    op.create_table(
        "signal",
        sa.Column("number", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("observed_at", MOMENT, nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["paper.number"], name="fk_signal_number_paper", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", "source", "kind", "observed_at", name="pk_signal"),
        sqlite_with_rowid=False,
    )


def _source() -> None:
    op.create_table(
        "source",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("unseen", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("newest", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("good_at", MOMENT, nullable=True),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("last_modified", sa.String(), nullable=False),
        sa.Column("ids", JSON, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "scope", name="pk_source"),
    )


def _reading() -> None:
    op.create_table(
        "reading",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=False),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("unseen", sa.Integer(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("newest", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reading"),
    )
    op.create_index("ix_reading_source_scope_read_at", "reading", ["source", "scope", "read_at"])


def _hold() -> None:
    op.create_table(
        "hold",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("released_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_hold"),
    )


def _subscriber() -> None:
    op.create_table(
        "subscriber",
        sa.Column("id", ID, nullable=False),
        sa.Column("pid", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("profile", JSON, nullable=False),
        sa.Column("schedule", JSON, nullable=False),
        sa.Column("preferences", JSON, nullable=False),
        sa.Column("profile_revision", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("status_since", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("next_due", MOMENT, nullable=True),
        sa.Column("served_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
        sa.UniqueConstraint("mailbox", name="uq_subscriber_mailbox"),
        sa.UniqueConstraint("pid", name="uq_subscriber_pid"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_subscriber_created_at", "subscriber", ["created_at"])
    op.create_index("ix_subscriber_next_due", "subscriber", ["next_due"])
    op.create_index("ix_subscriber_status", "subscriber", ["status"])


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_suppression"),
    )


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", ID, nullable=False),
        sa.Column("pid", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("subscriber_id", ID, nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("domain", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("not_after", MOMENT, nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("render_failures", sa.Integer(), nullable=False),
        sa.Column("body_out", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("last_code", sa.Integer(), nullable=False),
        sa.Column("last_enhanced", sa.String(), nullable=False),
        sa.Column("last_reply", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("accepted_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_delivery_subscriber_id_subscriber",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("key", name="uq_delivery_key"),
        sa.UniqueConstraint("message_id", name="uq_delivery_message_id"),
        sa.UniqueConstraint("pid", name="uq_delivery_pid"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_delivery_domain_queue",
        "delivery",
        ["domain", "not_before", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_delivery_finished_at", "delivery", ["finished_at"])
    op.create_index(
        "ix_delivery_owner",
        "delivery",
        ["owner"],
        sqlite_where=sa.text("state IN ('leased', 'sending')"),
        postgresql_where=sa.text("state IN ('leased', 'sending')"),
    )
    op.create_index(
        "ix_delivery_queue",
        "delivery",
        ["priority", "not_before", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_delivery_subscriber_id_slot", "delivery", ["subscriber_id", "slot"])


def _sent_paper() -> None:
    op.create_table(
        "sent_paper",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("paper_id", sa.String(), nullable=False),
        sa.Column("resent", sa.Boolean(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("votes", sa.Float(), nullable=True),
        sa.Column("delivery_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name="fk_sent_paper_delivery_id_delivery", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["subscriber_id"],
            ["subscriber.id"],
            name="fk_sent_paper_subscriber_id_subscriber",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "day", "paper_id", name="pk_sent_paper"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_sent_paper_paper_id", "sent_paper", ["paper_id"])


def _delivery_event() -> None:
    op.create_table(
        "delivery_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("delivery_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("raw_hash", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name="fk_delivery_event_delivery_id_delivery",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_delivery_event"),
        sa.UniqueConstraint("raw_hash", name="uq_delivery_event_raw_hash"),
    )
    op.create_index("ix_delivery_event_at", "delivery_event", ["at"])
    op.create_index("ix_delivery_event_delivery_id", "delivery_event", ["delivery_id"])


def _worker() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("process", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker"),
    )
    op.create_index("ix_worker_lease_until", "worker", ["lease_until"])


def _bucket() -> None:
    op.create_table(
        "bucket",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("burst", sa.Float(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_bucket"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


SQLITE_KEEP_AUDIT = tuple(
    f"""CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit
        BEGIN SELECT raise(ABORT, 'the audit log is only ever added to'); END"""
    for verb in ("UPDATE", "DELETE")
)
POSTGRES_KEEP_AUDIT = (
    """CREATE FUNCTION audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'the audit log is only ever added to';
    END $$""",
    """CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_kept()""",
)


def _keep_audit() -> None:
    for statement in POSTGRES_KEEP_AUDIT if _on_postgres() else SQLITE_KEEP_AUDIT:
        op.execute(statement)


def _on_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"
