"""The calls on operation: sources, held editions, runs, status and audit log."""

from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from digest.app.settings import find_misspelled_variables
from digest.db.audit import AuditFilter
from digest.models import BounceKind, DeliveryState, Health, Status
from digest.models.errors import NotFound
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.status import SEND_BLOCKED_KEY
from digest.web.actors import describe_actors
from digest.web.api.auth import ApiActor, require_role
from digest.web.api.cursors import (
    CursorText,
    Limit,
    decode_before,
    encode_next,
)
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import ApiRequest, ApiResponse
from digest.web.context import WebContextDep

ONE_DAY = timedelta(days=1)
# How the reason of a pause says what to do, and what a program does instead.
RESUME_COMMAND, RESUME_CALL = "run `digest db resume`", "POST /api/v1/sending/resume"

router = create_api_router("operation", require_role)


class SourceResponse(ApiResponse):
    """One scope of a source (a category group, a listing), as of a reading."""

    source: str
    scope: str
    read_at: datetime
    health: Health
    note: str
    fetched: int
    unseen: int = Field(description="papers that were new to us")
    day: date | None = Field(description="the announcement day of its papers")
    good_at: datetime | None = Field(description="time of the last good answer; null in a history")


class SourceList(BaseModel):
    """Every scope of every source, as of its last reading."""

    sources: list[SourceResponse]


class HistoryFilter(ApiRequest):
    """Which readings of a source."""

    scope: str = Field("", max_length=200)
    days: int = Field(7, ge=1, le=90)


class HoldResponse(ApiResponse):
    """An edition on hold until somebody releases it."""

    key: str
    reason: str
    at: datetime


class HoldList(BaseModel):
    """The editions on hold, oldest first."""

    holds: list[HoldResponse]


class HoldKey(ApiRequest):
    """Which held edition."""

    key: str = Field(max_length=200, examples=["daily/2026-11-23"])


class RunResponse(ApiResponse):
    """What one run did, as its log line says."""

    id: int
    started_at: datetime
    ended_at: datetime
    facts: dict[str, Any] = Field(examples=[{"fetched": 412, "new": 87, "planned": 31, "sent": 31}])


class RunPage(BaseModel):
    """The runs that did something, newest first."""

    runs: list[RunResponse]
    next_cursor: str | None


class PageFilter(ApiRequest):
    """Page of a list."""

    limit: Limit = 50
    cursor: CursorText = ""


class AuditSelection(PageFilter):
    """Filter and page of the audit log."""

    actor: str = Field("", max_length=200, examples=["api:admin"])
    action: str = Field("", max_length=200, examples=["erase"])
    subject: str = Field("", max_length=200, description="a subscriber's id, a key of a suppression …")
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="not included")


class AuditLineResponse(BaseModel):
    """One change. It names fields, never their values, and no address."""

    id: int
    at: datetime
    actor: str
    actor_name: str = Field(description="the administrator's name, if it was one")
    action: str
    subject: str
    detail: dict[str, Any]


class AuditPage(BaseModel):
    """Some lines of the audit log, newest first."""

    lines: list[AuditLineResponse]
    next_cursor: str | None


class StatusResponse(BaseModel):
    """The state of the installation, and what an administrator should look at."""

    paused: str | None = Field(description="why nothing is sent; null while sending is allowed")
    sending_blocked: str | None = Field(description="why no mail server can be used; null if one can")
    held: int = Field(description="editions on hold, see /holds")
    unknown_settings: dict[str, str] = Field(
        description='unknown DIGEST_ variables, each with the setting that may be meant or ""'
    )
    last_run: datetime | None
    next_due: datetime | None = Field(description="when the next subscriber's digest is due")
    papers: int
    subscribers: dict[Status, int]
    queue: dict[DeliveryState, int] = Field(description="messages not yet final, by state")
    last_24_hours: dict[DeliveryState, int] = Field(description="messages that became final")
    heard_24_hours: dict[BounceKind, int] = Field(description="messages that bounced or caused complaints")


