"""The calls on subscribers: the same operations as the forms and the commands.

Names and docstrings of routes and models appear in openapi.json as operation ids and descriptions.
"""

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import Annotated, BinaryIO, cast

from fastapi import Depends, Header, Query, Request
from pydantic import AwareDatetime, Field
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from digest import subscribers as subscriptions
from digest.db import Transaction
from digest.db.subscribers.search import SORT_COLUMNS, SubscriberCriteria, SubscriberSearch
from digest.models import Frequency, Status, Subscriber
from digest.models.addresses import hash_address
from digest.subscribers import Actor
from digest.subscribers.transfer import export_csv, import_file
from digest.web.api.auth import ApiActor, require_role, require_role_still
from digest.web.api.cursors import CursorKind, CursorText, Limit, decode_cursor, encode_cursor
from digest.web.api.routing import check_precondition, create_api_router, set_etag
from digest.web.api.schemas import (
    NOT_MODIFIED,
    PRECONDITION_FAILED,
    ApiRequest,
    DeliverySummary,
    ImportSummary,
    NewSubscriber,
    PageResponse,
    PauseRequest,
    SubscriberChanges,
    SubscriberDetails,
    SubscriberResponse,
    SuppressionResponse,
)
from digest.web.context import WebContext, WebContextDep

MAX_OFFSET = 10_000_000
MAX_BYTES_IN_MEMORY = 1024 * 1024  # of a file to import; more goes to a temporary file
IfMatch = Annotated[
    str | None,
    Header(max_length=500, description="the ETag that you read; 412 if somebody has changed it since"),
]

router = create_api_router("subscribers", require_role)


class SubscriberFilter(ApiRequest):
    """Filter, order and page of a list of subscribers."""

    status: Status | None = None
    q: str = Field("", max_length=200, description="a part of the address")
    keyword: str = Field("", max_length=200, description="a part of a keyword")
    tag: str = Field("", max_length=100, description="they have this tag")
    frequency: Frequency | None = None
    language: str = Field("", max_length=20)
    bounced_since: AwareDatetime | None = Field(None, description="an email bounced since then")
    sort: str = Field("created_at", pattern="^(" + "|".join(SORT_COLUMNS) + ")$")
    descending: bool = False
    limit: Limit = 50
    cursor: CursorText = ""
    offset: int = Field(
        0, ge=0, le=MAX_OFFSET, description="number of entries to skip; `cursor` is more reliable"
    )


class ImportOptions(ApiRequest):
    """Options of an import."""

    dry_run: bool = Field(default=False, description="only report, store nothing")
    confirmed: bool = Field(default=False, description="asserts that these people have already consented")


@router.get("/subscribers")
def subscribers(ctx: WebContextDep, filters: Annotated[SubscriberFilter, Query()]) -> PageResponse:
    """List, filter, sort and page through the subscribers.

    In the order of creation no page skips or repeats anybody, whatever is added or erased in between.
    """
    with ctx.services.store.begin(write=False) as tx:
        same = {"keyword", "tag", "status", "frequency", "language", "bounced_since"}
        criteria = SubscriberCriteria(address=filters.q, **filters.model_dump(include=same))
        search = SubscriberSearch(tx.connection, criteria)
        if filters.sort == "created_at" and not filters.descending and not filters.offset:
            after = decode_cursor(CursorKind.AFTER, filters.cursor)
            found = search.list_after(after, limit=filters.limit)
            total, position = search.count(), found[-1].id if found else 0
            kind, is_last = CursorKind.AFTER, len(found) < filters.limit
        else:
            offset = filters.offset or min(decode_cursor(CursorKind.OFFSET, filters.cursor), MAX_OFFSET)
            page = search.get_page(
                sort=filters.sort, descending=filters.descending, limit=filters.limit, offset=offset
            )
            found, total, position = page.subscribers, page.total, offset + len(page.subscribers)
            kind, is_last = CursorKind.OFFSET, offset + len(page.subscribers) >= page.total
    return PageResponse(
        total=total,
        subscribers=[SubscriberResponse.model_validate(reader) for reader in found],
        next_cursor=None if is_last else encode_cursor(kind, position),
    )


@router.post("/subscribers", status_code=201)
def add(actor: ApiActor, ctx: WebContextDep, new_subscriber: NewSubscriber) -> SubscriberResponse:
    """Add a subscriber. They are asked to confirm, unless prior consent is asserted."""
    changes = ctx.services.default_settings | new_subscriber.to_changes()
    with ctx.services.store.begin() as tx:
        reader = subscriptions.add_subscriber(
            tx, new_subscriber.email, changes, has_consented=new_subscriber.confirmed, actor=actor
        )
    return SubscriberResponse.model_validate(reader)


