"""Readers of the public ranking benchmark: what they liked, typed and saved later, day by day."""

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

DATASETS = ("ml-authors", "citeulike-a-text", "citeulike-a-titles")

Features = tuple[Any, dict[int, int]]


@dataclass(frozen=True)
class Task:
    """One reader on one day: the liked papers, the typed keywords, and what was saved later."""

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

    def papers(self, indexes: Sequence[int]) -> list[Paper]:
        """Return the papers at these positions."""
        return [to_paper(index, self.texts[index]) for index in indexes]

    @cached_property
    def liked(self) -> list[int]:
        """Every paper that some reader of the day liked."""
        return sorted({paper for task in self.tasks for paper in task.liked})

    @cached_property
    def published(self) -> "Features":
        """Features as arxiv-sanity-lite builds them: 20,000 words and pairs found in five papers or more."""
        return self._build_features(min_papers=5)

    @cached_property
    def tfidf(self) -> "Features":
        """The same with words of two papers or more, which makes every baseline on them stronger."""
        return self._build_features(min_papers=2)

    def _build_features(self, *, min_papers: int) -> "Features":
        """Return rows of all texts, and the row of each paper."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  a baseline's own library

        papers = [*self.candidates, *self.background, *self.liked]
        vectorizer = TfidfVectorizer(
            strip_accents="unicode", stop_words="english", ngram_range=(1, 2), max_features=20_000,
            token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",  # noqa: S106  a pattern of words
            sublinear_tf=True, max_df=0.1, min_df=min_papers,
        )  # fmt: skip
        rows = vectorizer.fit_transform(self.texts[index] for index in papers)
        return rows, {index: row for row, index in reversed(list(enumerate(papers)))}


def to_paper(index: int, text: str) -> Paper:
    """Return one of the texts as a paper."""
    title, _, abstract = text.partition("\n")
    return Paper(id=str(index), title=title, abstract=abstract)


def to_liked_paper(text: str) -> LikedPaper:
    """Return one of the texts as a liked paper."""
    title, _, abstract = text.partition("\n")
    return LikedPaper(title, abstract)


def read_days() -> Iterator[Day]:
    """Yield every day of every data set."""
    folder = Path(os.environ.get("DIGEST_RANKING", "../shared/ranking"))
    for name in DATASETS:
        with gzip.open(folder / f"{name}.json.gz") as file:
            dataset = json.load(file)
        readers = defaultdict(list)
        for fields in dataset["tasks"]:
            task = Task(
                f"{name}/{fields['user']}", tuple(fields["profile"]), tuple(fields["keywords"]),
                frozenset(fields["positives"]),
            )  # fmt: skip
            readers[fields["day"]].append(task)
        for day, candidates in dataset["days"].items():
            yield Day(
                name, dataset["papers"], tuple(candidates), tuple(dataset["background"]), tuple(readers[day])
            )