@router.get("/sources")
def list_sources(ctx: WebContextDep) -> SourceList:
    """List the sources, each with its last reading."""
    with ctx.services.store.begin(write=False) as tx:
        return SourceList(sources=[SourceResponse.model_validate(each) for each in tx.sources.list_latest()])


@router.get("/sources/{source}/readings")
def list_readings(ctx: WebContextDep, source: str, filters: Annotated[HistoryFilter, Query()]) -> SourceList:
    """List the readings of one scope of a source, oldest first."""
    since = ctx.clock() - filters.days * ONE_DAY
    with ctx.services.store.begin(write=False) as tx:
        if source not in {state.source for state in tx.sources.list_latest()}:
            raise NotFound("This source has never been read.")
        history = tx.sources.list_history(source, filters.scope, since=since)
    return SourceList(sources=[SourceResponse.model_validate(each) for each in history])


@router.get("/holds")
def list_holds(ctx: WebContextDep) -> HoldList:
    """List the editions that are held for review."""
    with ctx.services.store.begin(write=False) as tx:
        return HoldList(holds=[HoldResponse.model_validate(each) for each in tx.sources.list_held()])


@router.post("/holds/release", status_code=204)
def release_hold(actor: ApiActor, ctx: WebContextDep, hold: HoldKey) -> None:
    """Release a held edition."""
    with ctx.services.store.begin() as tx:
        if not tx.sources.release(hold.key, actor=actor.name, at=actor.now):
            raise NotFound("This edition is not held.")
        actor.write_audit(tx, "release", hold.key)


@router.get("/runs")
def list_runs(ctx: WebContextDep, page: Annotated[PageFilter, Query()]) -> RunPage:
    """List the runs of the last 90 days that did something."""
    with ctx.services.store.begin(write=False) as tx:
        runs = tx.runs.list_latest(limit=page.limit, before=decode_before(page.cursor))
    return RunPage(
        runs=[RunResponse.model_validate(run) for run in runs], next_cursor=encode_next(runs, page.limit)
    )


@router.get("/status")
def get_status(ctx: WebContextDep) -> StatusResponse:
    """Return the current state: what is stopped, the last run, the queue, and what was lost in a day."""
    since = ctx.clock() - ONE_DAY
    with ctx.services.store.begin(write=False) as tx:
        last_run = tx.meta.read(LAST_TICK_KEY)
        return StatusResponse(
            paused=tx.meta.pause_reason.replace(RESUME_COMMAND, RESUME_CALL) or None,
            sending_blocked=tx.meta.read(SEND_BLOCKED_KEY) or None,
            held=len(tx.sources.list_held()),
            unknown_settings=find_misspelled_variables(),
            last_run=datetime.fromisoformat(last_run) if last_run else None,
            next_due=tx.subscribers.get_earliest_due(),
            papers=tx.papers.count(),
            subscribers=dict(tx.subscribers.count_by_status()),
            queue=tx.deliveries.count_open(),
            last_24_hours=tx.deliveries.count_finished(since),
            heard_24_hours=tx.deliveries.count_bounces(since),
        )


@router.post("/sending/resume", status_code=204)
def resume_sending(actor: ApiActor, ctx: WebContextDep) -> None:
    """Resume sending that a restored backup paused; if nothing is paused, nothing changes."""
    with ctx.services.store.begin() as tx:
        if tx.meta.pause_reason:
            tx.meta.resume()
            actor.write_audit(tx, "resume-sending", "")


@router.get("/audit")
def list_audit_lines(ctx: WebContextDep, query: Annotated[AuditSelection, Query()]) -> AuditPage:
    """List who changed what, newest first."""
    conditions = AuditFilter(**query.model_dump(exclude={"limit", "cursor"}))
    with ctx.services.store.begin(write=False) as tx:
        lines = tx.audit.search(conditions, limit=query.limit, before=decode_before(query.cursor))
        names = describe_actors(tx, (line.actor for line in lines))
    return AuditPage(
        lines=[AuditLineResponse(**asdict(line), actor_name=names[line.actor]) for line in lines],
        next_cursor=encode_next(lines, query.limit),
    )
