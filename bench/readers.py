"""Who are the readers of the benchmark? Real ones: what they liked, typed and saved later, day by day."""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from digest.models import LikedPaper, Paper

SETS = ("ml-authors", "citeulike-a-text", "citeulike-a-titles")

Features = tuple[Any, dict[int, int]]


@dataclass(frozen=True)
class Task:
    """One reader on one day: what was liked, what was typed, what turned out to be wanted."""

    reader: str
    liked: tuple[int, ...]
    keywords: tuple[str, ...]
    positives: frozenset[int]


@dataclass(frozen=True)
class Day:
    """The papers of one day, those of earlier days, and the readers of that day."""

    name: str
    texts: Sequence[str]
    candidates: tuple[int, ...]
    background: tuple[int, ...]
    tasks: tuple[Task, ...]

    def papers(self, places: Sequence[int]) -> list[Paper]:
        """These places as papers."""
        return [paper(place, self.texts[place]) for place in places]

    @cached_property
    def liked(self) -> list[int]:
        """Every paper that some reader of the day liked."""
        return sorted({place for task in self.tasks for place in task.liked})

    @cached_property
    def published(self) -> "Features":
        """arxiv-sanity-lite's own features: 20,000 words and pairs of five papers or more."""
        return self._features(rarest=5)

    @cached_property
    def tfidf(self) -> "Features":
        """The same with what stands in two papers: that makes every baseline on them stronger."""
        return self._features(rarest=2)

    def _features(self, *, rarest: int) -> "Features":
        """Rows of all texts, and in which row each stands."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  a baseline's own library

        kept = [*self.candidates, *self.background, *self.liked]
        vectorizer = TfidfVectorizer(
            strip_accents="unicode", stop_words="english", ngram_range=(1, 2), max_features=20_000,
            token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",  # noqa: S106  a pattern of words
            sublinear_tf=True, max_df=0.1, min_df=rarest,
        )  # fmt: skip
        rows = vectorizer.fit_transform(self.texts[place] for place in kept)
        return rows, {place: at for at, place in reversed(list(enumerate(kept)))}


def paper(place: int, text: str) -> Paper:
    """One of the benchmark's texts as a paper."""
    title, _, abstract = text.partition("\n")
    return Paper(id=str(place), title=title, abstract=abstract)


def liking(text: str) -> LikedPaper:
    """One of the benchmark's texts as something a reader liked."""
    title, _, abstract = text.partition("\n")
    return LikedPaper(title, abstract)


def days() -> Iterator[Day]:
    """Every day of every set."""
    folder = Path(os.environ.get("DIGEST_RANKING", "../shared/ranking"))
    for name in SETS:
        with gzip.open(folder / f"{name}.json.gz") as stream:
            held = json.load(stream)
        readers = defaultdict(list)
        for each in held["tasks"]:
            task = Task(
                f"{name}/{each['user']}", tuple(each["profile"]), tuple(each["keywords"]),
                frozenset(each["positives"]),
            )  # fmt: skip
            readers[each["day"]].append(task)
        for day, candidates in held["days"].items():
            yield Day(name, held["papers"], tuple(candidates), tuple(held["background"]), tuple(readers[day]))
