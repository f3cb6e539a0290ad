"""The preferences form: parsing it, reading the libraries named in it, and rendering its page.

A slow library costs its own reader some seconds and holds no thread. The URLs of the libraries are fixed; a
key is used for this one request and appears in no page, log or database.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Annotated, Any, Self

from anyio import to_thread
from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from digest import subscribers
from digest.mail.locale import gettext_noop
from digest.mail.tokens import Purpose
from digest.models import Facet, Frequency, Mix, Section, Status, Subscriber, Threshold
from digest.models.category_groups import split_category_names
from digest.models.errors import InvalidChange
from digest.models.schedule import is_paused
from digest.models.subscribers import NO_INTERESTS
from digest.models.text import split_list
from digest.sources.libraries.clients import LibraryAccounts
from digest.sources.libraries.request import LibraryPapers, extract_accounts
from digest.subscribers.validation import MAX_ITEMS, parse_list
from digest.web.category_picker import CATEGORIES_TO_TICK, group_categories
from digest.web.context import WebContext, WebContextDep, feed_path, open_link
from digest.web.languages import LANGUAGE_NAMES, get_page_locale, set_page_language
from digest.web.middleware import MAX_PREFERENCES_BYTES
from digest.web.previews import build_sections
from digest.web.signup_form import ZONES

MAX_FACETS = 8
MAX_NAME_LENGTH = 100  # of a facet
CHECKBOXES = ("empty_day_note", "clicks_may_teach", "news")
LIBRARY_FIELDS = ("zotero", "orcid", "author")  # read once when the form is saved
MAX_FIELDS = MAX_ITEMS + 100  # of the form: each ticked category is one
MAX_LIBRARY_LENGTH = 200
SPECIAL_FIELDS = {  # not plain text fields of a subscriber
    "facets", "pasted", "category_boxes", *LIBRARY_FIELDS, *CHECKBOXES,
}  # fmt: skip
LANGUAGES = tuple(LANGUAGE_NAMES.items())
MONDAY = date(2024, 1, 1)

STATUS_TEXTS = {
    Status.CONFIRMED: gettext_noop("You are subscribed."),
    Status.PAUSED: gettext_noop("Your subscription is paused."),
    Status.UNCONFIRMED: gettext_noop("You have not confirmed yet: open the link in our email."),
    Status.UNSUBSCRIBED: gettext_noop("You are unsubscribed; nothing is sent."),
}
NOTHING_IMPORTED = LibraryPapers()
SAVE_ACTIONS = {"", "save"}  # values of the pressed button


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencesForm:
    """The form as it is shown and submitted: plain text wherever it can be invalid."""

    keywords: str = ""
    text: str = ""
    authors: str = ""
    categories: str = ""  # those without a box
    category_boxes: tuple[str, ...] = ()  # those that are ticked
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
    news: bool = True

    @classmethod
    def from_subscriber(cls, subscriber: Subscriber) -> Self:
        """Return the form with the saved settings of a subscriber."""
        profile, schedule, wants = subscriber.profile, subscriber.schedule, subscriber.preferences
        return cls(
            keywords=", ".join(profile.keywords),
            text=profile.text,
            authors=", ".join(profile.authors),
            categories=", ".join(name for name in profile.categories if name not in CATEGORIES_TO_TICK),
            category_boxes=tuple(name for name in profile.categories if name in CATEGORIES_TO_TICK),
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
            news=wants.news,
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
            category_boxes=tuple(map(str, data.getlist("category"))),
            facets=facets[:MAX_FACETS],
        )

    def tick(self, names: Collection[str]) -> Self:
        """Return the form with those of its categories ticked that have a box of these names."""
        typed = split_category_names(self.categories)
        return replace(
            self,
            category_boxes=(*self.category_boxes, *(name for name in typed if name in names)),
            categories=", ".join(name for name in typed if name not in names),
        )

    @property
    def libraries(self) -> dict[str, str]:
        """The library fields that are filled in."""
        return {name: value for name in LIBRARY_FIELDS if (value := getattr(self, name))}

    def to_changes(self, subscriber: Subscriber) -> dict[str, object]:
        """Return the changes for `subscribers.change_settings`. Facets keep what they learnt, by name."""
        existing = {facet.name: facet for facet in subscriber.profile.facets}
        facets = [_build_facet(name, keywords, existing.get(name)) for name, keywords in self.facets if name]
        plain: dict[str, Any] = {
            name: value for name, value in asdict(self).items() if name not in SPECIAL_FIELDS
        }
        plain["categories"] = ",".join((*self.category_boxes, *split_category_names(self.categories)))
        checked = {name: getattr(self, name) for name in CHECKBOXES}
        return {**plain, **checked, "facets": tuple(facets)}


def _build_facet(name: str, keywords: str, existing: Facet | None) -> Facet:
    learnt = existing or Facet("")
    words = parse_list("keywords", split_list(keywords))
    return Facet(name[:MAX_NAME_LENGTH], words, learnt.text, learnt.liked)


async def _parse_body(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_PREFERENCES_BYTES) as form:
        yield form


FormBody = Annotated[FormData, Depends(_parse_body)]


@dataclass(frozen=True, slots=True)
class PreferencesPage:
    """The preferences page of one reader, opened by a signed token."""

    ctx: WebContext
    token: str
    reader: Subscriber
    library_papers: LibraryPapers = NOTHING_IMPORTED

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
        set_page_language(reader.preferences.language)
        others = ctx.trending_lists.list_other_categories(ctx.clock())
        form = (form or PreferencesForm.from_subscriber(reader)).tick({*chain(*others.values())})
        edition = ctx.previews.edition(reader, ctx.clock())
        is_without_picks = bool(edition.picks) and not edition.get_picks(Section.PICKED)
        return ctx.pages.render(
            "preferences",
            status=status,
            scripts=("authors.js",),
            subscriber=reader,
            status_text=format_status(reader, ctx.clock()),
            is_paused=reader.status is Status.PAUSED or is_paused_until_later(reader, ctx.clock()),
            form=form,
            category_groups=group_categories(others, form.category_boxes),
            action=f"/p/{self.token}",
            has_channels=ctx.services.has_channels,
            unsubscribe=ctx.services.links.unsubscribe_url(reader.public_id),
            feeds={kind: feed_path(ctx, reader, kind) for kind in ("atom", "json")},
            languages=LANGUAGES,
            weekdays=[get_page_locale().format_weekday(MONDAY + timedelta(days=day)) for day in range(7)],
            zones=ZONES,
            preview=build_sections(ctx.services.links, edition),
            none_near=is_without_picks and reader.profile != NO_INTERESTS,
            done=done,
            problems=problems,
            unsaved=unsaved,
        )


def format_status(reader: Subscriber, now: datetime) -> str:
    """Return the status of a reader as a sentence; during a pause, when it ends."""
    locale, until = get_page_locale(), reader.schedule.paused_until
    if until is not None and is_paused_until_later(reader, now):
        text = locale.gettext("No emails before %(day)s; they resume then.")
        return text % {"day": locale.format_day(until)}
    return locale.gettext(STATUS_TEXTS[reader.status])


def is_paused_until_later(reader: Subscriber, now: datetime) -> bool:
    """Return True if a confirmed reader has paused until a day that has not come yet."""
    return reader.status is Status.CONFIRMED and is_paused(reader.schedule, now)


def get_reader(ctx: WebContext, token: str) -> Subscriber:
    """Return the reader whom the link belongs to. Raises NotFound if they were erased."""
    gone = gettext_noop("Nothing is stored about you any more.")
    return open_link(ctx, Purpose.PREFERENCES, token, gone=gone)[1]


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
