"""Rendering of every kind of mail from its templates, in the language of its reader.

The same arguments always give the same mail. The sentences come from `wording` and `layout`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from digest.mail.branding import Site
from digest.mail.cards import (
    NO_PERSONAL_FIELDS,
    PersonalFields,
    build_card,
    build_news_card,
    build_personal_fields,
)
from digest.mail.layout import DigestLayout, build_edition_layout, build_layout
from digest.mail.links import Links
from digest.mail.locale import Locale, city_name, get_locale
from digest.mail.templates import MailTemplates
from digest.mail.wording import list_topics
from digest.models import Edition, Email, Paper, Pick, Profile, Section, Subscriber
from digest.models.editions import PaperNews

MAX_HTML_BYTES = 80_000  # Gmail clips a mail at about 102 KB
MAX_PERSONAL_BYTES = 1_200  # the parts of a card that differ by reader hardly exceed this
MAX_READER_BYTES = 6_000  # nor does what a reader adds around the cards
TRIM_ORDER = (Section.ALSO_NEW, Section.PICKED, Section.TRENDING)  # dropped first to last
CARD_TEMPLATES = {Section.TRENDING: "card", Section.PICKED: "card", Section.ALSO_NEW: "line"}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the operator should know, and what to do about it."""

    title: str
    facts: tuple[str, ...]
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministrationLink:
    """A link by which an administrator signs in, and accepts if *invited_by* is given."""

    url: str
    name: str
    role: str
    valid_for: str  # in words
    invited_by: str = ""


