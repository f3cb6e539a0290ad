"""Papers of the month: when they are announced, and the votes they earn. Recorded days, or the sample."""

import gzip
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from digest.models.arxiv_calendar import is_announcement_day
from digest.tools.demo.dataset import ArxivPaper, Dataset, load_dataset

DAY = timedelta(days=1)
FIRST, DAYS, WARM_UP = date(2026, 3, 2), 30, 14
HOLIDAY = date(2026, 3, 19)  # arXiv announced nothing, though it is in no calendar, and so not in ours
UNLISTED = 90  # real papers a day that are on no list, as most of arXiv is
REVISED = 0.08  # of the papers come again as a second version
MAX_CATEGORIES = 3
CATEGORY_WORDS: Mapping[str, str] = {
    "cs.RO": r"robot\w*|manipulation|grasp\w*|locomotion|embodied|vision-language-action|navigation",
    "cs.CV": r"image\w*|video\w*|visual\w*|3d|segmentation|pixel\w*|camera|diffusion|rendering",
    "cs.CL": r"language|llms?|text\w*|translation|dialogue|question|token\w*|linguistic|retrieval",
    "cs.AI": r"agents?|agentic|planning|reasoning|tool\w*|knowledge|memory",
    "cs.LG": r"learning|training|optimi[sz]ation|gradient\w*|neural|policy|reward\w*|generali[sz]ation",
    "stat.ML": r"bayesian|statistical|estimator\w*|regression|convergence|sampling|causal",
}
CATEGORY_PATTERNS = {
    category: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for category, words in CATEGORY_WORDS.items()
}
LICENCE = "http://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True, slots=True)
class Listing:
    """A paper on the voting list, and every recorded reading of it."""

    fields: Mapping[str, Any]
    listed: date
    readings: tuple[tuple[datetime, Mapping[str, Any]], ...]

    def at(self, now: datetime) -> Mapping[str, Any] | None:
        """Return the last reading by then; None before the first."""
        return next((reading for at, reading in reversed(self.readings) if at <= now), None)


@dataclass(frozen=True, slots=True)
class IndexedDataset(Dataset):
    """A data set of thousands of papers that stores the first day of each; searching for it would be slow."""

    first: Mapping[str, date]

    def get_first_day(self, paper: ArxivPaper) -> date:
        """Return the day it was first announced."""
        return self.first[paper.id]


def build_dataset(announced: Mapping[date, tuple[ArxivPaper, ...]]) -> IndexedDataset:
    """Build a data set of these announcements and nothing else."""
    days = sorted(announced.items(), reverse=True)
    return IndexedDataset(announced, (), (), {paper.id: day for day, papers in days for paper in papers})


@dataclass(frozen=True, slots=True)
class Month:
    """Everything that happens upstream: announcements, listings, and what the readers may come to like."""

    first: date
    days: int
    warm_up: int  # days before, on which the product already reads and nobody is subscribed
    dataset: Dataset
    listings: Mapping[date, Sequence[Listing]]
    texts: Mapping[str, str]  # by arXiv number: title and abstract
    authors: Mapping[str, tuple[str, ...]]
    votes: Mapping[str, float]  # final votes of each listed paper
    earlier: tuple[str, ...]  # texts of the year before: the corpus of the topic space
    subjects: tuple[str, ...]  # possible topics, most frequent first
    holiday: date | None = None

    @property
    def dates(self) -> list[date]:
        """The simulated days."""
        return [self.first + number * DAY for number in range(self.days)]


def load_recorded_month(folder: Path, *, seed: int = 7) -> Month:
    """Load March 2026 as it was recorded on Hugging Face, among a stream of arXiv papers nobody listed."""
    lines = [*_read_lines(folder, "history-*.jsonl.gz"), *_read_lines(folder, "papers-*.jsonl.gz")]
    start, end = FIRST - WARM_UP * DAY, FIRST + DAYS * DAY
    listed = [line for line in lines if start <= date.fromisoformat(line["featured"]) < end + 7 * DAY]
    old = [line for line in lines if line["featured"] < "2026"]
    rng = random.Random(seed)
    announced = _schedule_announcements(listed, old, start, end, rng)
    everything = [*listed, *old]
    return Month(
        first=FIRST,
        days=DAYS,
        warm_up=WARM_UP,
        dataset=build_dataset(announced),
        listings=_build_listings(listed),
        texts={line["id"]: f"{line['title']}\n{line['abstract']}" for line in everything},
        authors={line["id"]: tuple(line["authors"]) for line in everything},
        votes={line["id"]: _get_final_votes(line) for line in listed},
        earlier=tuple(f"{line['title']}\n{line['abstract']}" for line in old),
        subjects=_count_subjects(line["keywords"] or () for line in lines),
        holiday=HOLIDAY,
    )