async def _receive_file(request: Request) -> AsyncIterator[BinaryIO]:
    """Receive the body into a temporary file, in memory while it is small."""
    with SpooledTemporaryFile(max_size=MAX_BYTES_IN_MEMORY) as file:
        upload = UploadFile(cast("BinaryIO", file))
        async for chunk in request.stream():
            await upload.write(chunk)
        await upload.seek(0)
        yield upload.file


@router.post("/subscribers/import")
def import_subscribers(
    ctx: WebContextDep,
    file: Annotated[BinaryIO, Depends(_receive_file)],
    actor: Annotated[Actor, Depends(require_role_still)],
    options: Annotated[ImportOptions, Query()],
) -> ImportSummary:
    """Import a CSV with a header or JSON lines, sent as the body; invalid rows are reported."""
    report = import_file(
        ctx.services.store,
        file,
        actor=actor,
        confirmed=options.confirmed,
        dry_run=options.dry_run,
        defaults=ctx.services.default_settings,
    )
    return ImportSummary(counts=report.counts, noted=report.noted, unused_columns=list(report.unused_columns))


@router.get("/subscribers/export", response_class=StreamingResponse)
def export(ctx: WebContextDep) -> Response:
    """Export all subscribers as CSV, with the column names of the import."""
    return StreamingResponse(export_csv(ctx.services.store), media_type="text/csv")


@router.get("/subscribers/{who}", responses=NOT_MODIFIED)
def show(ctx: WebContextDep, who: str, response: Response) -> SubscriberDetails:
    """Return one subscriber, by id or address. Send its ETag with a change to avoid overwriting another."""
    with ctx.services.store.begin(write=False) as tx:
        details = _build_details(tx, ctx, subscriptions.get_subscriber(tx, who))
    set_etag(response, details)
    return details


def _build_details(tx: Transaction, ctx: WebContext, reader: Subscriber) -> SubscriberDetails:
    details = SubscriberDetails.model_validate(reader)
    suppression = tx.suppressions.find(hash_address(ctx.services.suppression_key, reader.address))
    details.suppression = SuppressionResponse.model_validate(suppression) if suppression else None
    details.tags = list(tx.tags.get_by_subscriber([reader.id]).get(reader.id, ()))
    return details


def _find_unchanged(tx: Transaction, ctx: WebContext, who: str, if_match: str | None) -> Subscriber:
    """Return a subscriber whom nobody changed since the caller read them. Raises 412 otherwise."""
    reader = subscriptions.get_subscriber(tx, who)
    check_precondition(if_match, _build_details(tx, ctx, reader))
    return reader


@router.get("/subscribers/{who}/deliveries")
def deliveries(ctx: WebContextDep, who: str) -> list[DeliverySummary]:
    """List the latest emails to a subscriber with their states."""
    with ctx.services.store.begin(write=False) as tx:
        return [
            DeliverySummary.model_validate(delivery)
            for delivery in tx.deliveries.list_by_subscriber(subscriptions.get_subscriber(tx, who).id)
        ]


@router.patch("/subscribers/{who}", responses=PRECONDITION_FAILED)
def change(  # noqa: PLR0913, PLR0917  FastAPI fills them in by name
    actor: ApiActor,
    ctx: WebContextDep,
    who: str,
    changes: SubscriberChanges,
    response: Response,
    if_match: IfMatch = None,
) -> SubscriberDetails:
    """Change interests, schedule or preferences; fields that are left out stay unchanged."""
    with ctx.services.store.begin() as tx:
        reader = _find_unchanged(tx, ctx, who, if_match)
        changed = subscriptions.change_settings(tx, reader.public_id, changes.to_changes(), actor=actor)
        details = _build_details(tx, ctx, changed)
    set_etag(response, details)
    return details


@router.post("/subscribers/{who}/pause")
def pause(
    actor: ApiActor, ctx: WebContextDep, who: str, pause: PauseRequest | None = None
) -> SubscriberResponse:
    """Send nothing for now, or until a day."""
    until = pause.until if pause else None
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.model_validate(subscriptions.pause(tx, who, until=until, actor=actor))


@router.post("/subscribers/{who}/resume")
def resume(actor: ApiActor, ctx: WebContextDep, who: str) -> SubscriberResponse:
    """Resume sending, from the next slot on."""
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.model_validate(subscriptions.resume(tx, who, actor=actor))


@router.delete("/subscribers/{who}", status_code=204, responses=PRECONDITION_FAILED)
def remove(actor: ApiActor, ctx: WebContextDep, who: str, if_match: IfMatch = None) -> Response:
    """Erase a subscriber and every trace of the address."""
    with ctx.services.store.begin() as tx:
        subscriptions.erase(tx, _find_unchanged(tx, ctx, who, if_match).public_id, actor=actor)
    return Response(status_code=204)
