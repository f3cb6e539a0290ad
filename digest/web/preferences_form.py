"""Who is at their preferences? The reader a signed link stands for, the form they sent, and their page."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from digest.mail.locale import get_locale
from digest.mail.tokens import Purpose
from digest.models import Facet, Frequency, Mix, Profile, Section, Status, Subscriber, Threshold
from digest.models.errors import NotFound
from digest.models.schedule import local_day
from digest.sources.libraries.request import Lent
from digest.subscribers.validation import MOST_ITEMS
from digest.web.context import WebContext, feed_path
from digest.web.middleware import MOST_PASTED
from digest.web.previews import TITLES, sections

MOST_FACETS = 8
LONGEST_NAME = 100
TICKED = ("empty_day_note", "clicks_may_teach")
LIBRARIES = ("zotero", "orcid", "author")  # read once; a key is in no form that is shown
LONGEST_LIBRARY = 200
APART = {"facets", "pasted", *LIBRARIES, *TICKED}  # what is not a plain text field of the subscriber's own


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesForm:
    """The form as it is shown and typed: text, as far as it can be wrong."""

    keywords: str = ""
    text: str = ""
    authors: str = ""
    categories: str = ""
    muted: str = ""
    facets: tuple[tuple[str, str], ...] = ()  # a name and its keywords
    pasted: str = ""
    zotero: str = ""
    orcid: str = ""
    author: str = ""
    mix: str = Mix.BALANCED
    trending: str = "3"
    picked: str = "6"
    threshold: str = Threshold.USUAL
    also_new: str = "10"
    frequency: str = Frequency.DAILY
    weekday: str = "0"
    send_at: str = "07:00"
    timezone: str = "UTC"
    paused_until: str = ""
    language: str = "en"
    empty_day_note: bool = False
    clicks_may_teach: bool = False

    @classmethod
    def of(cls, subscriber: Subscriber) -> Self:
        """The form as this reader last left it."""
        profile, schedule, wants = subscriber.profile, subscriber.schedule, subscriber.preferences
        return cls(
            keywords=", ".join(profile.keywords),
            text=profile.text,
            authors=", ".join(profile.authors),
            categories=", ".join(profile.categories),
            muted=", ".join(profile.muted),
            facets=tuple((facet.name, ", ".join(facet.keywords)) for facet in profile.facets),
            mix=wants.mix,
            trending=str(wants.trending),
            picked=str(wants.picked),
            threshold=wants.threshold,
            also_new=str(wants.also_new),
            frequency=schedule.frequency,
            weekday=str(schedule.weekday),
            send_at=schedule.send_at.strftime("%H:%M"),
            timezone=schedule.timezone,
            paused_until=schedule.paused_until.isoformat() if schedule.paused_until else "",
            language=wants.language,
            empty_day_note=wants.empty_day_note,
            clicks_may_teach=wants.clicks_may_teach,
        )

    @classmethod
    def typed(cls, form: FormData) -> Self:
        """The form as it came in; a field that did not come counts as emptied."""
        plain: dict[str, Any] = {
            name: str(form.get(name, "")) for name in cls.__dataclass_fields__ if name not in APART
        }
        plain |= {name: name in form for name in TICKED}
        plain |= {name: str(form.get(name, "")).strip()[:LONGEST_LIBRARY] for name in LIBRARIES}
        names, keywords = form.getlist("facet_name"), form.getlist("facet_keywords")
        facets = tuple((str(n).strip(), str(k)) for n, k in zip(names, keywords, strict=False) if n)
        return cls(
            **plain,
            pasted=str(form.get("pasted", "")),
            facets=facets[:MOST_FACETS],
        )

    @property
    def libraries(self) -> dict[str, str]:
        """The libraries that are named."""
        return {name: given for name in LIBRARIES if (given := getattr(self, name))}

    def left(self, saved: Self, failed: Collection[str]) -> Self:
        """The form as it is shown after saving: libraries that could not be read stay in their fields."""
        still: dict[str, Any] = {name: given for name, given in self.libraries.items() if name in failed}
        return replace(saved, **still)

    def named(self, subscriber: Subscriber) -> dict[str, object]:
        """The wishes as `digest.changes` takes them; what a facet learnt from papers stays with its name."""
        before = {facet.name: facet for facet in subscriber.profile.facets}
        facets = [_facet(name, keywords, before.get(name)) for name, keywords in self.facets if name]
        plain: dict[str, Any] = {name: value for name, value in asdict(self).items() if name not in APART}
        plain["categories"] = self.categories.replace(" ", ",")
        ticked = {name: getattr(self, name) for name in TICKED}
        return {**plain, **ticked, "facets": tuple(facets)}


def _facet(name: str, keywords: str, before: Facet | None) -> Facet:
    words = tuple(word.strip()[:LONGEST_NAME] for word in keywords.split(",") if word.strip())[:MOST_ITEMS]
    kept = before or Facet("")
    return Facet(name[:LONGEST_NAME], words, kept.text, kept.liked)


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
class PreferencesPage:
    """Someone at their preferences."""

    ctx: WebContext
    token: str
    reader: Subscriber
    lent: Lent = NOTHING_LENT

    def of(self, reader: Subscriber) -> "PreferencesPage":
        """The same visit, with the reader as they are now."""
        return replace(self, reader=reader)

    def page(
        self,
        wishes: PreferencesForm | None = None,
        *,
        done: str = "",
        problems: Sequence[str] = (),
        status: int = 200,
        unsaved: bool = False,
    ) -> Response:
        """The whole page: what can be chosen, beside today's digest."""
        ctx, reader = self.ctx, self.reader
        preview = sections(ctx.services.links, ctx.mornings.edition(reader, ctx.clock()))
        return ctx.pages.page(
            "preferences",
            status=status,
            subscriber=reader,
            standing=standing(reader, ctx.clock()),
            rests=reader.status is Status.PAUSED or rests(reader, ctx.clock()),
            wishes=wishes or PreferencesForm.of(reader),
            action=f"/p/{self.token}",
            unsubscribe=ctx.services.links.unsubscribe(reader.pid),
            feeds={kind: feed_path(ctx, reader, kind) for kind in ("atom", "json")},
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
        return f"No mail before {get_locale('en').day(until)}; then it comes again."
    return STANDING[reader.status]


def rests(reader: Subscriber, now: datetime) -> bool:
    """Whether a confirmed reader's pause is not over yet."""
    until = reader.schedule.paused_until
    return reader.status is Status.CONFIRMED and until is not None and local_day(reader.schedule, now) < until


def reader_of(ctx: WebContext, token: str) -> Subscriber:
    """Whoever the link was made for; NotFound when they were erased."""
    claim = ctx.services.links.keys.verify(Purpose.PREFERENCES, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return tx.subscribers.by_pid(claim.pid)
        except NotFound as error:
            raise NotFound("Nothing is stored about you any more.") from error