def load_sample_month() -> Month:
    """Load the sample of the demo: ten invented days, of which the first three warm up."""
    dataset = load_dataset()
    papers = {paper.id: paper for papers in dataset.announced.values() for paper in papers}
    texts = {number: f"{paper.title}\n{paper.abstract}" for number, paper in papers.items()}
    return Month(
        first=date(2026, 11, 14),
        days=7,
        warm_up=3,
        dataset=dataset,
        listings={},
        texts=texts,
        authors={number: paper.authors for number, paper in papers.items()},
        votes={paper.id: float(paper.votes) for paper in dataset.listed},
        earlier=tuple(texts.values()),
        subjects=_count_subjects(paper.keywords for paper in dataset.listed),
    )


def _read_lines(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _schedule_announcements(
    listed: Sequence[Mapping[str, Any]],
    old: Sequence[Mapping[str, Any]],
    start: date,
    end: date,
    rng: random.Random,
) -> dict[date, tuple[ArxivPaper, ...]]:
    """Announce listed papers the working day after submission, with unlisted ones, and revisions later."""
    days: dict[date, list[ArxivPaper]] = defaultdict(list)
    for line in listed:
        day = _find_announcement_day(date.fromisoformat(line["published"]) + DAY)
        if start <= day < end:
            days[day].append(_build_paper(line))
    fillers = iter(rng.sample(old, len(old)))
    for day in filter(_has_announcement, (start + n * DAY for n in range((end - start).days))):
        days[day] += [_build_paper(line) for line, _ in zip(fillers, range(UNLISTED), strict=False)]
    for day, papers in list(days.items()):
        for paper in papers:
            if paper.version == 1 and paper.id > f"{start:%y%m}" and rng.random() < REVISED:
                days[_find_announcement_day(day + rng.randint(2, 6) * DAY)].append(
                    _build_revision(paper, rng)
                )
    return {day: tuple(papers) for day, papers in sorted(days.items()) if day < end}


def _has_announcement(day: date) -> bool:
    return is_announcement_day(day) and day != HOLIDAY


def _find_announcement_day(day: date) -> date:
    while not _has_announcement(day):
        day += DAY
    return day


def _build_paper(line: Mapping[str, Any]) -> ArxivPaper:
    return ArxivPaper(
        id=line["id"],
        version=1,
        type="new",
        title=line["title"],
        abstract=line["abstract"],
        authors=tuple(line["authors"]),
        creator=", ".join(line["authors"]),
        categories=guess_categories(f"{line['title']}\n{line['abstract']}"),
        licence=LICENCE,
    )


def _build_revision(paper: ArxivPaper, rng: random.Random) -> ArxivPaper:
    """Return the second version: one more sentence, and every third time another title."""
    title = f"{paper.title} (Extended)" if rng.random() < 1 / 3 else paper.title
    abstract = f"{paper.abstract} We release our code."
    return replace(paper, version=2, type="replace", title=title, abstract=abstract)


def _build_listings(listed: Sequence[Mapping[str, Any]]) -> dict[date, list[Listing]]:
    days: dict[date, list[Listing]] = defaultdict(list)
    for line in listed:
        readings = sorted(
            (
                (datetime.fromisoformat(snapshot["t"]).astimezone(UTC), snapshot)
                for snapshot in line["snapshots"]
            ),
            key=lambda reading: reading[0],
        )
        if readings:
            day = date.fromisoformat(line["featured"])
            days[day].append(Listing(line, day, tuple(readings)))
    return days


def _get_final_votes(line: Mapping[str, Any]) -> float:
    return float(max((snapshot["upvotes"] or 0 for snapshot in line["snapshots"]), default=0))


def _count_subjects(keywords: Iterable[Iterable[str]]) -> tuple[str, ...]:
    counts = Counter(word.lower() for words in keywords for word in words)
    return tuple(word for word, _ in counts.most_common())


def guess_categories(text: str) -> tuple[str, ...]:
    """Return the categories whose words occur at least twice, most frequent first; cs.LG if there is none.

    The recording has no categories.
    """
    counts = {category: len(pattern.findall(text)) for category, pattern in CATEGORY_PATTERNS.items()}
    matches = [
        category for category in sorted(counts, key=lambda name: -counts[name]) if counts[category] >= 2
    ]
    return tuple(matches[:MAX_CATEGORIES]) or ("cs.LG",)


def noon(day: date) -> datetime:
    """Return twelve o'clock UTC."""
    return datetime.combine(day, time(12), UTC)
