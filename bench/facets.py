"""Facet test: recall of a small interest (5 papers) beside a large one (25), from two real libraries."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from bench.baselines import Scores, make_arxiv_sanity, make_bm25, make_centroid
from bench.ranking_dataset import Day, Task, to_liked_paper
from digest.models import Facet, Profile
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import EmbeddingModel
from digest.ranking.ranker import Ranker


def run_facet_test(days: Sequence[Day], vectors: EmbeddingModel | None) -> dict[str, tuple[float, float]]:
    """Return recall@20 of the small interest and the large one by method, for profiles of 25 + 5 papers.

    The rows "the five alone" and "the twenty-five alone", with all twenty places for one interest, are upper
    bounds of what a shared list can find.
    """
    recalls: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for day in days:
        large = [task for task in day.tasks if len(task.liked) == 30]
        small = [task for task in day.tasks if len(task.liked) >= 10]
        pairs = [(a, b) for a, b in zip(large, reversed(small), strict=False) if a.reader != b.reader]
        if not pairs:
            continue
        papers, background = day.papers(day.candidates), day.papers(day.background)
        pooled = [
            Profile(liked=tuple(to_liked_paper(day.texts[p]) for p in (*a.liked[:25], *b.liked[:5])))
            for a, b in pairs
        ]
        with_facets = [_build_facet_profile(day, a, b) for a, b in pairs]
        small_alone = [
            Profile(liked=tuple(to_liked_paper(day.texts[p]) for p in b.liked[:5])) for _, b in pairs
        ]
        large_alone = [
            Profile(liked=tuple(to_liked_paper(day.texts[p]) for p in a.liked[:25])) for a, _ in pairs
        ]
        whole = Ranker(papers, background, vectors, split_interests=False)
        split = Ranker(papers, background, vectors)
        runs = {
            "pooled": whole.rank(pooled),
            "split from seeds": split.rank(pooled),
            "named facets": whole.rank(with_facets),
            "the five alone": whole.rank(small_alone),
            "the twenty-five alone": whole.rank(large_alone),
        }
        scores = {name: [ranking.affinity for ranking in rankings] for name, rankings in runs.items()}
        for name, all_scores in (*_rank_with_baselines(day, pairs), *scores.items()):
            recalls[name] += [
                _compute_recalls(day, s, a, b) for s, (a, b) in zip(all_scores, pairs, strict=True)
            ]
    return {
        name: (float(np.mean([s for s, _ in v])), float(np.mean([m for _, m in v])))
        for name, v in recalls.items()
    }


def _rank_with_baselines(day: Day, pairs: Sequence[tuple[Task, Task]]) -> Iterator[tuple[str, Scores]]:
    """Yield how baselines rank both libraries in one profile: they know no facets."""
    tasks = (replace(a, liked=(*a.liked[:25], *b.liked[:5])) for a, b in pairs)
    both = replace(day, tasks=tuple(tasks))
    yield "BM25, pooled", make_bm25(keywords=False)(both)
    if find_spec("sklearn"):
        yield "TF-IDF centroid, pooled", make_centroid()(both)
        yield "arxiv-sanity-lite, pooled", make_arxiv_sanity(share=1)(both)


def _build_facet_profile(day: Day, large: Task, small: Task) -> Profile:
    parts = (("large", large.liked[:25]), ("small", small.liked[:5]))
    return Profile(
        facets=tuple(Facet(n, liked=tuple(to_liked_paper(day.texts[p]) for p in ps)) for n, ps in parts)
    )


def _compute_recalls(day: Day, scores: Floats, large: Task, small: Task) -> tuple[float, float]:
    top = {day.candidates[index] for index in np.argsort(-scores, kind="stable")[:20]}
    return tuple(len(top & task.positives) / len(task.positives) for task in (small, large))  # type: ignore[return-value]
