"""Who reads? Fifty people of different taste, habit and place, and how much of their taste they tell us."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bench.simulation.month import Month
from bench.simulation.taste import Space, Taste, Topic, Vector, liked, terms_of, topics_in

ZONES = (
    "Pacific/Honolulu", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Santiago", "Europe/London",
    "Europe/Berlin", "Europe/Helsinki", "Africa/Lagos", "Africa/Nairobi", "Asia/Tehran", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
ROUNDS = (6, 18)  # hours UTC: everybody reads in one of two watches
EARLIEST, LATEST = time(5, 30), time(17, 30)
FREQUENCIES = (
    "daily",
    "daily",
    "daily",
    "weekdays",
    "daily",
    "daily",
    "weekdays",
    "daily",
    "daily",
    "weekly",
)
TELLING = ("all", "first", "first", "vague", "first", "all", "vague", "category", "first", "nothing")


@dataclass(frozen=True, slots=True)
class Manner:
    """How often somebody says what they think of a paper they have read."""

    name: str
    more: float  # of a paper they like
    less: float  # of a pick that is nothing for them


MANNERS = (
    Manner("keen", 0.8, 0.4),
    Manner("usual", 0.5, 0.15),
    Manner("keen", 0.8, 0.4),
    Manner("usual", 0.5, 0.15),
    Manner("silent", 0.0, 0.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader: what the product is told, and what it never learns but from clicks."""

    number: int
    wishes: Mapping[str, object]
    manner: Manner
    told: str  # how much of their taste they typed
    taste: Taste
    likes: frozenset[str] = field(repr=False)  # arXiv numbers
    pause: tuple[date, date] | None = None  # from the first day to the day before the second
    leaves: date | None = None

    @property
    def address(self) -> str:
        """Where the mail goes."""
        return f"reader-{self.number:02d}@readers.example"

    @property
    def speaks(self) -> bool:
        """Whether anything can be learnt from them."""
        return self.manner.more > 0


def readers_of(month: Month, count: int, *, seed: int = 11) -> list[Reader]:
    """So many readers, the same every time."""
    chance = random.Random(seed)
    space = Space(month.earlier)
    topics = topics_in(month.earlier, month.subjects, space, number=max(3, count))
    papers = {paper.id for papers in month.held.announced.values() for paper in papers}
    numbers = sorted(papers | month.votes.keys())
    shelf = {number: space.sense(terms_of(month.texts[number])) for number in numbers}
    return [_reader(number, month, topics, shelf, chance) for number in range(count)]


def _reader(
    number: int,
    month: Month,
    topics: Sequence[Topic],
    shelf: Mapping[str, Vector],
    chance: random.Random,
) -> Reader:
    taste = _taste(topics, month, chance)
    zone = ZONES[number % len(ZONES)]
    told = TELLING[number % len(TELLING)]
    wishes = {
        "timezone": zone,
        "send_at": f"{_morning(zone, month.first):%H:%M}",
        "frequency": FREQUENCIES[number // 5 % len(FREQUENCIES)],
        "weekday": number % 5,
        "language": "de" if number == 10 else "en",
        "mix": ("balanced", "balanced", "mine", "balanced", "everyone")[number // 2 % 5],
        **_typed(told, taste, number),
    }
    pauses = {3: (8, 12), 13: (8, 12), 22: (15, 22), 31: (4, 18), 44: (1, 4)}
    begun, over = pauses.get(number, (0, 0))
    return Reader(
        number=number,
        wishes=wishes,
        manner=MANNERS[(number + number // 10) % len(MANNERS)],
        told=told,
        taste=taste,
        likes=liked(taste, shelf, month.votes, month.authors, seed=number),
        pause=(month.first + timedelta(begun), month.first + timedelta(over)) if over else None,
        leaves=month.first + timedelta(16) if number == 27 else None,
    )


def _taste(topics: Sequence[Topic], month: Month, chance: random.Random) -> Taste:
    loved = chance.sample(topics, min(chance.choice((1, 2, 2, 3)), len(topics)))
    known = [name for names in month.authors.values() for name in names[-1:]]
    return Taste(
        topics=tuple(
            (topic, 1.0 if not place else chance.uniform(0.7, 1.0)) for place, topic in enumerate(loved)
        ),
        popularity=chance.choice((0.0, 0.1, 0.1, 0.3)),
        people=frozenset(chance.sample(known, 3)),
        noise=0.06,
        share=chance.uniform(0.03, 0.06),
    )


def _typed(told: str, taste: Taste, number: int) -> dict[str, object]:
    """What they type into the form: everything, their first love, a vague word, a category, or nothing."""
    names = [topic.name for topic, _ in taste.topics]
    if told == "all":
        return {"keywords": tuple(names)}
    if told == "first":
        return {"keywords": (names[0],)}
    if told == "vague":
        return {"keywords": (names[0].replace("-", " ").split()[-1],)}
    if told == "category":
        return {"categories": (("cs.CV", "cs.CL", "cs.AI", "cs.LG")[number // 10 % 4],)}
    return {}


def _morning(zone: str, day: date) -> time:
    """The local time of that zone's watch, between half past five in the morning and in the afternoon."""
    slots = (datetime.combine(day, time(hour), UTC).astimezone(ZoneInfo(zone)).time() for hour in ROUNDS)
    return next(slot for slot in slots if EARLIEST <= slot < LATEST)
