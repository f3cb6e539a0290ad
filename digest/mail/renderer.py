"""Rendering of every kind of mail from its templates, in the language of its reader.

The same arguments always give the same mail. The sentences come from `wording` and `layout`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup

from digest.mail.branding import Site
from digest.mail.cards import build_news_card
from digest.mail.layout import DigestLayout, build_layout, format_headline, format_notes
from digest.mail.links import Links
from digest.mail.locale import Locale, city_name, get_locale
from digest.mail.templates import MailTemplates
from digest.mail.wording import list_topics
from digest.models import Edition, Email, Subscriber
from digest.models.editions import EditionRows, PaperNews
from digest.models.subscribers import NO_INTERESTS


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the operator should know, and what to do about it."""

    title: str
    facts: Sequence[str] = ()
    advice: str = ""


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

    def render_empty_day(self, edition: Edition | EditionRows) -> Email:
        """Render the mail of a day without papers, for readers who asked for it."""
        locale = get_locale(edition.subscriber.preferences.language)
        reason = " ".join(format_notes(locale, edition.notes)) or locale.gettext(
            "Nothing new matched your interests closely enough."
        )
        layout = replace(
            build_layout(self.site, self.links, locale, edition.subscriber),
            preheader=reason,
            headline=format_headline(locale, edition.day, ()),
        )
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
            known=reader.profile != NO_INTERESTS,
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

    def render_news(self, locale: Locale, news: Iterable[PaperNews], part: str) -> str:
        """Render the news of an edition; *part* is `html` or `txt`."""
        cards = (build_news_card(locale, item) for item in news)
        texts = [self.render(locale, f"digest/news.{part}", card=card) for card in cards]
        return Markup("").join(map(Markup, texts)).rstrip() if part == "html" else "\n".join(texts).rstrip()

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

    def _format_moment(self, reader: Subscriber, moment: datetime) -> str:
        """Return `Tuesday 24 November 2026, 07:00 (Berlin)`."""
        zone = reader.schedule.timezone
        local = moment.astimezone(ZoneInfo(zone))
        locale = get_locale(reader.preferences.language)
        day = locale.format_day(local.date())
        template = locale.gettext("%(day)s, %(time)s (%(zone)s)")
        return template % {"day": day, "time": f"{local:%H:%M}", "zone": city_name(zone)}
