"""The filter of the list of subscribers, as it is written in URLs, forms and saved filters."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, Field

from digest.db.subscribers.search import SubscriberCriteria
from digest.models import BounceKind, Frequency, Status
from digest.models.errors import InvalidChange

HOME = "/admin/subscribers"
PAGE_SIZE = 50
MAX_PAGE = 100_000
UNREADABLE = "This filter cannot be read; please choose it again."
BOUNCE_WINDOW = timedelta(days=30)
LAST_DIGEST_DAYS = {"week": 7, "month": 30}


class SubscriberQuery(BaseModel):
    """Filter, order and page of the list.

    A value that does not exist is refused: what is done to those who match would be done to everybody.
    """

    q: str = Field("", max_length=200)
    keyword: str = Field("", max_length=200)
    status: Status | Literal[""] = ""
    frequency: Frequency | Literal[""] = ""
    language: str = ""
    bounce: BounceKind | Literal["", "any"] = ""
    last: Literal["", "never", "day", "week", "month"] = ""
    suppressed: Literal["", "yes"] = ""
    tag: str = Field("", max_length=100)
    sort: str = "-created_at"
    page: int = 1

    @classmethod
    def parse(cls, query: str) -> Self:
        """Return the filter in the query of a URL; InvalidChange for one that is not ours."""
        fields = dict(parse_qsl(query.replace("\x00", "")))
        try:
            parsed = cls.model_validate(fields)
        except ValueError as error:
            raise InvalidChange(UNREADABLE) from error
        if fields.keys() - cls.model_fields.keys():
            raise InvalidChange(UNREADABLE)
        return parsed

    @property
    def offset(self) -> int:
        """The number of subscribers before this page."""
        return PAGE_SIZE * (min(max(self.page, 1), MAX_PAGE) - 1)

    @property
    def conditions(self) -> Mapping[str, str]:
        """What is filtered by, by the names in the URL; without order and page."""
        names = SubscriberQuery.model_fields.keys() - {"sort", "page"}  # not those of a subclass
        fields: dict[str, Any] = self.model_dump(include=names)
        return {name: value for name, value in fields.items() if value}

    @property
    def query(self) -> str:
        """The conditions as the query of a URL."""
        return urlencode(self.conditions)

    @property
    def has_more(self) -> bool:
        """Whether one of the conditions is set that the form hides at first."""
        return bool(self.conditions.keys() - {"q", "keyword", "status", "tag"})

    def to_url(self, **changes: object) -> str:
        """Return the URL of the list with some changes."""
        fields = {**self.conditions, "sort": self.sort, "page": self.page} | changes
        shown = {name: value for name, value in fields.items() if value and value != DEFAULTS.get(name)}
        return f"{HOME}?{urlencode(shown)}" if shown else HOME

    def to_criteria(self, now: datetime, suppression_key: bytes) -> SubscriberCriteria:
        """Return what to search for at a moment; suppressed addresses are known by their keyed hash."""
        days = LAST_DIGEST_DAYS.get(self.last)
        return SubscriberCriteria(
            address=self.q,
            keyword=self.keyword,
            status=self.status or None,
            frequency=self.frequency or None,
            language=self.language.replace("\x00", ""),
            tag=self.tag.replace("\x00", ""),
            bounce=self.bounce if isinstance(self.bounce, BounceKind) else None,
            bounced_since=now - BOUNCE_WINDOW if self.bounce else None,
            suppressed_by=suppression_key if self.suppressed == "yes" else b"",
            never_planned=self.last == "never",
            planned_since=now - timedelta(days=1) if self.last == "day" else None,
            planned_before=now - timedelta(days=days) if days else None,
        )


DEFAULTS: Mapping[str, object] = {"sort": "-created_at", "page": 1}
