"""Who is at their preferences? The reader a signed link stands for, the form they sent, and their page."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from digest.mail.links import Purpose
from digest.mail.locale import tongue
from digest.models import Profile, Section, Status, Subscriber
from digest.models.errors import NotFound
from digest.models.schedule import local_day
from digest.sources.libraries.request import Lent
from digest.web.context import Lobby
from digest.web.middleware import MOST_PASTED
from digest.web.previews import TITLES, sections
from digest.web.routes.private_feed import feed_path
from digest.web.wishes import Wishes

LANGUAGES = (("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("zh", "中文"))
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Zurich",
    "Europe/Warsaw", "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "Africa/Cairo", "Africa/Lagos",
    "Africa/Nairobi", "Africa/Johannesburg", "Asia/Dubai", "Asia/Tehran", "Asia/Karachi", "Asia/Kolkata",
    "Asia/Dhaka", "Asia/Bangkok", "Asia/Singapore", "Asia/Shanghai", "Asia/Taipei", "Asia/Tokyo",
    "Asia/Seoul", "Australia/Perth", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo",
    "America/Buenos_Aires", "America/Halifax", "America/New_York", "America/Toronto", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Vancouver", "Pacific/Honolulu",
)  # fmt: skip
STANDING = {
    Status.CONFIRMED: "You are subscribed.",
    Status.PAUSED: "Your subscription is paused.",
    Status.UNCONFIRMED: "You have not confirmed yet: open the link in our mail.",
    Status.UNSUBSCRIBED: "You are unsubscribed; nothing is sent.",
}
NOTHING_LENT = Lent()


async def _typed(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=100, max_part_size=MOST_PASTED) as form:
        yield form


Form = Annotated[FormData, Depends(_typed)]


@dataclass(frozen=True, slots=True)
class Visit:
    """Someone at their preferences."""

    lobby: Lobby
    token: str
    reader: Subscriber
    lent: Lent = NOTHING_LENT

    def of(self, reader: Subscriber) -> "Visit":
        """The same visit, with the reader as they are now."""
        return replace(self, reader=reader)

    def page(
        self,
        wishes: Wishes | None = None,
        *,
        done: str = "",
        problems: Sequence[str] = (),
        status: int = 200,
        unsaved: bool = False,
    ) -> Response:
        """The whole page: what can be chosen, beside today's digest."""
        lobby, reader = self.lobby, self.reader
        preview = sections(lobby.house.links, lobby.mornings.edition(reader, lobby.clock()))
        return lobby.pages.page(
            "preferences",
            status=status,
            subscriber=reader,
            standing=standing(reader, lobby.clock()),
            rests=reader.status is Status.PAUSED or rests(reader, lobby.clock()),
            wishes=wishes or Wishes.of(reader),
            action=f"/p/{self.token}",
            unsubscribe=lobby.house.links.unsubscribe(reader.pid),
            feeds={kind: feed_path(lobby, reader, kind) for kind in ("atom", "json")},
            languages=LANGUAGES,
            zones=ZONES,
            preview=preview,
            none_near=reader.profile != Profile() and TITLES[Section.PICKED] not in dict(preview),
            done=done,
            problems=problems,
            unsaved=unsaved,
        )


def standing(reader: Subscriber, now: datetime) -> str:
    """Where a reader stands, in a sentence; of a pause, when it ends."""
    until = reader.schedule.paused_until
    if until is not None and rests(reader, now):
        return f"No mail before {tongue('en').day(until)}; then it comes again."
    return STANDING[reader.status]


def rests(reader: Subscriber, now: datetime) -> bool:
    """Whether a confirmed reader's pause is not over yet."""
    until = reader.schedule.paused_until
    return reader.status is Status.CONFIRMED and until is not None and local_day(reader.schedule, now) < until


def reader_of(lobby: Lobby, token: str) -> Subscriber:
    """Whoever the link was made for; NotFound when they were erased."""
    claim = lobby.house.links.keys.verify(Purpose.PREFERENCES, token, now=lobby.clock())
    with lobby.house.store.begin(write=False) as tx:
        try:
            return tx.subscribers.by_pid(claim.pid)
        except NotFound as error:
            raise NotFound("Nothing is stored about you any more.") from error
