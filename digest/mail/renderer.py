"""How does an edition become an email? Words from wording, looks from the templates, nothing decided here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from digest.mail import layout
from digest.mail.branding import Site
from digest.mail.cards import NOTHING_OWN, Personal, card, personal
from digest.mail.layout import DigestLayout
from digest.mail.links import Links
from digest.mail.locale import Locale, city, get_locale
from digest.mail.templates import MailTemplates
from digest.mail.wording import named
from digest.models import Edition, Email, Paper, Pick, Profile, Section, Subscriber

LARGEST = 80_000  # bytes of HTML
GIVEN_UP = (Section.ALSO_NEW, Section.PICKED, Section.TRENDING)  # what goes first


def fitted(edition: Edition, weigh: Callable[[Pick], int], *, around: int) -> Edition:
    """The edition, or as much of it as fits: lines go first, then picks, last ones first."""
    weights = [weigh(pick) for pick in edition.picks]
    excess = around + sum(weights) - LARGEST
    if excess <= 0:
        return edition
    dropped: set[int] = set()
    for place in _by_worth(edition):
        if excess <= 0 or len(dropped) + 1 == len(weights):
            break
        dropped.add(place)
        excess -= weights[place]
    kept = tuple(pick for place, pick in enumerate(edition.picks) if place not in dropped)
    return replace(edition, picks=kept, notes=(*edition.notes, "trimmed"))


def _by_worth(edition: Edition) -> list[int]:
    """Places of picks, the first to give up first."""
    places = range(len(edition.picks))
    return sorted(places, key=lambda place: (GIVEN_UP.index(edition.picks[place].section), -place))


__all__ = ["CONFIRM_HOURS", "Alert", "Renderer", "Site"]
CONFIRM_HOURS = 48
MOST_OWN = 1_200  # bytes a reader's own part of a card can hardly exceed
SHAPES = {Section.TRENDING: "card", Section.PICKED: "card", Section.ALSO_NEW: "line"}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the operator should know, and what to do about it."""

    title: str
    facts: tuple[str, ...]
    advice: str


