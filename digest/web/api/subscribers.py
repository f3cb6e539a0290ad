"""The routes of the JSON API: the same operations as the forms and the commands.

Names and docstrings of routes and models appear in openapi.json as operation ids and descriptions.
"""

from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast

from fastapi import Depends, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.responses import Response, StreamingResponse

from digest import __version__
from digest import subscribers as subscriptions
from digest.app.settings import find_misspelled_variables
from digest.db.subscribers.search import SORT_COLUMNS
from digest.models import Status
from digest.models.addresses import hash_address
from digest.models.errors import NotFound
from digest.subscribers.transfer import export_csv, import_file
from digest.web.api import exports
from digest.web.api.auth import ApiActor
from digest.web.api.schemas import (
    ERROR_RESPONSES,
    PREFIX,
    AddressRequest,
    ChangeResult,
    DeliverySummary,
    ImportSummary,
    NewSubscriber,
    PageResponse,
    PauseRequest,
    StatusResponse,
    SubscriberChanges,
    SubscriberDetails,
    SubscriberResponse,
    SuppressionResponse,
)
from digest.web.context import WebContextDep
from digest.web.routing import create_router

MAX_OFFSET = 10_000_000
MAX_BYTES_IN_MEMORY = 1024 * 1024  # of a file to import; more goes to a temporary file

router = create_router(prefix=PREFIX, responses=ERROR_RESPONSES, tags=["subscribers"])


class SubscriberFilter(BaseModel):
    """Filter, order and page of a list of subscribers."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    q: str = Field("", max_length=200, description="a piece of the address")
    sort: str = Field("created_at", pattern="^(" + "|".join(SORT_COLUMNS) + ")$")
    descending: bool = False
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=MAX_OFFSET)


class ImportOptions(BaseModel):
    """Options of an import."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, description="report only, keep nothing")
    confirmed: bool = Field(default=False, description="asserts that these people consented before")


@router.get("/subscribers")
def subscribers(
    _: ApiActor, ctx: WebContextDep, filters: Annotated[SubscriberFilter, Query()]
) -> PageResponse:
    """List, filter, sort and page through the subscribers."""
    with ctx.services.store.begin(write=False) as tx:
        page = tx.subscribers.get_page(
            status=filters.status,
            search=filters.q.replace("\x00", ""),
            sort=filters.sort,
            descending=filters.descending,
            limit=filters.limit,
            offset=filters.offset,
        )
    return PageResponse(
        total=page.total, subscribers=[SubscriberResponse.of(reader) for reader in page.subscribers]
    )


@router.post("/subscribers", status_code=201)
def add(actor: ApiActor, ctx: WebContextDep, new_subscriber: NewSubscriber) -> SubscriberResponse:
    """Add a subscriber. They are asked to confirm, unless prior consent is asserted."""
    changes = ctx.defaults | new_subscriber.to_changes()
    with ctx.services.store.begin() as tx:
        reader = subscriptions.add_subscriber(
            tx, new_subscriber.email, changes, has_consented=new_subscriber.confirmed, actor=actor
        )
    return SubscriberResponse.of(reader)


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
    actor: ApiActor,
    ctx: WebContextDep,
    file: Annotated[BinaryIO, Depends(_receive_file)],
    options: Annotated[ImportOptions, Query()],
) -> ImportSummary:
    """Import a CSV with a header or JSON lines, sent as the body; invalid rows are reported."""
    report = import_file(
        ctx.services.store,
        file,
        actor=actor,
        confirmed=options.confirmed,
        dry_run=options.dry_run,
        defaults=ctx.defaults,
    )
    return ImportSummary(counts=report.counts, noted=report.noted)


@router.get("/subscribers/export", response_class=StreamingResponse)
def export(_: ApiActor, ctx: WebContextDep) -> Response:
    """Export all subscribers as CSV, in the names of the import."""
    return StreamingResponse(export_csv(ctx.services.store), media_type="text/csv")