class Renderer:
    """Renders mails of one site; operators' templates in *overrides* come before the built-in ones."""

    def __init__(self, site: Site, links: Links, overrides: Path | None = None) -> None:
        self.site = site
        self.links = links
        self._overrides = overrides
        self._templates: dict[str, MailTemplates] = {}
        self._card_bytes: dict[tuple[str, Section, str], tuple[Paper | None, int]] = {}
        self._layout_bytes: dict[str, int] = {}

    def render_digest(self, edition: Edition) -> Email:
        """Render a digest, trimmed to `MAX_HTML_BYTES`; without papers, the mail of an empty day."""
        if not edition.picks:
            return self.render_empty_day(edition)
        edition = self.trim(edition)
        locale = get_locale(edition.subscriber.preferences.language)
        layout = build_edition_layout(self.site, self.links, locale, edition)
        layout = replace(layout, subject=self.render_subject(locale, "digest", page=layout))
        text = self._fill_sections(layout.for_text_part(), locale, edition, "txt")
        html = self._fill_sections(layout, locale, edition, "html")
        return Email(
            layout.subject,
            self.render(locale, "digest/body.txt", page=text),
            self.render(locale, "digest/body.html", page=html),
        )

    def render_empty_day(self, edition: Edition) -> Email:
        """Render the mail of a day without papers, for readers who asked for it."""
        locale = get_locale(edition.subscriber.preferences.language)
        layout = build_edition_layout(self.site, self.links, locale, edition)
        reason = " ".join(layout.notes) or locale.gettext(
            "Nothing new matched your interests closely enough."
        )
        layout = replace(layout, preheader=reason)
        weekday = locale.format_weekday(edition.day)
        return self._render_notice(locale, "empty_day", layout, weekday=weekday, reason=reason)

    def render_confirmation(self, reader: Subscriber, url: str, *, hours: int) -> Email:
        """Render the question to a new address whether it wants the mails; *url* is valid for *hours*."""
        never = self.links.unsubscribe_url(reader.public_id)
        return self._render_for(reader, "confirm", address=reader.address, url=url, hours=hours, never=never)

    def render_address_change(self, reader: Subscriber, address: str, url: str, *, hours: int) -> Email:
        """Render the question to a subscriber's new address; *url* is valid for *hours*."""
        return self._render_for(reader, "address_change", address=address, url=url, hours=hours)

    def render_welcome(
        self, reader: Subscriber, *, coming: datetime | None = None, at_once: bool = False
    ) -> Email:
        """Render the mail after the confirmation.

        *coming* is when the next regular digest will come; with *at_once* a first one comes before it.
        """
        return self._render_for(
            reader,
            "welcome",
            address=reader.address,
            coming=coming and self._format_moment(reader, coming),
            at_once=at_once,
            topics=list_topics(reader.profile),
            known=reader.profile != Profile(),
        )

    def render_goodbye(self, reader: Subscriber) -> Email:
        """Render the last mail, with a link that undoes unsubscribing."""
        undo = self.links.unsubscribe_url(reader.public_id)
        return self._render_for(reader, "goodbye", address=reader.address, undo=undo)

    def render_admin_alert(self, *alerts: Alert) -> Email:
        """Render one message to the operator about all that is wrong, in English."""
        locale = get_locale("en")
        return self._render_notice(locale, "admin_alert", DigestLayout(lang=locale.code), alerts=alerts)

    def render_administration_link(self, link: AdministrationLink) -> Email:
        """Render an invitation to administer, or the link to sign in, in English."""
        locale = get_locale("en")
        return self._render_notice(locale, "admin_link", DigestLayout(lang=locale.code), link=link)

    def render_subject(self, locale: Locale, mail: str, **context: object) -> str:
        """Render the subject of one kind of mail, such as `digest`, on one line."""
        return " ".join(self.render(locale, f"{mail}/subject.txt", **context).split())

    def render(self, locale: Locale, template: str, **context: object) -> str:
        """Render any template in one language."""
        if locale.code not in self._templates:
            self._templates[locale.code] = MailTemplates(self.site, locale, self._overrides)
        return self._templates[locale.code].render(template, **context)

    def render_card(
        self, locale: Locale, pick: Pick, number: int, personal: PersonalFields, *parts: str
    ) -> Iterator[str]:
        """Yield one card for each of *parts*, which are `html` or `txt`."""
        card = build_card(locale, pick, number, personal)
        for part in parts:
            yield self.render(locale, f"digest/{CARD_TEMPLATES[pick.section]}.{part}", card=card)

    def render_news(self, locale: Locale, news: Iterable[PaperNews], part: str) -> str:
        """Render the news of an edition; *part* is `html` or `txt`."""
        cards = (
            self.render(locale, f"digest/news.{part}", card=build_news_card(locale, item)) for item in news
        )
        return Markup("").join(map(Markup, cards)).rstrip() if part == "html" else "\n".join(cards).rstrip()

    def trim(self, edition: Edition) -> Edition:
        """Return the edition, or as much of it as fits into `MAX_HTML_BYTES`."""
        locale = get_locale(edition.subscriber.preferences.language)
        layout_bytes = self.measure_layout(locale) + len(
            self.render_news(locale, edition.news, "html").encode()
        )
        # An upper bound first: it is cheap, and enough for almost every edition.
        max_card_bytes = sum(
            self._measure_card(locale, pick) + MAX_PERSONAL_BYTES + 3 * len(pick.paper.id)
            for pick in edition.picks
        )
        if layout_bytes + max_card_bytes <= MAX_HTML_BYTES:
            return edition
        return trim_edition(
            edition, partial(self._measure_personal_card, locale, edition), layout_bytes=layout_bytes
        )

    def measure_layout(self, locale: Locale) -> int:
        """Return the bytes of HTML around the cards, rounded up for what a reader adds."""
        if locale.code not in self._layout_bytes:
            html = self.render(locale, "digest/body.html", page=DigestLayout(lang=locale.code))
            self._layout_bytes[locale.code] = len(html.encode()) + MAX_READER_BYTES
        return self._layout_bytes[locale.code]

    def _measure_card(self, locale: Locale, pick: Pick) -> int:
        """Return the bytes of a card's HTML without the parts that differ by reader."""
        key = (locale.code, pick.section, pick.paper.id)
        paper, size = self._card_bytes.get(key, (None, 0))
        if not is_same(paper, pick.paper):
            html = next(self.render_card(locale, pick, 999, replace(NO_PERSONAL_FIELDS, why="?"), "html"))
            size = len(html.encode())
            self._card_bytes[key] = (pick.paper, size)
        return size

    def _measure_personal_card(self, locale: Locale, edition: Edition, pick: Pick) -> int:
        personal = build_personal_fields(locale, self.links, edition.subscriber, pick, edition.day)
        fields = escape(personal.why) + personal.more + personal.less + personal.href
        return self._measure_card(locale, pick) + len(fields.encode())

    def _render_for(self, reader: Subscriber, mail: str, **context: object) -> Email:
        locale = get_locale(reader.preferences.language)
        layout = build_layout(self.site, self.links, locale, reader)
        return self._render_notice(locale, mail, layout, **context)

    def _render_notice(self, locale: Locale, mail: str, layout: DigestLayout, **context: object) -> Email:
        layout = replace(layout, subject=self.render_subject(locale, mail, page=layout, **context))
        return Email(
            layout.subject,
            self.render(locale, f"{mail}/body.txt", page=layout.for_text_part(), **context),
            self.render(locale, f"{mail}/body.html", page=layout, **context),
        )

    def _fill_sections(
        self, layout: DigestLayout, locale: Locale, edition: Edition, part: str
    ) -> DigestLayout:
        return replace(
            layout,
            trending=self._render_cards(locale, edition, edition.get_picks(Section.TRENDING), part),
            picked=self._render_cards(locale, edition, edition.get_picks(Section.PICKED), part),
            also_new=self._render_cards(locale, edition, edition.get_picks(Section.ALSO_NEW), part),
            news=self.render_news(locale, edition.news, part),
        )

    def _render_cards(self, locale: Locale, edition: Edition, picks: Iterable[Pick], part: str) -> str:
        cards: list[str] = []
        for number, pick in enumerate(picks, start=1):
            personal = build_personal_fields(locale, self.links, edition.subscriber, pick, edition.day)
            cards += self.render_card(locale, pick, number, personal, part)
        if part == "html":
            return Markup("").join(map(Markup, cards)).rstrip()
        return "\n".join(cards).rstrip()

    def _format_moment(self, reader: Subscriber, moment: datetime) -> str:
        """Return `Tuesday 24 November 2026, 07:00 (Berlin)`."""
        zone = reader.schedule.timezone
        local = moment.astimezone(ZoneInfo(zone))
        day = get_locale(reader.preferences.language).format_day(local.date())
        return f"{day}, {local:%H:%M} ({city_name(zone)})"


def trim_edition(edition: Edition, measure_card: Callable[[Pick], int], *, layout_bytes: int) -> Edition:
    """Return the edition, or as much of it as fits into `MAX_HTML_BYTES`, with the note `trimmed`.

    "Also new" is dropped first, then picks, then trending papers, each from the end; one paper always stays.
    """
    sizes = [measure_card(pick) for pick in edition.picks]
    excess = layout_bytes + sum(sizes) - MAX_HTML_BYTES
    if excess <= 0:
        return edition
    dropped: set[int] = set()
    for index in sorted(
        range(len(sizes)), key=lambda index: (TRIM_ORDER.index(edition.picks[index].section), -index)
    ):
        if excess <= 0 or len(dropped) + 1 == len(sizes):
            break
        dropped.add(index)
        excess -= sizes[index]
    picks = tuple(pick for index, pick in enumerate(edition.picks) if index not in dropped)
    return replace(edition, picks=picks, notes=(*edition.notes, "trimmed"))


def is_same(one: object, other: object) -> bool:
    """Return whether two values are equal, at once for the same object: editions of a run share papers."""
    return one is other or one == other
