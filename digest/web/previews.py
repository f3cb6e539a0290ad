"""What would this reader get today? The edition as the morning's run would choose it, or as it was sent."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from digest.db import Database
from digest.mail.cards import Card
from digest.mail.links import Links
from digest.models import Delivery, DeliveryKind, Edition, Paper, Pick, Section, Subscriber
from digest.models.schedule import due_slot, local_day, next_slot
from digest.pipeline import day
from digest.pipeline.edition_payload import edition_from, heat_names, paper_ids
from digest.ranking.embeddings import Embedding
from digest.web.components import card_of_pick
from digest.web.trending_lists import Cache

FRESH = timedelta(minutes=2)
KEPT_BACK = timedelta(days=1)  # a digest sent this morning does not empty the preview of the afternoon
TITLES = {
    Section.TRENDING: "Trending today",
    Section.PICKED: "Picked for you",
    Section.ALSO_NEW: "Also new",
}
LATEST = 7  # editions in a private feed

Sections = list[tuple[str, list[Card]]]


class Mornings:
    """The day as all previews see it; ranked anew every other minute, not for every page."""

    def __init__(self, store: Database, vectors: Callable[[], Embedding | None]) -> None:
        self._store, self._vectors = store, vectors
        self._mornings: Cache[day.DayContext] = Cache()

    def edition(self, reader: Subscriber, now: datetime) -> Edition:
        """Today's edition for this reader, whatever of it was sent this morning already."""
        return self.choice(reader, now)[0]

    def _opened(self, now: datetime) -> day.DayContext:
        return day.morning(self._store, now, vectors=self._vectors())

    def choice(self, reader: Subscriber, now: datetime) -> tuple[Edition, Mapping[str, str]]:
        """The same, and for every other candidate the rule that kept it out."""
        morning = self._mornings.value("", now, FRESH, lambda: self._opened(now))
        due = due_slot(reader.schedule, now)
        slot = due[1] if due else next_slot(reader.schedule, now)
        with self._store.begin(write=False) as tx:
            sent = tx.sent.of([reader.id]).get(reader.id, {})
        today = local_day(reader.schedule, slot)
        earlier = {paper: each for paper, each in sent.items() if each.day < today}
        rested = replace(reader, cursor=_before(reader.cursor, slot))
        edition, chosen = next(morning.editions([(rested, slot)], {reader.id: earlier}))
        return edition, {paper: str(rule) for paper, rule in chosen.stopped.items()}


def _before(cursor: datetime | None, slot: datetime) -> datetime | None:
    return min(cursor, slot - KEPT_BACK) if cursor else None


def latest(store: Database, reader: Subscriber) -> list[Edition]:
    """The editions that went to this reader, the newest first."""
    with store.begin(write=False) as tx:
        sent = [mail for mail in tx.deliveries.history(reader.id) if mail.kind is DeliveryKind.DIGEST]
        told = [mail for mail in sent[:LATEST] if mail.day and mail.payload]
        papers = tx.papers.by_ids({name for mail in told for name in paper_ids(mail.payload)})
        heats = tx.heats.of({name for mail in told for name in heat_names(mail.payload)})
        past = [tx.past.as_of(paper_ids(mail.payload), mail.accepted_at or mail.slot) for mail in told]
    return [_remembered(mail, reader, papers | then, heats) for mail, then in zip(told, past, strict=True)]


def _remembered(
    mail: Delivery, reader: Subscriber, papers: dict[str, Paper], heats: dict[str, str]
) -> Edition:
    assert mail.day  # noqa: S101  narrows the type
    return edition_from(
        mail.payload, day=mail.day, slot=mail.slot, subscriber=reader, papers=papers, heats=heats
    )


def sections(links: Links, edition: Edition) -> Sections:
    """The cards of an edition under their headings; a section without papers is left out."""
    return [
        (title, [_card(links, edition, pick) for pick in edition.section(section)])
        for section, title in TITLES.items()
        if edition.section(section)
    ]


def _card(links: Links, edition: Edition, pick: Pick) -> Card:
    return card_of_pick(pick, links=links, reader=edition.subscriber, day=edition.day)
