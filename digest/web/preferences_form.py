"""The preferences form: parsing it, reading the libraries named in it, and rendering its page.

A slow library costs its own reader some seconds and holds no thread. The URLs of the libraries are fixed; a
key is used for this one request and appears in no page, log or database.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Self

from anyio import to_thread
from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from digest import subscribers
from digest.mail.locale import get_locale
from digest.mail.tokens import Purpose
from digest.models import Facet, Frequency, Mix, Profile, Section, Status, Subscriber, Threshold
from digest.models.errors import InvalidChange, NotFound
from digest.models.schedule import get_local_day
from digest.sources.libraries.clients import LibraryAccounts
from digest.sources.libraries.request import LibraryPapers, extract_accounts
from digest.subscribers.validation import MAX_ITEMS
from digest.web.context import WebContext, WebContextDep, feed_path
from digest.web.middleware import MAX_PREFERENCES_BYTES
from digest.web.previews import SECTION_TITLES, build_sections

MAX_FACETS = 8
MAX_NAME_LENGTH = 100  # of a facet and of each of its keywords
CHECKBOXES = ("empty_day_note", "clicks_may_teach")
LIBRARY_FIELDS = ("zotero", "orcid", "author")  # read once when the form is saved
MAX_LIBRARY_LENGTH = 200
SPECIAL_FIELDS = {"facets", "pasted", *LIBRARY_FIELDS, *CHECKBOXES}  # not plain text fields of a subscriber

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
STATUS_TEXTS = {
    Status.CONFIRMED: "You are subscribed.",
    Status.PAUSED: "Your subscription is paused.",
    Status.UNCONFIRMED: "You have not confirmed yet: open the link in our mail.",
    Status.UNSUBSCRIBED: "You are unsubscribed; nothing is sent.",
}
NOTHING_IMPORTED = LibraryPapers()
SAVE_ACTIONS = {"", "save"}  # values of the pressed button


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesForm:
    """The form as it is shown and submitted: plain text wherever it can be invalid."""

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
    def from_subscriber(cls, subscriber: Subscriber) -> Self:
        """Return the form with the saved settings of a subscriber."""
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
    def parse(cls, data: FormData) -> Self:
        """Return the form as it was submitted; a missing field counts as empty."""
        plain: dict[str, Any] = {
            name: str(data.get(name, "")) for name in cls.__dataclass_fields__ if name not in SPECIAL_FIELDS
        }
        plain |= {name: name in data for name in CHECKBOXES}
        plain |= {name: str(data.get(name, "")).strip()[:MAX_LIBRARY_LENGTH] for name in LIBRARY_FIELDS}
        names, keywords = data.getlist("facet_name"), data.getlist("facet_keywords")
        facets = tuple((str(n).strip(), str(k)) for n, k in zip(names, keywords, strict=False) if n)
        return cls(
            **plain,
            pasted=str(data.get("pasted", "")),
            facets=facets[:MAX_FACETS],
        )

    @property
    def libraries(self) -> dict[str, str]:
        """The library fields that are filled in."""
        return {name: value for name in LIBRARY_FIELDS if (value := getattr(self, name))}

    def keep_failed_libraries(self, saved: Self, failed: Collection[str]) -> Self:
        """Return the *saved* form with those library fields still filled in that could not be read."""
        kept: dict[str, Any] = {name: value for name, value in self.libraries.items() if name in failed}
        return replace(saved, **kept)

    def to_changes(self, subscriber: Subscriber) -> dict[str, object]:
        """Return the changes for `subscribers.change_settings`. Facets keep what they learnt, by name."""
        existing = {facet.name: facet for facet in subscriber.profile.facets}
        facets = [_build_facet(name, keywords, existing.get(name)) for name, keywords in self.facets if name]
        plain: dict[str, Any] = {
            name: value for name, value in asdict(self).items() if name not in SPECIAL_FIELDS
        }
        plain["categories"] = self.categories.replace(" ", ",")
        checked = {name: getattr(self, name) for name in CHECKBOXES}
        return {**plain, **checked, "facets": tuple(facets)}


def _build_facet(name: str, keywords: str, existing: Facet | None) -> Facet:
    words = tuple(word.strip()[:MAX_NAME_LENGTH] for word in keywords.split(",") if word.strip())[:MAX_ITEMS]
    learnt = existing or Facet("")
    return Facet(name[:MAX_NAME_LENGTH], words, learnt.text, learnt.liked)


async def _parse_body(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=100, max_part_size=MAX_PREFERENCES_BYTES) as form:
        yield form


FormBody = Annotated[FormData, Depends(_parse_body)]


@dataclass(frozen=True, slots=True)
class PreferencesPage:
    """The preferences page of one reader, opened by a signed token."""

    ctx: WebContext
    token: str
    reader: Subscriber
    library_papers: LibraryPapers = NOTHING_IMPORTED

    def with_reader(self, reader: Subscriber) -> "PreferencesPage":
        """Return the same page for the changed reader."""
        return replace(self, reader=reader)

    def render(
        self,
        form: PreferencesForm | None = None,
        *,
        done: str = "",
        problems: Sequence[str] = (),
        status: int = 200,
        unsaved: bool = False,
    ) -> Response:
        """Return the page with *form*, or with the saved settings, beside a preview of today's digest."""
        ctx, reader = self.ctx, self.reader
        preview = build_sections(ctx.services.links, ctx.previews.edition(reader, ctx.clock()))
        return ctx.pages.render(
            "preferences",
            status=status,
            subscriber=reader,
            status_text=format_status(reader, ctx.clock()),
            is_paused=reader.status is Status.PAUSED or is_paused_until_later(reader, ctx.clock()),
            form=form or PreferencesForm.from_subscriber(reader),
            action=f"/p/{self.token}",
            unsubscribe=ctx.services.links.unsubscribe_url(reader.public_id),
            feeds={kind: feed_path(ctx, reader, kind) for kind in ("atom", "json")},
            languages=LANGUAGES,
            zones=ZONES,
            preview=preview,
            none_near=reader.profile != Profile() and SECTION_TITLES[Section.PICKED] not in dict(preview),
            done=done,
            problems=problems,
            unsaved=unsaved,
        )


