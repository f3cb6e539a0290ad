"""The demo's papers: ten days of arXiv announcements, their votes, and the Hacker News stories about them.

The files in data/ are JSON lines: one file per day of arXiv's announcements (and one of a day before the
ten), one line per paper as announced, with TeX as raw as arXiv's; one line per paper on Hugging Face's
daily list; one line per story on Hacker News; one line per invented reader. A line gives a paper's final
votes and the curve by which they arrive, so the same moment always shows the same numbers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any

FIRST_DAY = date(2026, 11, 11)  # a Wednesday
LAST_DAY = date(2026, 11, 20)  # the Friday of the week after

Curve = Sequence[tuple[float, float]]  # hours since the listing day began, fraction of the week's votes
CURVES: dict[str, Curve] = {
    "usual": ((0, 0), (3, 0.18), (8, 0.40), (10.5, 0.47), (24, 0.66), (48, 0.81), (72, 0.89), (168, 1)),
    "early": ((0, 0), (3, 0.35), (8, 0.60), (24, 0.86), (48, 0.94), (168, 1)),
    "late": ((0, 0), (3, 0.05), (8, 0.20), (24, 0.45), (48, 0.70), (96, 0.90), (168, 1)),
    "rocket": ((0, 0), (3, 0.20), (8, 0.46), (24, 0.74), (48, 0.90), (168, 1)),
    "sleeper": ((0, 0), (24, 0.50), (72, 0.85), (168, 1)),  # of the few votes it gets before it is discovered
}
STORY_CURVE: Curve = ((0, 0), (2, 0.35), (6, 0.75), (24, 1))  # Hacker News is quick
DATA = files("digest.tools.demo") / "data"
UNDISCOVERED_SHARE = 0.13  # of a sleeper's votes arrive whether or not it is ever discovered


@dataclass(frozen=True, slots=True, kw_only=True)
class ArxivPaper:
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
class HuggingFacePaper:
    """One paper on Hugging Face's daily list. What is None or empty, the service leaves out.

    The fields are named as in the data files.
    """

    id: str
    listed: date
    hour: int  # of that day, UTC: when somebody listed it
    published: date  # when arXiv announced it
    votes: int  # a week after
    shape: str  # a key of CURVES: how the votes arrive
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
    def day_start(self) -> datetime:
        """Midnight of the listing day, from which its votes are counted."""
        return datetime.combine(self.listed, time(), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class HackerNewsStory:
    """One story on Hacker News; some link no paper, some link nothing at all."""

    number: int
    posted: datetime
    title: str
    url: str | None
    points: int  # a day after
    comments: int


@dataclass(frozen=True, slots=True)
class Dataset:
    """Everything that the demo's services serve."""

    announced: Mapping[date, tuple[ArxivPaper, ...]]
    listed: tuple[HuggingFacePaper, ...]
    stories: tuple[HackerNewsStory, ...]

    def get_first_day(self, paper: ArxivPaper) -> date:
        """Return the day *paper* was first announced.

        If that lies before all days of the dataset, this is the first day of the month in its id.
        """
        id_month = date(2000 + int(paper.id[:2]), int(paper.id[2:4]), 1)
        days = (
            day for day, papers in self.announced.items() for candidate in papers if candidate.id == paper.id
        )
        day = next(days, id_month)
        return day if (day.year, day.month) == (id_month.year, id_month.month) else id_month


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


@cache
def load_dataset() -> Dataset:
    """Return the demo's dataset. The files are read once."""
    announced = {
        date.fromisoformat(file.name.removesuffix(".jsonl")): tuple(
            _parse_arxiv_paper(line) for line in _read_lines(file)
        )
        for file in sorted((DATA / "announced").iterdir(), key=lambda file: file.name)
        if file.name.endswith(".jsonl")
    }
    arxiv_only = Dataset(announced, (), ())
    first_versions = {paper.id: paper for papers in reversed(announced.values()) for paper in papers}
    listed = tuple(
        _parse_huggingface_paper(line, first_versions[line["id"]], arxiv_only)
        for line in _read_lines(DATA / "attention" / "huggingface.jsonl")
    )
    stories = tuple(
        _parse_story(index, line)
        for index, line in enumerate(_read_lines(DATA / "attention" / "hackernews.jsonl"))
    )
    return Dataset(announced, listed, stories)


def _read_lines(file: Traversable) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _parse_arxiv_paper(line: dict[str, Any]) -> ArxivPaper:
    creator = line.get("creator") or ", ".join(line["authors"])
    lists = {"authors": tuple(line["authors"]), "categories": tuple(line["categories"])}
    return ArxivPaper(**(line | lists | {"creator": creator}))


def _parse_huggingface_paper(line: dict[str, Any], paper: ArxivPaper, dataset: Dataset) -> HuggingFacePaper:
    texts = {"title": paper.title, "abstract": paper.abstract, "authors": paper.authors}
    dates = {"listed": date.fromisoformat(line["listed"]), "published": dataset.get_first_day(paper)}
    return HuggingFacePaper(**(texts | line | dates | {"keywords": tuple(line.get("keywords", ()))}))


def _parse_story(index: int, line: dict[str, Any]) -> HackerNewsStory:
    paper_id = line.get("id")
    return HackerNewsStory(
        number=49_000_000 + 811 * index,
        posted=datetime.combine(date.fromisoformat(line["day"]), time(line["hour"]), UTC),
        title=line["title"],
        url=f"https://arxiv.org/abs/{paper_id}" if paper_id else line.get("url"),
        points=line["points"],
        comments=line["comments"],
    )


def _parse_reader(line: dict[str, Any]) -> DemoReader:
    lists = {name: tuple(line[name]) for name in ("keywords", "categories")}
    return DemoReader(**(line | lists))


def count_votes(hours: float, *, final: int, shape: str, wakes: float = 0.0) -> int:
    """Return the votes after so many hours of a paper that ends with *final*; never falls, never exceeds it.

    Before *wakes* hours, a paper of the shape "sleeper" gets only the votes that it gets undiscovered.
    """
    if shape != "sleeper":
        return round(final * interpolate(CURVES[shape], hours))
    undiscovered = UNDISCOVERED_SHARE * interpolate(CURVES["sleeper"], hours)
    return round(
        final * (undiscovered + (1 - UNDISCOVERED_SHARE) * interpolate(CURVES["early"], hours - wakes))
    )


def interpolate(curve: Curve, hours: float) -> float:
    """Return the share of the total after so many hours, linear between the curve's points."""
    if hours <= 0:
        return 0.0
    for (start, low), (end, high) in pairwise(curve):
        if hours <= end:
            return low + (high - low) * (hours - start) / (end - start)
    return 1.0


READERS = tuple(map(_parse_reader, _read_lines(DATA / "readers.jsonl")))
