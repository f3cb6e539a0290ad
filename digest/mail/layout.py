"""What stands around the cards? Headline, notes and footer of one reader's mail, as strings to print."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from digest.mail import subject as line
from digest.mail.branding import Site
from digest.mail.links import Links
from digest.mail.locale import Locale, later, plural
from digest.mail.text_wrap import wrapped
from digest.models import Edition, Frequency, Section, Subscriber
from digest.models.text import clean


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestLayout:
    """Everything a template prints except its own words; the sections hold finished cards."""

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
    trending: str = ""
    picked: str = ""
    also_new: str = ""

    def in_columns(self) -> "DigestLayout":
        """The same for the text part."""
        facts: dict[str, Any] = {**self.wrapped()}
        return replace(self, **facts)

    def wrapped(self) -> dict[str, str]:
        """What the text part has in lines of its own."""
        return {
            "preheader": wrapped(self.preheader),
            "headline": wrapped(self.headline),
            "because": wrapped(self.because),
        }


def page(site: Site, links: Links, locale: Locale, reader: Subscriber) -> DigestLayout:
    """What any mail to a subscriber says about itself."""
    preferences = links.preferences(reader.pid)
    return DigestLayout(
        lang=locale.code,
        because=because(site, locale, reader),
        archive=links.archive(),
        preferences=preferences,
        pause=f"{preferences}#pause",
        unsubscribe=links.unsubscribe(reader.pid),
    )


def edition_page(site: Site, links: Links, locale: Locale, edition: Edition) -> DigestLayout:
    """What a digest says about itself."""
    told = headline(locale, edition)
    return replace(
        page(site, links, locale, edition.subscriber),
        subject=line.subject(locale, edition) if edition.picks else "",
        preheader=(line.preheader(locale, edition) if edition.picks else "") or told,
        headline=told,
        web=links.edition(edition.subscriber.pid, edition.day),
        notes=notes(locale, edition.notes),
        weekly=edition.subscriber.schedule.frequency is Frequency.WEEKLY,
    )


def because(site: Site, locale: Locale, reader: Subscriber) -> str:
    """Why the reader gets this: they asked, with this address, on that day."""
    since = reader.confirmed_at or reader.created_at
    facts = {"address": clean(reader.address), "brand": site.brand}
    if since is None:
        return locale.say("You get this because %(address)s subscribed to %(brand)s.") % facts
    facts["date"] = locale.long_day(since.date())
    return locale.say("You get this because %(address)s subscribed to %(brand)s on %(date)s.") % facts


def headline(locale: Locale, edition: Edition) -> str:
    """The day and what is in it: `Monday 23 November 2026: 3 trending, 10 also new.`."""
    numbers = Counter(pick.section for pick in edition.picks)
    return _headline(locale, edition.day, tuple(numbers[section] for section in Section))


@lru_cache(maxsize=4096)
def _headline(locale: Locale, on: date, numbers: Sequence[int]) -> str:
    day = locale.day(on)
    day = day[:1].upper() + day[1:]  # some languages write weekdays small, but not at a beginning
    counted = [
        locale.count(*COUNTS[section], number)
        for section, number in zip(Section, numbers, strict=True)
        if number
    ]
    if not counted:
        return locale.say("%(day)s.") % {"day": day}
    return locale.say("%(day)s: %(counts)s.") % {"day": day, "counts": locale.say(", ").join(counted)}


COUNTS = {
    Section.TRENDING: plural("%(count)s trending", "%(count)s trending"),
    Section.PICKED: plural("%(count)s picked for you", "%(count)s picked for you"),
    Section.ALSO_NEW: plural("%(count)s also new", "%(count)s also new"),
}


def notes(locale: Locale, codes: Iterable[str]) -> tuple[str, ...]:
    """What the reader is told about this edition. `code:detail` carries a word; unknown codes say nothing."""
    said = (_note(locale, *code.partition(":")[::2]) for code in codes)
    return tuple(filter(None, said))


def _note(locale: Locale, code: str, detail: str) -> str:
    sentence = NOTES.get(code, "")
    return locale.say(sentence) % {"detail": clean(detail)[:60]} if sentence else ""


NOTES = {
    "first": later(
        "This is your first one. “More like this” and “Less like this” under a paper teach it your taste."
    ),
    "votes-missing": later(
        "Votes could not be read today: trending follows what was known, and authors, code and topic."
    ),
    "source-missing": later("%(detail)s could not be read today; its papers follow."),
    "arxiv-silent": later("arXiv announced nothing today."),
    "no-interests": later("Tell us what you work on, and papers are picked for you."),
    "nothing-near": later(
        "Nothing new came close enough to your interests to be picked today. "
        "More or broader words in your preferences find more."
    ),
    "near-is-trending": later("What came close to your interests today is among the trending papers."),
    "trimmed": later("Shortened so that your mail program shows all of it; the rest is on the web."),
}
