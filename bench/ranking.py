"""Quality of the ranking: nDCG@10 on real readers, every baseline beside ours, in one run.

    python -m bench.ranking [--full] [--only NAME] [--vectors MODEL ...] [--cache FOLDER] [--against NAME]

MODEL is as in DIGEST_VECTORS: none, static, sentences, or the folder of a sentence-transformers model.
Readers and papers: the public benchmark in DIGEST_RANKING (default: ../shared/ranking). Cells are (set,
number of liked papers); the figure is the mean of the cells' means; intervals resample readers.
`+ keywords` methods also see the five words the reader typed. Two halves of the readers are printed apart:
what is chosen on the first must hold on the second.
"""

import argparse
import atexit
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from bench.baselines import (
    Method,
    Scores,
    count_keywords,
    is_sampled,
    make_arxiv_sanity,
    make_bm25,
    make_centroid,
    make_time_weighted,
    rank_randomly,
)
from bench.facets import run_facet_test
from bench.ranking_dataset import Day, read_days, to_liked_paper
from digest.app.embedding_models import load_model
from digest.models import Profile
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import EmbeddingModel, Encoder
from digest.ranking.ranker import Ranker

DEPTH = 10
RESAMPLES = 1_000
SVM_SHARE = 6  # without --full the slow baseline sees every sixth reader


def make_own_ranker(*, keywords: bool, papers: bool = True, vectors: EmbeddingModel | None = None) -> Method:
    """Return the product's own ranker, exactly as the digest uses it."""

    def rank(day: Day) -> Scores:
        ranker = Ranker(day.papers(day.candidates), day.papers(day.background), vectors)
        profiles = [
            Profile(
                keywords=task.keywords if keywords else (),
                liked=tuple(to_liked_paper(day.texts[paper]) for paper in task.liked) if papers else (),
            )
            for task in day.tasks
        ]
        return [ranking.affinity for ranking in ranker.rank(profiles)]

    return rank


def ndcg(scores: Floats, candidates: Sequence[int], positives: frozenset[int]) -> float:
    """Return the normalised discounted cumulative gain of the first ten."""
    top = np.argsort(-scores, kind="stable")[:DEPTH]
    discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
    hits = np.array([candidates[index] in positives for index in top])
    return float(discounts[: len(top)][hits].sum() / discounts[: len(positives)].sum())


@dataclass(frozen=True)
class MethodResult:
    """The nDCG of a method for each reader of each cell."""

    cells: tuple[tuple[str, int], ...]
    readers: tuple[str, ...]
    values: Floats

    def means(self) -> dict[tuple[str, int], float]:
        """Return the mean of every cell."""
        keys = np.array([f"{name} {k}" for name, k in self.cells])
        return {
            cell: float(self.values[mask].mean())
            for cell in sorted(set(self.cells))
            if (mask := keys == f"{cell[0]} {cell[1]}").any()
        }

    @cached_property
    def mean(self) -> float:
        """The mean of the cells' means."""
        return float(np.mean(list(self.means().values())))

    @cached_property
    def draws(self) -> Floats:
        """The same mean for readers drawn with replacement; the draws are equal for every method."""
        names = sorted(set(self.readers))
        rows = np.array([names.index(reader) for reader in self.readers])
        rng = np.random.default_rng(20)
        draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
        columns = {cell: column for column, cell in enumerate(sorted(set(self.cells)))}
        member = np.zeros((len(self.values), len(columns)))
        member[np.arange(len(self.values)), [columns[cell] for cell in self.cells]] = 1
        weights = draws[:, rows]
        return np.asarray(
            (((weights * self.values) @ member) / np.maximum(weights @ member, 1e-9)).mean(axis=1)
        )

    def select(self, selected: Sequence[bool]) -> "MethodResult":
        """Return the result of the selected readers only."""
        return MethodResult(
            tuple(cell for cell, is_kept in zip(self.cells, selected, strict=True) if is_kept),
            tuple(reader for reader, is_kept in zip(self.readers, selected, strict=True) if is_kept),
            self.values[np.array(selected)],
        )


def measure(method: Method, days: Sequence[Day], *, share: int = 1) -> MethodResult:
    """Return every reader's nDCG under one method."""
    cells, readers, values = [], [], []
    for day in days:
        for task, scores in zip(day.tasks, method(day), strict=True):
            if is_sampled(task, share):
                cells.append((day.name, len(task.liked)))
                readers.append(task.reader)
                values.append(ndcg(scores, day.candidates, task.positives))
    return MethodResult(tuple(cells), tuple(readers), np.array(values))


class CachedModel:
    """A sentence model whose vectors are kept in a file, for other methods and other runs."""

    def __init__(self, model: EmbeddingModel, folder: Path) -> None:
        self.name, self.weight, self.is_calibrated = model.name, model.weight, model.is_calibrated
        self._compute = model.fit_encoder(())
        self._path = folder / f"{sha256(model.name.encode()).hexdigest()[:16]}.npz"
        self._vectors: dict[str, Floats] = {}  # by the digest of the text
        if self._path.exists():
            with np.load(self._path) as stored:
                self._vectors = dict(zip(stored["digests"].tolist(), stored["vectors"], strict=True))
        atexit.register(self._save)

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:  # noqa: ARG002  the model is trained already
        """Return the model's own encoder."""
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        digests = [sha256(text.encode()).hexdigest() for text in texts]
        missing = {key: text for key, text in zip(digests, texts, strict=True) if key not in self._vectors}
        if missing:
            self._vectors |= dict(zip(missing, self._compute([*missing.values()]), strict=True))
        return np.array([self._vectors[key] for key in digests], np.float32)

    def _save(self) -> None:
        np.savez(self._path, digests=np.array([*self._vectors]), vectors=np.array([*self._vectors.values()]))