class Renderer:
    """Every mail of the product, in the reader's language. The same arguments always give the same mail."""

    def __init__(self, site: Site, links: Links, overrides: Path | None = None) -> None:
        self.site = site
        self.links = links
        self._overrides = overrides
        self._stationery: dict[str, MailTemplates] = {}
        self._weights: dict[tuple[str, Section, str], tuple[Paper | None, int]] = {}
        self._around: dict[str, int] = {}

    def digest(self, edition: Edition) -> Email:
        """The digest of one day for one reader; on a day without papers, a word about that."""
        if not edition.picks:
            return self.empty_day(edition)
        edition = self.fitted(edition)
        speaks = get_locale(edition.subscriber.preferences.language)
        page = layout.edition_page(self.site, self.links, speaks, edition)
        page = replace(page, subject=self.subject(speaks, "digest", page=page))
        text = self._filled(page.in_columns(), speaks, edition, "txt")
        html = self._filled(page, speaks, edition, "html")
        return Email(
            page.subject,
            self.render(speaks, "digest/body.txt", page=text),
            self.render(speaks, "digest/body.html", page=html),
        )

    def empty_day(self, edition: Edition) -> Email:
        """A word on a day without papers, for readers who asked for one."""
        speaks = get_locale(edition.subscriber.preferences.language)
        page = layout.edition_page(self.site, self.links, speaks, edition)
        reason = " ".join(page.notes) or speaks.say("Nothing new came close enough to what you read.")
        page = replace(page, preheader=reason)
        return self._notice(speaks, "empty_day", page, weekday=speaks.weekday(edition.day), reason=reason)

    def confirm(self, reader: Subscriber, url: str, *, hours: int = CONFIRM_HOURS) -> Email:
        """Asks whoever owns the address whether they want this at all."""
        never = self.links.unsubscribe(reader.pid)
        return self._to(reader, "confirm", address=reader.address, url=url, hours=hours, never=never)

    def address_change(
        self, reader: Subscriber, address: str, url: str, *, hours: int = CONFIRM_HOURS
    ) -> Email:
        """Asks whoever owns the new address whether mail may go there."""
        return self._to(reader, "address_change", address=address, url=url, hours=hours)

    def welcome(self, reader: Subscriber, *, first: datetime | None = None) -> Email:
        """After the confirmation: what comes when, and how to make it one's own."""
        when = first and self._moment(reader, first)
        known = reader.profile != Profile()
        topics = named(reader.profile)
        return self._to(reader, "welcome", address=reader.address, first=when, topics=topics, known=known)

    def goodbye(self, reader: Subscriber) -> Email:
        """The last mail, with a way back."""
        undo = self.links.unsubscribe(reader.pid)
        return self._to(reader, "goodbye", address=reader.address, undo=undo)

    def admin_alert(self, alert: Alert) -> Email:
        """Tells the operator what broke and what to do."""
        speaks = get_locale("en")
        return self._notice(speaks, "admin_alert", DigestLayout(lang=speaks.code), alert=alert)

    def subject(self, speaks: Locale, name: str, **context: object) -> str:
        """The subject line of one kind of mail."""
        return " ".join(self.render(speaks, f"{name}/subject.txt", **context).split())

    def render(self, speaks: Locale, template: str, **context: object) -> str:
        """Any template, in one language."""
        if speaks.code not in self._stationery:
            self._stationery[speaks.code] = MailTemplates(self.site, speaks, self._overrides)
        return self._stationery[speaks.code].render(template, **context)

    def card(self, speaks: Locale, pick: Pick, number: int, own: Personal, part: str) -> str:
        """One paper, as `html` or as `txt`."""
        return next(self.shown(speaks, pick, number, own, part))

    def shown(self, speaks: Locale, pick: Pick, number: int, own: Personal, *parts: str) -> Iterator[str]:
        """One paper in each of these forms."""
        printed = card(speaks, pick, number, own)
        for part in parts:
            yield self.render(speaks, f"digest/{SHAPES[pick.section]}.{part}", card=printed)

    def fitted(self, edition: Edition) -> Edition:
        """As much of an edition as no mail program cuts off."""
        speaks = get_locale(edition.subscriber.preferences.language)
        around = self.weight_around(speaks)
        if (
            around
            + sum(self._weight(speaks, pick) + MOST_OWN + 3 * len(pick.paper.id) for pick in edition.picks)
            <= LARGEST
        ):
            return edition
        return fitted(edition, partial(self._exact_weight, speaks, edition), around=around)

    def _exact_weight(self, speaks: Locale, edition: Edition, pick: Pick) -> int:
        own = personal(speaks, self.links, edition.subscriber, pick, edition.day)
        return self._weight(speaks, pick) + len((escape(own.why) + own.more + own.less + own.href).encode())

    def _weight(self, speaks: Locale, pick: Pick) -> int:
        """Bytes of a card's HTML without the reader's own part."""
        key = (speaks.code, pick.section, pick.paper.id)
        paper, weight = self._weights.get(key, (None, 0))
        if not same(paper, pick.paper):
            blank = replace(NOTHING_OWN, why="?")
            weight = len(self.card(speaks, pick, 999, blank, "html").encode())
            self._weights[key] = (pick.paper, weight)
        return weight

    def weight_around(self, speaks: Locale) -> int:
        """Bytes of HTML around the cards, rounded up by what a reader's own lines can hold."""
        if speaks.code not in self._around:
            blank = DigestLayout(lang=speaks.code)
            html = self.render(speaks, "digest/body.html", page=blank)
            self._around[speaks.code] = len(html.encode()) + 6_000
        return self._around[speaks.code]

    def _to(self, reader: Subscriber, name: str, **context: object) -> Email:
        speaks = get_locale(reader.preferences.language)
        return self._notice(speaks, name, layout.page(self.site, self.links, speaks, reader), **context)

    def _notice(self, speaks: Locale, name: str, page: DigestLayout, **context: object) -> Email:
        page = replace(page, subject=self.subject(speaks, name, page=page, **context))
        return Email(
            page.subject,
            self.render(speaks, f"{name}/body.txt", page=page.in_columns(), **context),
            self.render(speaks, f"{name}/body.html", page=page, **context),
        )

    def _filled(self, page: DigestLayout, speaks: Locale, edition: Edition, part: str) -> DigestLayout:
        return replace(
            page,
            trending=self._cards(speaks, edition, edition.section(Section.TRENDING), part),
            picked=self._cards(speaks, edition, edition.section(Section.PICKED), part),
            also_new=self._cards(speaks, edition, edition.section(Section.ALSO_NEW), part),
        )

    def _cards(self, speaks: Locale, edition: Edition, picks: Iterable[Pick], part: str) -> str:
        reader, day = edition.subscriber, edition.day
        printed = [
            self.card(speaks, pick, number, personal(speaks, self.links, reader, pick, day), part)
            for number, pick in enumerate(picks, start=1)
        ]
        if part == "html":
            return Markup("").join(map(Markup, printed)).rstrip()
        return "\n".join(printed).rstrip()

    def _moment(self, reader: Subscriber, moment: datetime) -> str:
        """`Tuesday 24 November 2026, 07:00 (Berlin)`."""
        zone = reader.schedule.timezone
        local = moment.astimezone(ZoneInfo(zone))
        return f"{get_locale(reader.preferences.language).day(local.date())}, {local:%H:%M} ({city(zone)})"


def same(one: object, other: object) -> bool:
    """Equal, and quick to say so of the very same value: editions of one run often share their papers."""
    return one is other or one == other
