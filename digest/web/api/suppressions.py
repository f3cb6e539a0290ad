"""The calls on suppressions (addresses that are never mailed) and on tags."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from starlette.responses import Response

from digest import subscribers as subscriptions
from digest.db.subscribers.suppressions import SuppressionCriteria
from digest.models import SuppressionReason
from digest.models.addresses import hash_address
from digest.models.errors import InvalidChange, NotFound
from digest.subscribers.suppression_list import lift_by_key
from digest.web.api.auth import ApiActor, ApiReader
from digest.web.api.cursors import CursorKind, CursorText, Limit, decode_cursor, encode_cursor
from digest.web.api.routing import create_api_router
from digest.web.api.schemas import AddressRequest, ApiRequest, ChangeResult, SuppressionResponse
from digest.web.context import WebContextDep

router = create_api_router("suppressions")


class SuppressionFilter(ApiRequest):
    """Filter and page of the list of suppressions."""

    reason: SuppressionReason | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = Field(None, description="not included")
    limit: Limit = 50
    cursor: CursorText = ""


class SuppressionItem(SuppressionResponse):
    """A suppressed address, known only by a keyed hash of it."""

    key: str


class SuppressionPage(BaseModel):
    """Some of the suppressions that match, newest first, and how many match in all."""

    total: int
    suppressions: list[SuppressionItem]
    next_cursor: str | None


class LookUpResult(BaseModel):
    """Whether an address is suppressed, and why."""

    suppression: SuppressionItem | None


@router.get("/suppressions")
def suppressions(
    _: ApiActor, ctx: WebContextDep, filters: Annotated[SuppressionFilter, Query()]
) -> SuppressionPage:
    """List suppressions, newest first. Addresses are not stored; `/suppressions/lookup` looks one up."""
    offset = decode_cursor(CursorKind.OFFSET, filters.cursor)
    criteria = SuppressionCriteria(reason=filters.reason, since=filters.since, until=filters.until)
    with ctx.services.store.begin(write=False) as tx:
        found = tx.suppressions.list_latest(criteria, limit=filters.limit, offset=offset)
        total = tx.suppressions.count(criteria)
    end = offset + len(found)
    return SuppressionPage(
        total=total,
        suppressions=[SuppressionItem.model_validate(each) for each in found],
        next_cursor=encode_cursor(CursorKind.OFFSET, end) if found and end < total else None,
    )


@router.post("/suppressions")
def suppress(actor: ApiActor, ctx: WebContextDep, address: AddressRequest) -> ChangeResult:
    """Never write to this address again, subscribed or not."""
    with ctx.services.store.begin() as tx:
        return ChangeResult(changed=subscriptions.suppress(tx, address.email, actor=actor))


@router.post("/suppressions/lift")
def unsuppress(actor: ApiActor, ctx: WebContextDep, address: AddressRequest) -> ChangeResult:
    """Allow writing to an address again; a subscription ended by a bounce or an administrator goes on."""
    with ctx.services.store.begin() as tx:
        return ChangeResult(changed=subscriptions.unsuppress(tx, address.email, actor=actor))


@router.post("/suppressions/lookup")
def look_up_suppression(_: ApiReader, ctx: WebContextDep, address: AddressRequest) -> LookUpResult:
    """Return whether an address is suppressed. A POST, so that the address is not in logs of URLs."""
    key = hash_address(ctx.services.suppression_key, address.email)
    with ctx.services.store.begin(write=False) as tx:
        found = tx.suppressions.find(key)
    return LookUpResult(suppression=SuppressionItem.model_validate(found) if found else None)


@router.delete("/suppressions/{key}", status_code=204)
def lift_suppression(actor: ApiActor, ctx: WebContextDep, key: str) -> Response:
    """Lift a suppression of the list by its key; the address is not stored. The effect is the same."""
    with ctx.services.store.begin() as tx:
        if not lift_by_key(tx, key, actor=actor):
            raise NotFound("There is no such suppression.")
    return Response(status_code=204)


# ---- tags

TagName = Annotated[str, Path(min_length=1, max_length=100, examples=["beta"])]


class TagCount(BaseModel):
    """A tag, and how many subscribers have it."""

    name: str
    subscribers: int


class TagList(BaseModel):
    """All tags, in alphabetical order."""

    tags: list[TagCount]


@router.get("/tags", tags=["tags"])
def tags(_: ApiActor, ctx: WebContextDep) -> TagList:
    """List all tags."""
    with ctx.services.store.begin(write=False) as tx:
        return TagList(tags=[TagCount(name=name, subscribers=n) for name, n in tx.tags.count().items()])


@router.put("/subscribers/{who}/tags/{tag}", status_code=204, tags=["tags"])
def add_tag(actor: ApiActor, ctx: WebContextDep, who: str, tag: TagName) -> Response:
    """Add a tag to a subscriber; if they already have it, nothing changes."""
    name = " ".join(tag.split())
    if not name or "," in name or not name.isprintable():
        raise InvalidChange("A tag is a short text without commas.")
    with ctx.services.store.begin() as tx:
        reader = subscriptions.get_subscriber(tx, who)
        if tx.tags.add([reader.id], name):
            actor.write_audit(tx, "tag", reader.public_id, {"tag": name})
    return Response(status_code=204)


@router.delete("/subscribers/{who}/tags/{tag}", status_code=204, tags=["tags"])
def remove_tag(actor: ApiActor, ctx: WebContextDep, who: str, tag: TagName) -> Response:
    """Remove a tag from a subscriber; 404 if they do not have it."""
    with ctx.services.store.begin() as tx:
        reader = subscriptions.get_subscriber(tx, who)
        if not tx.tags.remove([reader.id], tag):
            raise NotFound("This subscriber does not have this tag.")
        actor.write_audit(tx, "untag", reader.public_id, {"tag": tag})
    return Response(status_code=204)
