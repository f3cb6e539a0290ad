"""Which papers does the month bring, when, and what did they earn? Recorded days, or the invented sample."""

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bench.simulation.shelves import shelves_of
from digest.models.arxiv_calendar import arxiv_announces
from digest.tools.demo.dataset import Announced, Collection, collection

DAY = timedelta(days=1)
FIRST, DAYS, WARM_UP = date(2026, 3, 2), 30, 14
HOLIDAY = date(2026, 3, 19)  # arXiv kept silent though no calendar, and so not ours, knew of it
UNLISTED = 90  # real papers a day that nobody put on a list: most of arXiv is like that
REVISED = 0.08  # of the papers come again as a second version
LICENCE = "http://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True, slots=True)
class Listing:
    """A paper on the voting list, and every reading of it that was recorded."""

    told: Mapping[str, Any]
    listed: date
    readings: tuple[tuple[datetime, Mapping[str, Any]], ...]

    def at(self, now: datetime) -> Mapping[str, Any] | None:
        """The last reading by then; None before the first."""
        return next((reading for at, reading in reversed(self.readings) if at <= now), None)


@dataclass(frozen=True, slots=True)
class Held(Collection):
    """A collection of thousands, which knows each paper's first day by heart."""

    first: Mapping[str, date]

    def first_day(self, paper: Announced) -> date:
        """The day it was first announced."""
        return self.first[paper.id]


def held_of(announced: Mapping[date, tuple[Announced, ...]]) -> Held:
    """These announcements and nothing else."""
    days = sorted(announced.items(), reverse=True)
    return Held(announced, (), (), {paper.id: day for day, papers in days for paper in papers})


@dataclass(frozen=True, slots=True)
class Month:
    """Everything that happens outside: announcements, listings, and what the readers may come to like."""

    first: date
    days: int
    warm_up: int  # days before, on which the product already reads and nobody is subscribed
    held: Collection
    listings: Mapping[date, Sequence[Listing]]
    texts: Mapping[str, str]  # by arXiv number: title and abstract
    authors: Mapping[str, tuple[str, ...]]
    votes: Mapping[str, float]  # what each listed paper had earned at last
    earlier: tuple[str, ...]  # texts of the year before: where the words of a topic are learnt
    subjects: tuple[str, ...]  # what there is to be interested in, most usual first
    holiday: date | None = None

    @property
    def dates(self) -> list[date]:
        """The days that are lived through."""
        return [self.first + number * DAY for number in range(self.days)]


def recorded(folder: Path, *, seed: int = 7) -> Month:
    """March 2026 as it was recorded on Hugging Face, within a stream of arXiv papers nobody listed."""
    lines = [*_lines(folder, "history-*.jsonl.gz"), *_lines(folder, "papers-*.jsonl.gz")]
    start, end = FIRST - WARM_UP * DAY, FIRST + DAYS * DAY
    listed = [line for line in lines if start <= date.fromisoformat(line["featured"]) < end + 7 * DAY]
    old = [line for line in lines if line["featured"] < "2026"]
    chance = random.Random(seed)
    announced = _announced(listed, old, start, end, chance)
    everything = [*listed, *old]
    return Month(
        first=FIRST,
        days=DAYS,
        warm_up=WARM_UP,
        held=held_of(announced),
        listings=_listings(listed),
        texts={line["id"]: f"{line['title']}\n{line['abstract']}" for line in everything},
        authors={line["id"]: tuple(line["authors"]) for line in everything},
        votes={line["id"]: _earned(line) for line in listed},
        earlier=tuple(f"{line['title']}\n{line['abstract']}" for line in old),
        subjects=_subjects(line["keywords"] or () for line in lines),
        holiday=HOLIDAY,
    )


def invented() -> Month:
    """The sample that the demo shows: ten invented days, of which the first three warm up."""
    held = collection()
    papers = {paper.id: paper for papers in held.announced.values() for paper in papers}
    texts = {number: f"{paper.title}\n{paper.abstract}" for number, paper in papers.items()}
    return Month(
        first=date(2026, 11, 14),
        days=7,
        warm_up=3,
        held=held,
        listings={},
        texts=texts,
        authors={number: paper.authors for number, paper in papers.items()},
        votes={paper.id: float(paper.votes) for paper in held.listed},
        earlier=tuple(texts.values()),
        subjects=_subjects(paper.keywords for paper in held.listed),
    )


def _lines(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _announced(
    listed: Sequence[Mapping[str, Any]],
    old: Sequence[Mapping[str, Any]],
    start: date,
    end: date,
    chance: random.Random,
) -> dict[date, tuple[Announced, ...]]:
    """Listed papers the working day after they were handed in, unlisted ones besides, revisions later."""
    days: dict[date, list[Announced]] = defaultdict(list)
    for line in listed:
        day = _announcing(date.fromisoformat(line["published"]) + DAY)
        if start <= day < end:
            days[day].append(_paper(line))
    fillers = iter(chance.sample(old, len(old)))
    for day in filter(_announces, (start + n * DAY for n in range((end - start).days))):
        days[day] += [_paper(line) for line, _ in zip(fillers, range(UNLISTED), strict=False)]
    for day, papers in list(days.items()):
        for paper in papers:
            if paper.version == 1 and paper.id > f"{start:%y%m}" and chance.random() < REVISED:
                days[_announcing(day + chance.randint(2, 6) * DAY)].append(_revised(paper, chance))
    return {day: tuple(papers) for day, papers in sorted(days.items()) if day < end}


def _announces(day: date) -> bool:
    return arxiv_announces(day) and day != HOLIDAY


def _announcing(day: date) -> date:
    while not _announces(day):
        day += DAY
    return day


def _paper(line: Mapping[str, Any]) -> Announced:
    return Announced(
        id=line["id"],
        version=1,
        type="new",
        title=line["title"],
        abstract=line["abstract"],
        authors=tuple(line["authors"]),
        creator=", ".join(line["authors"]),
        categories=shelves_of(f"{line['title']}\n{line['abstract']}"),
        licence=LICENCE,
    )


def _revised(paper: Announced, chance: random.Random) -> Announced:
    """The second version: a sentence more, and every third time another title."""
    title = f"{paper.title} (Extended)" if chance.random() < 1 / 3 else paper.title
    abstract = f"{paper.abstract} We release our code."
    return replace(paper, version=2, type="replace", title=title, abstract=abstract)


def _listings(listed: Sequence[Mapping[str, Any]]) -> dict[date, list[Listing]]:
    days: dict[date, list[Listing]] = defaultdict(list)
    for line in listed:
        readings = sorted(
            ((datetime.fromisoformat(each["t"]).astimezone(UTC), each) for each in line["snapshots"]),
            key=lambda reading: reading[0],
        )
        if readings:
            day = date.fromisoformat(line["featured"])
            days[day].append(Listing(line, day, tuple(readings)))
    return days


def _earned(line: Mapping[str, Any]) -> float:
    return float(max((each["upvotes"] or 0 for each in line["snapshots"]), default=0))


def _subjects(keywords: Iterable[Iterable[str]]) -> tuple[str, ...]:
    counts = Counter(word.lower() for words in keywords for word in words)
    return tuple(word for word, _ in counts.most_common())


def noon(day: date) -> datetime:
    """Twelve o'clock UTC."""
    return datetime.combine(day, time(12), UTC)
