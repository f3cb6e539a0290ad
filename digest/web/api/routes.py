"""What can be asked and changed? The same use-cases as behind the forms and the commands."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from digest import __version__
from digest import subscribers as subscriptions
from digest.db.subscribers.repository import SORTS
from digest.models import Status
from digest.models.errors import NotFound
from digest.subscribers.transfer import csv_of, take_in_file
from digest.web.api.auth import Acting
from digest.web.api.schemas import (
    AddressRequest,
    Changed,
    Failure,
    Mail,
    Newcomer,
    PageResponse,
    Pause,
    SubscriberChanges,
    SubscriberResponse,
    Taken,
)
from digest.web.context import WebContextDep

PREFIX = "/api/v1"
FARTHEST = 10_000_000
REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Failure, "description": "the body is not UTF-8"},
    401: {"model": Failure, "description": "no token of ours"},
    403: {"model": Failure, "description": "the token may only look"},
    404: {"model": Failure, "description": "no such subscriber, or the API is off"},
    413: {"model": Failure, "description": "the body is too large"},
    409: {"model": Failure, "description": "this subscriber does not allow it now; nothing was changed"},
    422: {"model": Failure, "description": "something was asked that makes no sense; nothing was changed"},
    429: {"model": Failure, "description": "too many wrong tokens"},
    503: {"model": Failure, "description": "the database is busy; try again"},
}

router = APIRouter(prefix=PREFIX, responses=REFUSALS, tags=["subscribers"])


class Filter(BaseModel):
    """Which subscribers, and in which order."""

    model_config = ConfigDict(extra="forbid")

    status: Status | None = None
    q: str = Field("", max_length=200, description="a piece of the address")
    sort: str = Field("created_at", pattern="^(" + "|".join(SORTS) + ")$")
    descending: bool = False
    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=FARTHEST)


class Taking(BaseModel):
    """How an import is meant."""

    model_config = ConfigDict(extra="forbid")

    dry_run: bool = Field(default=False, description="report only, keep nothing")
    confirmed: bool = Field(default=False, description="asserts that these people consented before")


@router.get("/subscribers")
def subscribers(_: Acting, ctx: WebContextDep, wanted: Annotated[Filter, Query()]) -> PageResponse:
    """List, filter, sort and page through the subscribers."""
    with ctx.services.store.begin(write=False) as tx:
        page = tx.subscribers.page(
            status=wanted.status,
            search=wanted.q.replace("\x00", ""),
            sort=wanted.sort,
            descending=wanted.descending,
            limit=wanted.limit,
            offset=wanted.offset,
        )
    return PageResponse(
        total=page.total, subscribers=[SubscriberResponse.of(reader) for reader in page.subscribers]
    )


@router.post("/subscribers", status_code=201)
def add(by: Acting, ctx: WebContextDep, newcomer: Newcomer) -> SubscriberResponse:
    """Add a subscriber. They are asked to confirm, unless prior consent is asserted."""
    wishes = ctx.defaults | newcomer.named()
    with ctx.services.store.begin() as tx:
        reader = subscriptions.enrol(tx, newcomer.email, wishes, has_consented=newcomer.confirmed, by=by)
    return SubscriberResponse.of(reader)


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/subscribers/import")
def take_in(
    by: Acting, ctx: WebContextDep, content: Annotated[bytes, Depends(_body)], how: Annotated[Taking, Query()]
) -> Taken:
    """Take in a CSV with a header or JSON lines, sent as the body; rows that make no sense are told."""
    report = take_in_file(
        ctx.services.store,
        content,
        by=by,
        confirmed=how.confirmed,
        dry_run=how.dry_run,
        defaults=ctx.defaults,
    )
    return Taken(counts=report.counts, noted=report.noted)


@router.get("/subscribers/export", response_class=StreamingResponse)
def export(_: Acting, ctx: WebContextDep) -> Response:
    """All subscribers as CSV, in the names of the import."""
    return StreamingResponse(csv_of(ctx.services.store), media_type="text/csv")


@router.get("/subscribers/{who}")
def show(_: Acting, ctx: WebContextDep, who: str) -> SubscriberResponse:
    """One subscriber, by id or address."""
    with ctx.services.store.begin(write=False) as tx:
        return SubscriberResponse.of(subscriptions.get_subscriber(tx, who))


@router.get("/subscribers/{who}/deliveries")
def deliveries(_: Acting, ctx: WebContextDep, who: str) -> list[Mail]:
    """The latest mails to a subscriber and where each stands."""
    with ctx.services.store.begin(write=False) as tx:
        return [Mail.of(mail) for mail in tx.deliveries.history(subscriptions.get_subscriber(tx, who).id)]


@router.patch("/subscribers/{who}")
def change(by: Acting, ctx: WebContextDep, who: str, wishes: SubscriberChanges) -> SubscriberResponse:
    """Change interests, schedule or preferences; what is left out stays."""
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(subscriptions.change(tx, who, wishes.named(), by=by))


@router.post("/subscribers/{who}/pause")
def pause(by: Acting, ctx: WebContextDep, who: str, pause: Pause | None = None) -> SubscriberResponse:
    """Send nothing for now, or until a day."""
    until = pause.until if pause else None
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(
            subscriptions.pause(tx, subscriptions.get_subscriber(tx, who).pid, until=until, by=by)
        )


@router.post("/subscribers/{who}/resume")
def resume(by: Acting, ctx: WebContextDep, who: str) -> SubscriberResponse:
    """Send again, from the next slot on."""
    with ctx.services.store.begin() as tx:
        return SubscriberResponse.of(
            subscriptions.resume(tx, subscriptions.get_subscriber(tx, who).pid, by=by)
        )


@router.delete("/subscribers/{who}", status_code=204)
def remove(by: Acting, ctx: WebContextDep, who: str) -> Response:
    """Erase a subscriber and every trace of the address."""
    with ctx.services.store.begin() as tx:
        subscriptions.erase(tx, subscriptions.get_subscriber(tx, who).pid, by=by)
    return Response(status_code=204)


@router.post("/suppressions", tags=["suppressions"])
def suppress(by: Acting, ctx: WebContextDep, address: AddressRequest) -> Changed:
    """Never write to this address again, subscribed or not."""
    with ctx.services.store.begin() as tx:
        return Changed(changed=subscriptions.suppress(tx, address.email, by=by))


@router.post("/suppressions/lift", tags=["suppressions"])
def unsuppress(by: Acting, ctx: WebContextDep, address: AddressRequest) -> Changed:
    """Allow writing to this address again, once it confirms."""
    with ctx.services.store.begin() as tx:
        return Changed(changed=subscriptions.unsuppress(tx, address.email, by=by))


@router.get("/openapi.json", include_in_schema=False)
def openapi(ctx: WebContextDep) -> dict[str, Any]:
    """This API, described for programs."""
    if not ctx.badges.exist:
        raise NotFound
    return get_openapi(
        title=f"{ctx.services.site.brand} API",
        version=__version__,
        description="Subscribers, by bearer token. Every change is written to the audit log.",
        routes=router.routes,
        servers=[{"url": ctx.services.settings.base_url}],
    )
