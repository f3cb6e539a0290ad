"""The audit log: filtered by who, what, whom and when, in pages, and as a CSV file."""

import json
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import BaseModel, Field
from starlette.responses import Response, StreamingResponse

from digest.db import Transaction
from digest.db.audit import AuditFilter
from digest.models.addresses import hash_address
from digest.models.errors import DigestError
from digest.subscribers.table_files import format_csv_row
from digest.web.actors import describe_actors
from digest.web.admin.auth import AdminContext, CurrentSession
from digest.web.admin.period import Period, parse_period
from digest.web.context import WebContext
from digest.web.routing import create_router

HOME = "/admin/audit"
PAGE_SIZE = 100
EXPORT_BATCH = 1000
COLUMNS = ("at", "actor", "action", "subject", "detail")

router = create_router(include_in_schema=False)


class AuditQuery(BaseModel):
    """The filter of the log, as it is written in the URL."""

    who: str = ""
    what: str = ""
    whom: str = ""  # an address, a public id, or any other subject
    since: str = ""  # days
    until: str = ""  # this day included
    before: int | None = Field(None, ge=0, le=2**62)  # the line to continue from

    def to_url(self, path: str = HOME, **changes: object) -> str:
        """Return the URL of this filter with some changes."""
        fields = self.model_dump() | changes
        return f"{path}?{urlencode({name: value for name, value in fields.items() if value})}"


@router.get(HOME)
def show_audit_log(
    ctx: AdminContext, session: CurrentSession, query: Annotated[AuditQuery, Query()]
) -> Response:
    """Show the lines that match, newest first."""
    period = parse_period(query.since, query.until)
    with ctx.services.store.begin(write=False) as tx:
        found = _parse(ctx, tx, query, period)
        lines = tx.audit.search(found, limit=PAGE_SIZE + 1, before=query.before)
        shown = lines[:PAGE_SIZE]
        readers = tx.subscribers.get_by_public_ids({line.subject for line in shown})
        total = tx.audit.count(found)
        actors, actions = tx.audit.list_values("actor"), tx.audit.list_values("action")
        names = describe_actors(tx, actors)
    return ctx.pages.render(
        "admin/audit",
        session=session,
        problems=period.problems,
        period=period,
        lines=shown,
        readers=readers,
        total=total,
        query=query,
        actors=actors,
        names=names,
        actions=actions,
        newest=query.to_url(before=None) if query.before else "",
        older=query.to_url(before=shown[-1].id) if len(lines) > PAGE_SIZE else "",
        export=query.to_url(f"{HOME}.csv", before=None),
    )


@router.get(HOME + ".csv")
def export_audit_log(ctx: AdminContext, _: CurrentSession, query: Annotated[AuditQuery, Query()]) -> Response:
    """Return the lines that match as CSV, newest first."""
    with ctx.services.store.begin(write=False) as tx:
        found = _parse(ctx, tx, query, parse_period(query.since, query.until))
    headers = {"content-disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_write_csv(ctx, found), media_type="text/csv; charset=utf-8", headers=headers)


def _write_csv(ctx: WebContext, found: AuditFilter) -> Iterator[str]:
    yield format_csv_row(COLUMNS)
    before: int | None = None
    while True:
        with ctx.services.store.begin(write=False) as tx:
            lines = tx.audit.search(found, limit=EXPORT_BATCH, before=before)
        if not lines:
            return
        for line in lines:
            detail = json.dumps(line.detail, ensure_ascii=False, default=str) if line.detail else ""
            yield format_csv_row((line.at.isoformat(), line.actor, line.action, line.subject, detail))
        before = lines[-1].id


def _parse(ctx: WebContext, tx: Transaction, query: AuditQuery, period: Period) -> AuditFilter:
    return AuditFilter(
        actor=query.who.replace("\x00", ""),
        action=query.what.replace("\x00", ""),
        subject=_find_subject(ctx, tx, query.whom.strip().replace("\x00", "")),
        since=period.since,
        until=period.until,
    )


def _find_subject(ctx: WebContext, tx: Transaction, whom: str) -> str:
    """Return the subject that stands for somebody: of an address the public id, else its keyed hash."""
    if "@" not in whom:
        return whom
    try:
        found = tx.subscribers.get_by_addresses([whom])
        return next(
            (reader.public_id for reader in found.values()), hash_address(ctx.services.suppression_key, whom)
        )
    except DigestError:
        return whom