def format_status(reader: Subscriber, now: datetime) -> str:
    """Return the status of a reader as a sentence; during a pause, when it ends."""
    until = reader.schedule.paused_until
    if until is not None and is_paused_until_later(reader, now):
        return f"No mail before {get_locale('en').format_day(until)}; then it comes again."
    return STATUS_TEXTS[reader.status]


def is_paused_until_later(reader: Subscriber, now: datetime) -> bool:
    """Return True if a confirmed reader has paused until a day that has not come yet."""
    until = reader.schedule.paused_until
    return (
        reader.status is Status.CONFIRMED
        and until is not None
        and get_local_day(reader.schedule, now) < until
    )


def get_reader(ctx: WebContext, token: str) -> Subscriber:
    """Return the reader whom the link belongs to. Raises NotFound if they were erased."""
    claim = ctx.services.links.keys.verify(Purpose.PREFERENCES, token, now=ctx.clock())
    with ctx.services.store.begin(write=False) as tx:
        try:
            return tx.subscribers.get_by_public_id(claim.public_id)
        except NotFound as error:
            raise NotFound("Nothing is stored about you any more.") from error


async def import_libraries(token: str, ctx: WebContextDep, data: FormBody) -> LibraryPapers:
    """Return the papers of the libraries in the form; none unless a valid form that names some is saved."""
    form = PreferencesForm.parse(data)
    accounts = _get_accounts(form, data)
    if str(data.get("do", "")) not in SAVE_ACTIONS or not accounts.by_library():
        return NOTHING_IMPORTED
    reader = await to_thread.run_sync(get_reader, ctx, token)
    try:
        subscribers.preview_settings(reader, form.to_changes(reader))
    except InvalidChange:
        return NOTHING_IMPORTED  # nothing will be saved, and the page says why
    return await ctx.library_importer.fetch(reader.public_id, accounts, ctx.clock())


def _get_accounts(form: PreferencesForm, data: FormData) -> LibraryAccounts:
    """Return the accounts in the library fields, and those whose links were pasted among the papers."""
    pasted, _ = extract_accounts(form.pasted)
    return replace(
        pasted,
        zotero=form.zotero,
        zotero_key=str(data.get("zotero_key", "")).strip(),
        orcid=form.orcid or pasted.orcid,
        author=form.author or pasted.author,
    )


ImportedPapers = Annotated[LibraryPapers, Depends(import_libraries)]
