"""Simulated readers: fifty people of different interests, habits and time zones."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bench.simulation.interest_model import (
    InterestModel,
    Topic,
    TopicSpace,
    Vector,
    choose_liked,
    extract_terms,
    find_topics,
)
from bench.simulation.month import Month

ZONES = (
    "Pacific/Honolulu", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York",
    "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Santiago", "Europe/London",
    "Europe/Berlin", "Europe/Helsinki", "Africa/Lagos", "Africa/Nairobi", "Asia/Tehran", "Asia/Dubai",
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Bangkok", "Asia/Shanghai", "Asia/Tokyo", "Australia/Adelaide",
    "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
ROUNDS = (6, 18)  # hours UTC: every reader is due in one of two rounds
EARLIEST, LATEST = time(5, 30), time(17, 30)
FREQUENCIES = (
    "daily", "daily", "daily", "weekdays", "daily", "daily", "weekdays", "daily", "daily", "weekly",
)  # fmt: skip
TYPED_AT_SIGN_UP = ("all", "first", "first", "vague", "first", "all", "vague", "category", "first", "nothing")


@dataclass(frozen=True, slots=True)
class FeedbackHabit:
    """How often a reader rates a paper they have read."""

    name: str
    more: float  # probability, of a paper they like
    less: float  # probability, of a pick they do not like


FEEDBACK_HABITS = (
    FeedbackHabit("keen", 0.8, 0.4),
    FeedbackHabit("usual", 0.5, 0.15),
    FeedbackHabit("keen", 0.8, 0.4),
    FeedbackHabit("usual", 0.5, 0.15),
    FeedbackHabit("silent", 0.0, 0.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One reader: what the product is told, and what it can only learn from clicks."""

    number: int
    settings: Mapping[str, object]
    habit: FeedbackHabit
    typed: str  # how much of their interests they typed
    model: InterestModel
    likes: frozenset[str] = field(repr=False)  # arXiv numbers
    pause: tuple[date, date] | None = None  # from the first day to the day before the second
    leaves_on: date | None = None

    @property
    def address(self) -> str:
        """The mail address."""
        return f"reader-{self.number:02d}@readers.example"

    @property
    def gives_feedback(self) -> bool:
        """True if the reader ever gives feedback."""
        return self.habit.more > 0


def create_readers(month: Month, count: int, *, seed: int = 11) -> list[Reader]:
    """Return *count* readers, the same every time."""
    rng = random.Random(seed)
    space = TopicSpace(month.earlier)
    topics = find_topics(month.earlier, month.subjects, space, number=max(3, count))
    papers = {paper.id for papers in month.dataset.announced.values() for paper in papers}
    numbers = sorted(papers | month.votes.keys())
    vectors = {number: space.sense(extract_terms(month.texts[number])) for number in numbers}
    return [_create_reader(number, month, topics, vectors, rng) for number in range(count)]


def _create_reader(
    number: int,
    month: Month,
    topics: Sequence[Topic],
    vectors: Mapping[str, Vector],
    rng: random.Random,
) -> Reader:
    model = _create_model(topics, month, rng)
    zone = ZONES[number % len(ZONES)]
    typed = TYPED_AT_SIGN_UP[number % len(TYPED_AT_SIGN_UP)]
    settings = {
        "timezone": zone,
        "send_at": f"{_find_send_time(zone, month.first):%H:%M}",
        "frequency": FREQUENCIES[number // 5 % len(FREQUENCIES)],
        "weekday": number % 5,
        "language": "de" if number == 10 else "en",
        "mix": ("balanced", "balanced", "mine", "balanced", "everyone")[number // 2 % 5],
        **_build_profile_settings(typed, model, number),
    }
    pauses = {3: (8, 12), 13: (8, 12), 22: (15, 22), 31: (4, 18), 44: (1, 4)}
    first, end = pauses.get(number, (0, 0))
    return Reader(
        number=number,
        settings=settings,
        habit=FEEDBACK_HABITS[(number + number // 10) % len(FEEDBACK_HABITS)],
        typed=typed,
        model=model,
        likes=choose_liked(model, vectors, month.votes, month.authors, seed=number),
        pause=(month.first + timedelta(first), month.first + timedelta(end)) if end else None,
        leaves_on=month.first + timedelta(16) if number == 27 else None,
    )


def _create_model(topics: Sequence[Topic], month: Month, rng: random.Random) -> InterestModel:
    chosen = rng.sample(topics, min(rng.choice((1, 2, 2, 3)), len(topics)))
    last_authors = [name for names in month.authors.values() for name in names[-1:]]
    return InterestModel(
        topics=tuple(
            (topic, 1.0 if not index else rng.uniform(0.7, 1.0)) for index, topic in enumerate(chosen)
        ),
        popularity=rng.choice((0.0, 0.1, 0.1, 0.3)),
        authors_liked=frozenset(rng.sample(last_authors, 3)),
        noise=0.06,
        share=rng.uniform(0.03, 0.06),
    )


def _build_profile_settings(typed: str, model: InterestModel, number: int) -> dict[str, object]:
    """Return what they type at sign-up: all topics, the first, a vague word, a category, or nothing."""
    names = [topic.name for topic, _ in model.topics]
    if typed == "all":
        return {"keywords": tuple(names)}
    if typed == "first":
        return {"keywords": (names[0],)}
    if typed == "vague":
        return {"keywords": (names[0].replace("-", " ").split()[-1],)}
    if typed == "category":
        return {"categories": (("cs.CV", "cs.CL", "cs.AI", "cs.LG")[number // 10 % 4],)}
    return {}


def _find_send_time(zone: str, day: date) -> time:
    """Return the local time of the round in that zone that lies between 5:30 and 17:30."""
    slots = (datetime.combine(day, time(hour), UTC).astimezone(ZoneInfo(zone)).time() for hour in ROUNDS)
    return next(slot for slot in slots if EARLIEST <= slot < LATEST)
