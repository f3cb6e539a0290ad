"""Editions for web pages and private feeds: today's as chosen now, and past ones as they were sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from digest.db import Database
from digest.mail.cards import Card, build_card
from digest.mail.links import Links
from digest.mail.subject import get_section_title, order_sections
from digest.mail.wording import describe_reason
from digest.models import DeliveryKind, Edition, Section, Subscriber
from digest.models.schedule import get_current_slot, get_local_day
from digest.pipeline import day
from digest.pipeline.edition_payload import load_edition
from digest.ranking.embeddings import EmbeddingModel
from digest.subscribers.resend import RESENT
from digest.web.components import NO_PERSONAL, build_pick_card
from digest.web.languages import get_page_locale
from digest.web.trending_lists import TimedCache

MAX_AGE = timedelta(minutes=2)  # of the candidates and their ranking data
# Papers sent within this period are shown again: today's digest must not empty the preview.
REPLAYED_PERIOD = timedelta(days=1)
MAX_FEED_EDITIONS = 7  # of a private feed


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionSection:
    """One section of an edition on a page."""

    title: str
    cards: list[Card]
    is_ranked: bool  # numbered


class PreviewCache:
    """Chooses editions for previews. The data of the day are loaded every two minutes, not for every page."""

    def __init__(
        self, store: Database, get_model: Callable[[], EmbeddingModel | None], day_cache: day.DayCache
    ) -> None:
        self._store, self._get_model, self._day_cache = store, get_model, day_cache
        self._days: TimedCache[day.DayContext] = TimedCache()

    def edition(self, reader: Subscriber, now: datetime) -> Edition:
        """Return today's edition for this reader, as if today's digest had not been sent yet."""
        return self.choose(reader, now)[0]

    def choose(self, reader: Subscriber, now: datetime) -> tuple[Edition, Mapping[str, str]]:
        """Return the same edition, and for every other candidate (paper id) the rule that excluded it."""
        context = self._days.get("", now, MAX_AGE, lambda: self._load_day(now))
        slot = get_current_slot(reader.schedule, now)
        with self._store.begin(write=False) as tx:
            sent = tx.sent_papers.get_by_subscriber([reader.id], since=context.sent_since).get(reader.id, {})
        today = get_local_day(reader.schedule, slot)
        earlier = {paper: record for paper, record in sent.items() if record.day < today}
        cursor = min(reader.cursor, slot - REPLAYED_PERIOD) if reader.cursor else None
        replayed = replace(reader, cursor=cursor)
        edition, chosen = next(context.build_editions([(replayed, slot)], {reader.id: earlier}))
        return edition, {paper: str(rule) for paper, rule in chosen.excluded.items()}

    def _load_day(self, now: datetime) -> day.DayContext:
        return day.load_day(self._store, now, embedding_model=self._get_model(), day_cache=self._day_cache)


def load_latest_editions(store: Database, reader: Subscriber) -> list[Edition]:
    """Return the latest editions that were sent to this reader, newest first."""
    with store.begin(write=False) as tx:
        sent = [
            mail
            for mail in tx.deliveries.list_by_subscriber(reader.id)
            if mail.kind is DeliveryKind.DIGEST and not mail.key.startswith(RESENT)
        ]
        editions = [mail for mail in sent if not mail.is_copy]
        mails = [mail for mail in editions[:MAX_FEED_EDITIONS] if mail.day and mail.payload]
        return [load_edition(tx, mail, reader) for mail in mails]


def build_sections(links: Links, edition: Edition, *, is_personal: bool = True) -> list[EditionSection]:
    """Return the sections of an edition that have papers; with the reader's own links if *is_personal*."""
    locale, reader, day = get_page_locale(), edition.subscriber, edition.day
    return [
        EditionSection(
            title=locale.gettext(get_section_title(edition, section)),
            cards=[
                build_pick_card(pick, links=links, reader=reader, day=day)
                if is_personal
                else build_card(
                    locale, pick, 0, replace(NO_PERSONAL, why=describe_reason(locale, pick, edition.day))
                )
                for pick in edition.get_picks(section)
            ],
            is_ranked=section is Section.TRENDING,
        )
        for section in order_sections(edition)
        if edition.get_picks(section)
    ]
