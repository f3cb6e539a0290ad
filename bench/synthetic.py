"""Synthetic papers, votes and readers, the same ones every time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from digest.db import Database
from digest.db.subscribers.rows import create_public_id
from digest.db.tables import DELIVERY
from digest.models import (
    DeliveryKind,
    NewDelivery,
    Paper,
    Preferences,
    Profile,
    Schedule,
    Sent,
    Signal,
    SignalKind,
    Status,
    Subscriber,
)

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # a Monday
SLOT = NOW - timedelta(minutes=30)
TOPICS = 40
WORDS_PER_TOPIC = 12
SYLLABLES = ("ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "ne", "po", "ra", "si", "to", "vu", "we")
CHUNK_SIZE = 5_000
PAST_PAPERS = 40  # of each day gone by


def build_vocabulary() -> list[list[str]]:
    """Return a vocabulary of invented words for each topic, so that no real text biases the result."""
    rng = Random(1)
    words = ["".join(rng.choices(SYLLABLES, k=3)) for _ in range(TOPICS * WORDS_PER_TOPIC)]
    return [words[start : start + WORDS_PER_TOPIC] for start in range(0, len(words), WORDS_PER_TOPIC)]


def generate_papers(count: int) -> Iterator[Paper]:
    """Yield papers of last night: a title of nine words, an abstract of 140."""
    rng, vocabulary = Random(2), build_vocabulary()
    for number in range(count):
        topic_words = vocabulary[number % TOPICS] * 3 + [word for topic in vocabulary for word in topic[:2]]
        sentences = [" ".join(rng.choices(topic_words, k=20)).capitalize() + "." for _ in range(7)]
        yield Paper(
            id=f"arxiv:2611.{number:05d}",
            title=" ".join(rng.choices(topic_words, k=9)).title(),
            abstract=" ".join(sentences),
            url=f"https://arxiv.org/abs/2611.{number:05d}",
            published=NOW - timedelta(hours=20),
            authors=tuple(
                f"{rng.choice(topic_words).title()} {rng.choice(topic_words).title()}" for _ in range(4)
            ),
            categories=("cs.LG",),
            code_url=f"https://github.com/invented/{number}" if number % 3 == 0 else "",
            listed=NOW.date(),
        )


def generate_votes(count: int) -> Iterator[Signal]:
    """Yield votes for every second paper; a few have many."""
    rng = Random(3)
    for number in range(0, count, 2):
        yield Signal(
            paper_id=f"arxiv:2611.{number:05d}",
            kind=SignalKind.UPVOTES,
            value=float(round(rng.paretovariate(0.9))),
            observed_at=NOW - timedelta(hours=2),
            source="huggingface",
        )


def generate_readers(first: int, count: int) -> Iterator[Subscriber]:
    """Yield confirmed readers who are due now, each with three keywords of one or two topics."""
    vocabulary = build_vocabulary()
    for number in range(first, first + count):
        rng = Random(number)
        keywords = rng.sample(rng.choice(vocabulary) + rng.choice(vocabulary), 3)
        yield Subscriber(
            id=0,
            public_id=create_public_id(),
            address=f"reader{number}@domain{number % 997}.example",
            status=Status.CONFIRMED,
            profile=Profile(keywords=tuple(keywords)),
            schedule=Schedule(),
            preferences=Preferences(),
            created_at=NOW - timedelta(days=30),
            confirmed_at=NOW - timedelta(days=30),
            next_due=SLOT,
            cursor=NOW - timedelta(days=1),
        )


def create_due_database(
    file: Path, *, reader_count: int, paper_count: int = 500, history_days: int = 0
) -> Path:
    """Create a database in which *reader_count* readers wait for the digest of the day.

    They have got one on each of the last *history_days*.
    """
    store = Database.open(f"sqlite:///{file}")
    with store.begin() as tx:
        tx.papers.add(list(generate_papers(paper_count)), seen_at=NOW - timedelta(hours=6))
        tx.signals.add(list(generate_votes(paper_count)))
    for first in range(0, reader_count, CHUNK_SIZE):
        subscribers = [*generate_readers(first, min(CHUNK_SIZE, reader_count - first))]
        with store.begin() as tx:
            tx.subscribers.add_many(subscribers)
    for days in range(history_days, 0, -1):
        add_past_day(store, days, reader_count)
    store.close()
    return file


def add_past_day(store: Database, days_ago: int, reader_count: int) -> None:
    """Add the papers of a day gone by, and a delivery of twenty of them to each reader."""
    rng, slot = Random(days_ago), SLOT - timedelta(days=days_ago)
    ids = [f"arxiv:{2000 + days_ago}.{number:05d}" for number in range(PAST_PAPERS)]
    papers = [
        Paper(id=id_, title=f"Past {id_}", abstract="", url="", published=slot, authors=(f"A. {id_}",))
        for id_ in ids
    ]
    chunks = range(1, reader_count + 1, CHUNK_SIZE // 10)
    with store.begin() as tx:
        # All but the newest are no candidates, so that only their memory makes a difference.
        tx.papers.add(papers[:1], seen_at=slot)
        tx.papers.add(papers[1:], seen_at=slot - timedelta(days=7))
    for first in chunks:
        readers = range(first, min(first + chunks.step, reader_count + 1))
        deliveries = [_build_past_delivery(reader, rng.sample(ids, 20), slot) for reader in readers]
        with store.begin() as tx:
            tx.deliveries.enqueue(deliveries, now=slot)
            done = {"state": "accepted", "accepted_at": slot, "finished_at": slot}
            tx.connection.execute(sa.update(DELIVERY).where(DELIVERY.c.state == "queued").values(done))


def _build_past_delivery(reader: int, papers: list[str], slot: datetime) -> NewDelivery:
    payload = {  # as long as those of the readers above
        "notes": [],
        "papers": papers,
        "sections": "tttppppppnnnnnnnnnnn",
        "affinity": [4.7136] * 20,
        "score": [3.8104] * 20,
        "heat": ["dAbCdEfGhIjK"] * 20,
        "reasons": [*[""] * 6, *['{"because":"terms","terms":["balofu","dikomo"]}'] * 14],
    }
    return NewDelivery(
        kind=DeliveryKind.DIGEST,
        key=f"digest/{slot.date()}/{reader}",
        subscriber_id=reader,
        address=f"reader{reader - 1}@domain{(reader - 1) % 997}.example",
        day=slot.date(),
        slot=slot,
        not_before=slot,
        not_after=slot + timedelta(hours=20),
        payload=payload,
        papers={paper: Sent(day=slot.date(), expected=1.5, votes=3.0) for paper in papers},
    )