@router.get("/subscribers/{who}")
def show(_: ApiActor, ctx: WebContextDep, who: str) -> SubscriberDetails:
    """Return one subscriber, by id or address."""
    with ctx.services.store.begin(write=False) as tx:
        reader = subscriptions.get_subscriber(tx, who)
        suppression = tx.suppressions.find(hash_address(ctx.services.suppression_key, reader.address))
    details = SubscriberDetails.of(reader)
    details.suppression = SuppressionResponse.of(suppression) if suppression else None
    return details


@router.get("/subscribers/{who}/deliveries")
def deliveries(_: ApiActor, ctx: WebContextDep, who: str) -> list[DeliverySummary]:
    """List the latest mails to a subscriber and the state of each."""
    with ctx.services.store.begin(write=False) as tx:
        return [
            DeliverySummary.of(delivery)
            for delivery in tx.deliveries.list_by_subscriber(subscriptions.get_subscriber(tx, who).id)
        ]


@router.patch("/subscribers/{who}")
def change(actor: ApiActor, ctx: WebContextDep, who: str, changes: SubscriberChanges) -> SubscriberResponse:
    """Change interests, schedule or preferences; what is left out stays."""
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(
            subscriptions.change_settings(tx, who, changes.to_changes(), actor=actor)
        )


@router.post("/subscribers/{who}/pause")
def pause(
    actor: ApiActor, ctx: WebContextDep, who: str, pause: PauseRequest | None = None
) -> SubscriberResponse:
    """Send nothing for now, or until a day."""
    until = pause.until if pause else None
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(
            subscriptions.pause(tx, subscriptions.get_subscriber(tx, who).public_id, until=until, actor=actor)
        )


@router.post("/subscribers/{who}/resume")
def resume(actor: ApiActor, ctx: WebContextDep, who: str) -> SubscriberResponse:
    """Send again, from the next slot on."""
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(
            subscriptions.resume(tx, subscriptions.get_subscriber(tx, who).public_id, actor=actor)
        )


@router.delete("/subscribers/{who}", status_code=204)
def remove(actor: ApiActor, ctx: WebContextDep, who: str) -> Response:
    """Erase a subscriber and every trace of the address."""
    with ctx.services.store.begin() as tx:
        subscriptions.erase(tx, subscriptions.get_subscriber(tx, who).public_id, actor=actor)
    return Response(status_code=204)


@router.post("/suppressions", tags=["suppressions"])
def suppress(actor: ApiActor, ctx: WebContextDep, address: AddressRequest) -> ChangeResult:
    """Never write to this address again, subscribed or not."""
    with ctx.services.store.begin() as tx:
        return ChangeResult(changed=subscriptions.suppress(tx, address.email, actor=actor))


@router.post("/suppressions/lift", tags=["suppressions"])
def unsuppress(actor: ApiActor, ctx: WebContextDep, address: AddressRequest) -> ChangeResult:
    """Allow writing to this address again, once it confirms."""
    with ctx.services.store.begin() as tx:
        return ChangeResult(changed=subscriptions.unsuppress(tx, address.email, actor=actor))


@router.get("/status", tags=["status"])
def get_status(actor: ApiActor, ctx: WebContextDep) -> StatusResponse:  # noqa: ARG001  for the token
    """What an administrator should look at: why sending is paused, and settings that do not exist."""
    with ctx.services.store.begin(write=False) as tx:
        paused = tx.meta.pause_reason
    return StatusResponse(paused=paused or None, unknown_settings=find_misspelled_variables())


@router.get("/openapi.json", include_in_schema=False)
def openapi(ctx: WebContextDep) -> dict[str, Any]:
    """Return the OpenAPI description of this API."""
    with ctx.services.store.begin(write=False) as tx:
        if not ctx.admin_sessions.is_enabled(tx):
            raise NotFound
    return get_openapi(
        title=f"{ctx.services.site.brand} API",
        version=__version__,
        description="Subscribers, by bearer token. Every change is written to the audit log.",
        routes=[*router.routes, *exports.router.routes],
        servers=[{"url": ctx.services.settings.base_url}],
    )
