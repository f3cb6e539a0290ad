"""Request and response models of the API, with the field names of the commands and the import file.

Their names and docstrings appear in openapi.json.
"""

from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from digest.models import (
    DeliveryKind,
    DeliveryState,
    Frequency,
    Mix,
    Preferences,
    Profile,
    Status,
    SuppressionReason,
    Threshold,
)
from digest.subscribers.importing import ImportResult

PREFIX = "/api/v1"
PROBLEM_TYPE = "application/problem+json"
TextOrList = list[str] | str


class ApiRequest(BaseModel):
    """What a call is given; a field that is unknown is refused."""

    model_config = ConfigDict(extra="forbid")


class ApiResponse(BaseModel):
    """What a call returns; `model_validate` builds it from an object with the same attributes."""

    model_config = ConfigDict(from_attributes=True)


def _format_time(value: time) -> str:
    return f"{value:%H:%M}"


def _of_schedule(name: str) -> Any:
    return Field(validation_alias=AliasPath("schedule", name))


class SubscriberChanges(ApiRequest):
    """What may be changed; what is left out stays as it is. Lists may also be text with commas."""

    keywords: TextOrList | None = Field(None, description="topics, in the reader's own words")
    muted: TextOrList | None = Field(None, description="what they never want to see")
    authors: TextOrList | None = Field(None, description="whose papers they follow")
    affiliations: TextOrList | None = Field(None, description="universities and companies they follow")
    categories: TextOrList | None = Field(None, description="arXiv categories, such as `cs.CL`")
    text: str | None = Field(None, max_length=5000, description="a paragraph about their work")
    timezone: str | None = Field(
        None, examples=["Europe/Berlin"], description="name in the tz database, such as `Europe/Berlin`"
    )
    send_at: str | None = Field(None, examples=["07:00"], description="local time, such as `07:00`")
    frequency: Frequency | None = Field(None, description="on which days a digest is sent")
    weekday: int | None = Field(None, ge=0, le=6, description="for weekly digests, 0 is Monday")
    mix: Mix | None = Field(None, description="what everybody reads, or the reader's own topics")
    trending: int | None = Field(None, ge=0, le=20, description="maximum number of papers in this section")
    picked: int | None = Field(None, ge=0, le=40, description="maximum number of papers in this section")
    threshold: Threshold | None = Field(None, description="how well a picked paper must match")
    also_new: int | None = Field(None, ge=0, le=60, description="maximum number of lines in this section")
    empty_day_note: bool | None = Field(None, description="a short email on a day without papers")
    news: bool | None = Field(None, description="what happened to papers they were sent or saved")
    language: str | None = Field(None, max_length=20, examples=["en"], description="of the emails")

    def to_changes(self) -> dict[str, Any]:
        """Return the fields that were sent, as `subscribers.change` takes them."""
        fields = self.model_dump(exclude_none=True)
        return {name: fields[name] for name in SubscriberChanges.model_fields if name in fields}


class NewSubscriber(SubscriberChanges):
    """A subscriber to add."""

    email: str = Field(max_length=400, examples=["ada@example.com"])
    confirmed: bool = Field(default=False, description="true asserts prior consent: no confirmation is sent")


class SubscriberResponse(ApiResponse):
    """A subscriber."""

    id: str = Field(validation_alias="public_id", description="public id; never reveals the address")
    email: str = Field(validation_alias="address")
    status: Status
    profile: Profile
    frequency: Frequency = _of_schedule("frequency")
    timezone: str = _of_schedule("timezone")
    send_at: Annotated[str, BeforeValidator(_format_time)] = _of_schedule("send_at")
    weekday: int = _of_schedule("weekday")
    paused_until: date | None = _of_schedule("paused_until")
    preferences: Preferences
    created_at: datetime | None
    confirmed_at: datetime | None
    next_due: datetime | None


class SuppressionResponse(ApiResponse):
    """Why an address is never mailed."""

    reason: SuppressionReason
    at: datetime
    source: str = Field(description="who or what caused it")
    evidence: str = Field(description="what servers or reports said, without names")


class SubscriberDetails(SubscriberResponse):
    """A subscriber with tags, and why the address is suppressed, if it is."""

    tags: list[str] = Field(default_factory=list)
    suppression: SuppressionResponse | None = None


class PageResponse(BaseModel):
    """Some of the subscribers that match, and how many match in all."""

    total: int
    subscribers: list[SubscriberResponse]
    next_cursor: str | None = Field(description="where the next page begins; null on the last one")


class DeliverySummary(ApiResponse):
    """A mail to a subscriber and its state."""

    kind: DeliveryKind
    day: date | None
    slot: datetime
    state: DeliveryState
    attempt: int
    last_reply: str
    accepted_at: datetime | None


class PauseRequest(ApiRequest):
    """The day on which sending resumes; without a day, until resumed."""

    until: date | None = None


class AddressRequest(ApiRequest):
    """An address, subscribed or not."""

    email: str = Field(max_length=400)


class ChangeResult(BaseModel):
    """Whether the call made a difference."""

    changed: bool


class ImportSummary(BaseModel):
    """Result of an import: the number of rows by outcome, and the rows with a remark."""

    counts: dict[str, int]
    noted: list[ImportResult]
    unused_columns: list[str]  # whose cells were left alone


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["body.send_at"])
    message: str


class ProblemResponse(BaseModel):
    """What is wrong with a request (RFC 9457, application/problem+json)."""

    type: str = Field("about:blank", description="the status says it all")
    title: str = Field(description="the name of the status", examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(description="a sentence: what is wrong, then what to do")
    errors: list[FieldProblem] | None = Field(None, description="with 422: every field that is wrong")
    error: str = Field(
        description="the same as `detail`, under its name in earlier versions", deprecated=True
    )


def _describe(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemResponse"}
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": schema}}}


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    400: _describe("the body is not UTF-8"),
    401: _describe("no token, or none of ours"),
    403: _describe("the token may only read"),
    404: _describe("there is no such thing, or the API is off"),
    409: _describe("the state of things does not allow it now; nothing was changed"),
    413: _describe("the body is too large"),
    422: _describe("the request is invalid; nothing was changed"),
    429: _describe("too many wrong tokens"),
    503: _describe("the database is busy; try again"),
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "as you know it: the ETag is the same"}}
PRECONDITION_FAILED: dict[int | str, dict[str, Any]] = {
    412: _describe("it was changed since you read it; nothing was changed now")
}
