"""What stands around the cards of a mail: subject, headline, notes and footer, as strings for templates."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from digest.mail.branding import Site
from digest.mail.links import Links
from digest.mail.locale import Locale, gettext_noop, ngettext_noop
from digest.mail.text_wrap import wrap_text
from digest.models import Section, Subscriber
from digest.models.text import clean

SECTION_COUNTS = {
    Section.TRENDING: ngettext_noop("%(count)s trending", "%(count)s trending"),
    Section.PICKED: ngettext_noop("%(count)s picked for you", "%(count)s picked for you"),
    Section.ALSO_NEW: ngettext_noop("%(count)s also new", "%(count)s also new"),
}
NOTE_MESSAGES = {
    "first": gettext_noop(
        "This is your first digest. “More like this” and “Less like this” under a paper improve later ones."
    ),
    "votes-missing": gettext_noop(
        "Votes could not be read today. "
        "Trending papers are ordered by earlier votes, authors, code and topic."
    ),
    "source-missing": gettext_noop("%(detail)s could not be read today; its papers will follow later."),
    "arxiv-silent": gettext_noop("arXiv announced nothing today."),
    "no-interests": gettext_noop("Tell us what you work on, and we will pick papers for you."),
    "no-voters": gettext_noop(
        "Some of these fields have no public votes. Their papers are ordered by recent citations if known, "
        "otherwise by how well they match your interests and by date."
    ),
    "nothing-near": gettext_noop(
        "No new paper matched your interests well enough to be picked today. "
        "More or broader English keywords in your preferences will find more."
    ),
    "near-is-trending": gettext_noop(
        "The papers that match your interests today are among the trending papers."
    ),
    "trimmed": gettext_noop("Shortened so that your email program shows all of it; the rest is on the web."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLayout:
    """What the templates print besides their own words, there called `page`; sections hold rendered cards."""

    lang: str
    subject: str = ""
    preheader: str = ""
    headline: str = ""
    because: str = ""
    web: str = ""
    archive: str = ""
    preferences: str = ""
    pause: str = ""
    unsubscribe: str = ""
    weekly: bool = False
    notes: tuple[str, ...] = ()
    picked_first: bool = False
    trending: str = ""
    picked: str = ""
    also_new: str = ""
    news: str = ""

    def for_text_part(self) -> "DigestLayout":
        """Return a copy whose sentences are wrapped."""
        return replace(
            self,
            preheader=wrap_text(self.preheader),
            headline=wrap_text(self.headline),
            because=wrap_text(self.because),
        )


def build_layout(site: Site, links: Links, locale: Locale, reader: Subscriber) -> DigestLayout:
    """Return what every mail to a subscriber has: the reason for it and the links of the footer."""
    preferences = links.preferences_url(reader.public_id)
    return DigestLayout(
        lang=locale.code,
        because=describe_subscription(site, locale, reader),
        archive=links.archive_url(),
        preferences=preferences,
        pause=f"{preferences}#pause",
        unsubscribe=links.unsubscribe_url(reader.public_id),
    )


def describe_subscription(site: Site, locale: Locale, reader: Subscriber) -> str:
    """Return why the reader gets this mail: the address that subscribed, and when it confirmed (or asked)."""
    since = reader.confirmed_at or reader.created_at
    fields = {"address": clean(reader.address), "brand": site.brand}
    if since is None:
        return locale.gettext("You get this because %(address)s subscribed to %(brand)s.") % fields
    fields["date"] = locale.format_long_day(since.date())
    return locale.gettext("You get this because %(address)s subscribed to %(brand)s on %(date)s.") % fields


@lru_cache(maxsize=4096)
def format_headline(locale: Locale, day: date, counts: tuple[tuple[Section, int], ...]) -> str:
    """Return the day and the papers per section: `Monday 23 November 2026: 3 trending, 10 also new.`.

    *counts* are in the order of the mail.
    """
    day_name = locale.format_day(day)
    day_name = day_name[:1].upper() + day_name[1:]  # some languages write weekdays in lower case
    parts = [locale.format_count(*SECTION_COUNTS[section], count) for section, count in counts if count]
    if not parts:
        return locale.gettext("%(day)s.") % {"day": day_name}
    fields = {"day": day_name, "counts": locale.gettext(", ").join(parts)}
    return locale.gettext("%(day)s: %(counts)s.") % fields


def format_notes(locale: Locale, codes: Iterable[str]) -> tuple[str, ...]:
    """Return the sentences of note codes such as `first` or `source-missing:bioRxiv`; skip unknown ones."""
    return tuple(
        locale.gettext(NOTE_MESSAGES[name]) % {"detail": clean(detail)[:60]}
        for name, _, detail in (code.partition(":") for code in codes)
        if name in NOTE_MESSAGES
    )
