"""The calls on mail: editions (what subscribers were sent) and deliveries (how each message fared)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from digest import subscribers as subscriptions
from digest.db import Transaction
from digest.db.deliveries.search import DeliveryCriteria, list_deliveries, list_events
from digest.mail.locale import get_locale
from digest.mail.wording import describe_reason
from digest.models import (
    BounceKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Edition,
    Pick,
    ReasonKind,
    Section,
    Subscriber,
)
from digest.models.errors import NotFound, require
from digest.pipeline.edition_payload import get_paper_ids, load_edition
from digest.web.api.auth import require_role
from digest.web.api.cursors import (
    CursorText,
    Limit,
    decode_before,
    encode_next,
)
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import ApiRequest, ApiResponse, DeliverySummary
from digest.web.context import WebContextDep

router = create_api_router("mail", require_role)


class DeliveryFilter(ApiRequest):
    """Filter and page of the list of deliveries."""

    kind: DeliveryKind | None = None
    state: DeliveryState | None = None
    subscriber: str = Field("", max_length=400, description="id or address of one subscriber")
    finished_since: AwareDatetime | None = Field(
        None, description="only messages that reached a final state since then"
    )
    limit: Limit = 50
    cursor: CursorText = ""


class EditionFilter(ApiRequest):
    """Filter and page of the list of editions."""

    subscriber: str = Field("", max_length=400, description="id or address of one subscriber")
    limit: Limit = 50
    cursor: CursorText = ""


class DeliveryItem(DeliverySummary):
    """A message, and the subscriber it is for."""

    id: str
    subscriber: str | None = Field(description="public id; null for alerts, and after erasure")

    @classmethod
    def of_subscriber(cls, delivery: Delivery, reader: Subscriber | None) -> Self:
        """Build the response of a delivery."""
        summary = DeliverySummary.model_validate(delivery).model_dump()
        return cls(id=delivery.public_id, subscriber=reader.public_id if reader else None, **summary)


class DeliveryPage(BaseModel):
    """Some of the deliveries that match, newest first."""

    deliveries: list[DeliveryItem]
    next_cursor: str | None


class DeliveryEventResponse(ApiResponse):
    """What was reported about a message."""

    at: datetime
    type: BounceKind
    code: str
    reason: str
    reply: str = Field(description="what the server said, without names")


class DeliveryDetails(DeliveryItem):
    """A message, and every bounce of or complaint about it."""

    events: list[DeliveryEventResponse] = Field(default_factory=list)


class EditionItem(BaseModel):
    """The digest of one subscriber on one day."""

    id: str
    subscriber: str | None = Field(description="public id; null after erasure")
    day: date | None = Field(description="in the subscriber's time zone")
    state: DeliveryState
    accepted_at: datetime | None
    papers: list[str] = Field(
        description="ids, in the order of the email; empty once its content was deleted"
    )


class EditionPage(BaseModel):
    """Some of the editions that match, newest first."""

    editions: list[EditionItem]
    next_cursor: str | None


class PickResponse(BaseModel):
    """A paper of an edition, and why it is there."""

    paper: str
    title: str
    url: str
    section: Section
    because: ReasonKind
    reason: str = Field(description="in English, as in the email")
    heat: float = Field(description="doublings above a usual paper")
    affinity: float
    score: float

    @classmethod
    def of(cls, pick: Pick, day: date) -> Self:
        """Build the response of a pick."""
        return cls(
            paper=pick.paper.id,
            title=pick.paper.title,
            url=pick.paper.url,
            section=pick.section,
            because=pick.reason.because,
            reason=describe_reason(get_locale("en"), pick, day) or "",
            heat=round(pick.heat.value, 3),
            affinity=round(pick.affinity, 4),
            score=round(pick.score, 4),
        )


class EditionDetails(BaseModel):
    """An edition with its papers; `id` and `state` are null for one that was only previewed."""

    id: str | None
    subscriber: str
    day: date
    state: DeliveryState | None
    picks: list[PickResponse]


@router.get("/deliveries")
def list_messages(ctx: WebContextDep, filters: Annotated[DeliveryFilter, Query()]) -> DeliveryPage:
    """List messages of every kind with their states, newest first."""
    with ctx.services.store.begin(write=False) as tx:
        conditions = filters.model_dump(include={"kind", "state", "finished_since"})
        found, readers = _search(tx, filters, **conditions)
    items = [DeliveryItem.of_subscriber(each, readers.get(each.subscriber_id or 0)) for each in found]
    return DeliveryPage(deliveries=items, next_cursor=encode_next(found, filters.limit))


@router.get("/deliveries/{id}")
def show_message(ctx: WebContextDep, id: str) -> DeliveryDetails:  # noqa: A002  the name in the path
    """Return one message, with every bounce and complaint."""
    with ctx.services.store.begin(write=False) as tx:
        delivery = require(tx.deliveries.find_by_public_id(id), "There is no such delivery.")
        reader = _get_readers(tx, [delivery]).get(delivery.subscriber_id or 0)
        events = list_events(tx.connection, [delivery.id])
    details = DeliveryDetails.of_subscriber(delivery, reader)
    details.events = [DeliveryEventResponse.model_validate(event) for event in events]
    return details


@router.get("/editions")
def list_editions(ctx: WebContextDep, filters: Annotated[EditionFilter, Query()]) -> EditionPage:
    """List what subscribers were sent, newest first."""
    with ctx.services.store.begin(write=False) as tx:
        found, readers = _search(tx, filters, kind=DeliveryKind.DIGEST)
    items = [
        EditionItem(
            id=each.public_id,
            subscriber=readers[each.subscriber_id].public_id if each.subscriber_id in readers else None,
            day=each.day,
            state=each.state,
            accepted_at=each.accepted_at,
            papers=get_paper_ids(each.payload),
        )
        for each in found
    ]
    return EditionPage(editions=items, next_cursor=encode_next(found, filters.limit))


@router.get("/editions/{id}")
def show_edition(ctx: WebContextDep, id: str) -> EditionDetails:  # noqa: A002  the name in the path
    """Return one edition as it was sent, with the reason for each of its papers."""
    with ctx.services.store.begin(write=False) as tx:
        delivery = tx.deliveries.find_by_public_id(id)
        reader = _get_readers(tx, [delivery]).get(delivery.subscriber_id or 0) if delivery else None
        if delivery is None or reader is None or delivery.day is None or not delivery.payload:
            raise NotFound("There is no such edition.")
        edition = load_edition(tx, delivery, reader)
    return _to_details(edition, delivery)


@router.get("/subscribers/{who}/preview")
def preview_edition(ctx: WebContextDep, who: str) -> EditionDetails:
    """Return what today's digest holds for a subscriber, as if it had not been sent yet; sends nothing."""
    reader = ctx.services.find_subscriber(who)
    return _to_details(ctx.previews.edition(reader, ctx.clock()))


def _to_details(edition: Edition, delivery: Delivery | None = None) -> EditionDetails:
    return EditionDetails(
        id=delivery.public_id if delivery else None,
        subscriber=edition.subscriber.public_id,
        day=edition.day,
        state=delivery.state if delivery else None,
        picks=[PickResponse.of(pick, edition.day) for pick in edition.picks],
    )


def _search(
    tx: Transaction, filters: DeliveryFilter | EditionFilter, **conditions: Any
) -> tuple[Sequence[Delivery], dict[int, Subscriber]]:
    """Return a page of deliveries, and whose they are."""
    reader = subscriptions.get_subscriber(tx, filters.subscriber) if filters.subscriber else None
    criteria = DeliveryCriteria(**conditions, subscriber_id=reader.id if reader else None)
    before = decode_before(filters.cursor)
    found = list_deliveries(tx.connection, criteria, limit=filters.limit, before=before)
    return found, _get_readers(tx, found)


def _get_readers(tx: Transaction, deliveries: Sequence[Delivery]) -> dict[int, Subscriber]:
    return tx.subscribers.get_by_ids({each.subscriber_id for each in deliveries if each.subscriber_id})
