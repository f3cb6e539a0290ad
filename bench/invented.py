"""Who reads, and what is there to read? Invented papers, votes and readers, the same ones every time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from digest.db import Database
from digest.db.subscribers.rows import new_pid
from digest.models import Paper, Preferences, Profile, Schedule, Signal, SignalKind, Status, Subscriber

NOW = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)  # a Monday
SLOT = NOW - timedelta(minutes=30)
TOPICS = 40
WORDS_A_TOPIC = 12
SYLLABLES = ("ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "ne", "po", "ra", "si", "to", "vu", "we")
CHUNK = 5_000


def words() -> list[list[str]]:
    """A language of topics: nobody's, so that nothing is read into it."""
    chance = Random(1)
    made = ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(TOPICS * WORDS_A_TOPIC)]
    return [made[at : at + WORDS_A_TOPIC] for at in range(0, len(made), WORDS_A_TOPIC)]


def papers(count: int) -> Iterator[Paper]:
    """Papers of last night: a title of nine words, an abstract of a hundred and forty."""
    chance, language = Random(2), words()
    for number in range(count):
        own = language[number % TOPICS] * 3 + [word for topic in language for word in topic[:2]]
        said = [" ".join(chance.choices(own, k=20)).capitalize() + "." for _ in range(7)]
        yield Paper(
            id=f"arxiv:2611.{number:05d}",
            title=" ".join(chance.choices(own, k=9)).title(),
            abstract=" ".join(said),
            url=f"https://arxiv.org/abs/2611.{number:05d}",
            published=NOW - timedelta(hours=20),
            authors=tuple(f"{chance.choice(own).title()} {chance.choice(own).title()}" for _ in range(4)),
            categories=("cs.LG",),
            code_url=f"https://github.com/invented/{number}" if number % 3 == 0 else "",
            listed=NOW.date(),
        )


def votes(count: int) -> Iterator[Signal]:
    """Every other paper has some; a few have many."""
    chance = Random(3)
    for number in range(0, count, 2):
        yield Signal(
            paper_id=f"arxiv:2611.{number:05d}",
            kind=SignalKind.UPVOTES,
            value=float(round(chance.paretovariate(0.9))),
            observed_at=NOW - timedelta(hours=2),
            source="huggingface",
        )


def readers(first: int, count: int) -> Iterator[Subscriber]:
    """Confirmed people who are due now, each with three words of one or two topics."""
    language = words()
    for number in range(first, first + count):
        chance = Random(number)
        own = chance.sample(chance.choice(language) + chance.choice(language), 3)
        yield Subscriber(
            id=0,
            pid=new_pid(),
            address=f"reader{number}@house{number % 997}.example",
            status=Status.CONFIRMED,
            profile=Profile(keywords=tuple(own)),
            schedule=Schedule(),
            preferences=Preferences(),
            created_at=NOW - timedelta(days=30),
            confirmed_at=NOW - timedelta(days=30),
            next_due=SLOT,
            cursor=NOW - timedelta(days=1),
        )


def settled(file: Path, *, people: int, works: int = 500) -> Path:
    """A database in which so many people wait for the day's digest."""
    store = Database.open(f"sqlite:///{file}")
    with store.begin() as tx:
        tx.papers.add(list(papers(works)), seen_at=NOW - timedelta(hours=6))
        tx.signals.observe(list(votes(works)))
    for first in range(0, people, CHUNK):
        _move_in(store, [*readers(first, min(CHUNK, people - first))])
    store.close()
    return file


def _move_in(store: Database, newcomers: Sequence[Subscriber]) -> None:
    with store.begin() as tx:
        tx.subscribers.add_many(newcomers)
