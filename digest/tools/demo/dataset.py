"""What does the sample hold? Ten days of announcements, the votes they drew, and the talk about them.

The files beside this module are JSON lines: one file per day of arXiv's announcements (and one of a day
before the ten), one line per paper as announced, with TeX as raw as arXiv's; one line per paper on
Hugging Face's daily list; one line per story on Hacker News. A line says where a paper's attention ends
and in which shape it gets there, so that the same moment always shows the same numbers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any

FIRST_DAY = date(2026, 11, 11)  # a Wednesday
LAST_DAY = date(2026, 11, 20)  # the Friday of the week after


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One paper as arXiv announced it on one day: title, abstract and creator are raw TeX."""

    id: str
    version: int
    type: str  # arXiv's own word: new, cross, replace, replace-cross
    title: str
    abstract: str
    authors: tuple[str, ...]  # as people write them
    creator: str  # as arXiv writes them: one string, TeX accents, affiliations in parentheses
    categories: tuple[str, ...]  # the first is the primary one
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One paper on Hugging Face's daily list. What is None or empty, the service leaves out."""

    id: str
    listed: date
    hour: int  # of that day, UTC: when somebody put it there
    published: date  # when arXiv announced it
    votes: int  # a week after
    shape: str  # how the votes arrive (digest.tools.demo.curves)
    wakes: float = 0.0  # hours after listing: when a sleeper is discovered
    comments: int = 0
    title: str
    abstract: str
    authors: tuple[str, ...]
    stars: int | None = None
    repo: str = ""
    page: bool = False  # has a project page
    organization: str = ""
    summary: str = ""
    keywords: tuple[str, ...] = ()

    @property
    def dawn(self) -> datetime:
        """Midnight of the listing day, from which its votes are counted."""
        return datetime.combine(self.listed, time(), UTC)

    @property
    def appears(self) -> datetime:
        """The moment from which the list shows it."""
        return self.dawn + timedelta(hours=self.hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story on Hacker News; some link no paper, some link nothing at all."""

    number: int
    posted: datetime
    title: str
    url: str | None
    points: int  # a day after
    comments: int


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything the sample's services know."""

    announced: Mapping[date, tuple[Announced, ...]]
    listed: tuple[Listed, ...]
    stories: tuple[Story, ...]

    def first_day(self, paper: Announced) -> date:
        """The day it was first announced; the month of its number, if that lies before all we hold."""
        numbered = date(2000 + int(paper.id[:2]), int(paper.id[2:4]), 1)
        days = (day for day, papers in self.announced.items() for each in papers if each.id == paper.id)
        day = next(days, numbered)
        return day if (day.year, day.month) == (numbered.year, numbered.month) else numbered


@cache
def collection() -> Collection:
    """The sample, read from its files once."""
    here = files("digest.tools.demo") / "data"
    announced = {
        date.fromisoformat(file.name.removesuffix(".jsonl")): tuple(_announced(line) for line in _lines(file))
        for file in sorted((here / "announced").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".jsonl")
    }
    papers = Collection(announced, (), ())
    first = {each.id: each for day in reversed(announced.values()) for each in day}
    lines = _lines(here / "attention" / "huggingface.jsonl")
    listed = tuple(_listed(line, first[line["id"]], papers) for line in lines)
    lines = _lines(here / "attention" / "hackernews.jsonl")
    stories = tuple(_story(number, line) for number, line in enumerate(lines))
    return Collection(announced, listed, stories)


def _lines(file: Traversable) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _announced(line: dict[str, Any]) -> Announced:
    creator = line.get("creator") or ", ".join(line["authors"])
    lists = {"authors": tuple(line["authors"]), "categories": tuple(line["categories"])}
    return Announced(**(line | lists | {"creator": creator}))


def _listed(line: dict[str, Any], paper: Announced, held: Collection) -> Listed:
    words = {"title": paper.title, "abstract": paper.abstract, "authors": paper.authors}
    days = {"listed": date.fromisoformat(line["listed"]), "published": held.first_day(paper)}
    return Listed(**(words | line | days | {"keywords": tuple(line.get("keywords", ()))}))


def _story(number: int, line: dict[str, Any]) -> Story:
    paper = line.get("id")
    return Story(
        number=49_000_000 + 811 * number,
        posted=datetime.combine(date.fromisoformat(line["day"]), time(line["hour"]), UTC),
        title=line["title"],
        url=f"https://arxiv.org/abs/{paper}" if paper else line.get("url"),
        points=line["points"],
        comments=line["comments"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoReader:
    """One invented reader, and what they type into the form."""

    name: str
    address: str
    taste: str
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    timezone: str
    send_at: str

    @property
    def wishes(self) -> Mapping[str, object]:
        """What they type into the form, by the names of its fields."""
        return {
            "keywords": self.keywords,
            "categories": self.categories,
            "timezone": self.timezone,
            "send_at": self.send_at,
        }


READERS = (
    DemoReader(
        name="Lin",
        address="lin@language.example",
        taste="language models",
        keywords=("language models", "interpretability", "unlearning", "generated text", "prompts"),
        categories=("cs.CL",),
        timezone="America/New_York",
        send_at="07:00",
    ),
    DemoReader(
        name="Robin",
        address="robin@robots.example",
        taste="robotics",
        keywords=("robot manipulation", "grasping", "legged robots", "learning from corrections"),
        categories=("cs.RO",),
        timezone="Europe/Berlin",
        send_at="13:00",
    ),
    DemoReader(
        name="Stella",
        address="stella@statistics.example",
        taste="statistics",
        keywords=(
            "confidence intervals",
            "causal inference",
            "adaptive trials",
            "conformal prediction",
            "variance reduction",
        ),
        categories=("stat.ME", "stat.ML"),
        timezone="America/Sao_Paulo",
        send_at="09:00",
    ),
)
Curve = Sequence[tuple[float, float]]  # hours since the listing day began, fraction of the week's votes
CURVES: dict[str, Curve] = {
    "usual": ((0, 0), (3, 0.18), (8, 0.40), (10.5, 0.47), (24, 0.66), (48, 0.81), (72, 0.89), (168, 1)),
    "early": ((0, 0), (3, 0.35), (8, 0.60), (24, 0.86), (48, 0.94), (168, 1)),
    "late": ((0, 0), (3, 0.05), (8, 0.20), (24, 0.45), (48, 0.70), (96, 0.90), (168, 1)),
    "rocket": ((0, 0), (3, 0.20), (8, 0.46), (24, 0.74), (48, 0.90), (168, 1)),
    "sleeper": ((0, 0), (24, 0.50), (72, 0.85), (168, 1)),  # of the little it gets before it wakes
}
STORY: Curve = ((0, 0), (2, 0.35), (6, 0.75), (24, 1))  # Hacker News is quick
ASLEEP = 0.13  # of a sleeper's votes arrive whether or not it is ever discovered


def votes_at(hours: float, *, final: int, shape: str, wakes: float = 0.0) -> int:
    """Votes after so many hours, of a paper on its way to `final`; never falls, never exceeds it."""
    if shape != "sleeper":
        return round(final * fraction(CURVES[shape], hours))
    drowsy = ASLEEP * fraction(CURVES["sleeper"], hours)
    return round(final * (drowsy + (1 - ASLEEP) * fraction(CURVES["early"], hours - wakes)))


def fraction(curve: Curve, hours: float) -> float:
    """The share of the whole that has arrived, read between the curve's points."""
    if hours <= 0:
        return 0.0
    for (start, low), (end, high) in pairwise(curve):
        if hours <= end:
            return low + (high - low) * (hours - start) / (end - start)
    return 1.0