def list_methods(vectors: Sequence[str], cache: Path | None = None) -> Iterator[tuple[str, Method]]:
    """Yield the name and method of every row of the table, the baselines first."""
    yield "random", rank_randomly
    yield "keywords matched literally", count_keywords
    yield "BM25 on keywords", make_bm25(keywords=True)
    yield "BM25, profile as query", make_bm25(keywords=False)
    if find_spec("sklearn"):
        yield "TF-IDF centroid", make_centroid()
        yield "Rocchio", make_centroid(rocchio=True)
    yield "ours, lexical, keywords only", make_own_ranker(keywords=True, papers=False)
    yield "ours, lexical", make_own_ranker(keywords=False)
    yield "ours, lexical + keywords", make_own_ranker(keywords=True)
    for setting in vectors:
        model: EmbeddingModel | None = load_model(setting)
        if not model:
            continue
        name = {"static": "static table", "sentences": "MiniLM"}.get(setting, Path(setting).name)
        if setting != "static":
            model = CachedModel(model, cache) if cache else model
            yield f"zotero-arxiv-daily's formula on {name}", make_time_weighted(model)
        yield f"ours, + {name}, keywords only", make_own_ranker(keywords=True, papers=False, vectors=model)
        yield f"ours, + {name}", make_own_ranker(keywords=False, vectors=model)
        yield f"ours, + {name} + keywords", make_own_ranker(keywords=True, vectors=model)


def format_line(name: str, result: MethodResult, seconds: float) -> str:
    """Format one line of the table."""
    low, high = np.quantile(result.draws, (0.025, 0.975))
    cells = " ".join(f"{value:.3f}" for value in result.means().values())
    first = [is_in_first_half(reader) for reader in result.readers]
    halves = " ".join(
        f"{result.select([is_first == half for is_first in first]).mean:.3f}" for half in (True, False)
    )
    return f"{name:42} {result.mean:.4f} [{low:.3f}, {high:.3f}]  {halves}  {cells}  {seconds:6.1f} s"


def is_in_first_half(reader: str) -> bool:
    """Return True if constants may be tuned on this reader; the others only verify them."""
    return sha256(reader.encode()).digest()[-1] % 2 == 0


def main() -> None:
    """Print the table, the comparison with the SVM and the facet test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the SVM for every reader (a quarter of an hour)")
    parser.add_argument("--only", default="", help="only methods whose name holds this")
    parser.add_argument("--vectors", nargs="+", default=["static"], metavar="MODEL")
    parser.add_argument("--cache", type=Path, metavar="FOLDER", help="keep vectors of sentence models there")
    parser.add_argument("--against", metavar="NAME", help="compare each method with this one, readers paired")
    options = parser.parse_args()
    days = list(read_days())
    heads = ("nDCG@10, mean of the cells", "mean   95 %", "halves of the readers")
    print("{:42} {:22} {:12}".format(*heads), ", ".join(_format_cells(days)), flush=True)
    results = {}
    for name, method in list_methods(options.vectors, options.cache):
        if options.only in name:
            started = time.process_time()
            results[name] = measure(method, days)
            print(format_line(name, results[name], time.process_time() - started), flush=True)
    if base := results.get(options.against):
        for name, result in results.items():
            low, high = np.quantile(result.draws - base.draws, (0.025, 0.975))
            print(f"{name:42} {result.mean - base.mean:+.4f} [{low:+.4f}, {high:+.4f}] to {options.against}")
    if find_spec("sklearn") and (not options.only or options.only in "arxiv-sanity-lite"):
        _compare(days, results, share=1 if options.full else SVM_SHARE)
    for name, (small, large) in run_facet_test(days, None).items():
        print(f"facets 25:5, {name:26} recall@20 small {small:.3f}, large {large:.3f}", flush=True)


def _format_cells(days: Sequence[Day]) -> list[str]:
    return [
        f"{name} {k}"
        for name, k in sorted({(day.name, len(task.liked)) for day in days for task in day.tasks})
    ]


def _compare(days: Sequence[Day], results: dict[str, MethodResult], *, share: int) -> None:
    selected = [is_sampled(task, share) for day in days for task in day.tasks]
    for title, strengthened in (("arxiv-sanity-lite", False), ("the same, strengthened", True)):
        started = time.process_time()
        svm = measure(make_arxiv_sanity(share=share, strengthened=strengthened), days, share=share)
        print(format_line(f"{title} (1 of {share} readers)", svm, time.process_time() - started), flush=True)
        for name, result in results.items():
            if name.startswith("ours"):
                same = result.select(selected)
                low, high = np.quantile(same.draws / svm.draws, (0.025, 0.975))
                print(f"  {name:40} {same.mean / svm.mean:.3f} [{low:.3f}, {high:.3f}] x {title}", flush=True)


if __name__ == "__main__":
    main()
