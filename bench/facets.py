"""Is a small interest found beside a large one? Two real libraries put together, 25 papers and 5."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from bench.baselines import Scores, arxiv_sanity, bm25, centroid
from bench.readers import Day, Task, liking
from digest.models import Facet, Profile
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedding
from digest.ranking.ranker import Ranker


def facet_test(every_day: Sequence[Day], vectors: Embedding | None) -> dict[str, tuple[float, float]]:
    """A library of 25 papers on one thing and 5 on another: recall@20 of the small interest and the large.

    The two alone, with all twenty places for each, are the most that sharing them could find.
    """
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
        small_alone = [Profile(liked=tuple(liking(day.texts[p]) for p in b.liked[:5])) for _, b in pairs]
        large_alone = [Profile(liked=tuple(liking(day.texts[p]) for p in a.liked[:25])) for a, _ in pairs]
        whole = Ranker(papers, background, vectors, splits_seeds=False)
        split = Ranker(papers, background, vectors)
        runs = {
            "pooled": whole.rank(pooled),
            "split from seeds": split.rank(pooled),
            "named facets": whole.rank(typed),
            "the five alone": whole.rank(small_alone),
            "the twenty-five alone": whole.rank(large_alone),
        }
        scores = {name: [each.affinity for each in rankings] for name, rankings in runs.items()}
        for name, all_scores in (*_others(day, pairs), *scores.items()):
            found[name] += [_recalls(day, s, a, b) for s, (a, b) in zip(all_scores, pairs, strict=True)]
    return {
        name: (float(np.mean([s for s, _ in v])), float(np.mean([m for _, m in v])))
        for name, v in found.items()
    }


def _others(day: Day, pairs: Sequence[tuple[Task, Task]]) -> Iterator[tuple[str, Scores]]:
    """How others rank for both libraries in one profile: they know no other."""
    tasks = (replace(a, liked=(*a.liked[:25], *b.liked[:5])) for a, b in pairs)
    both = replace(day, tasks=tuple(tasks))
    yield "BM25, pooled", bm25(keywords=False)(both)
    if find_spec("sklearn"):
        yield "TF-IDF centroid, pooled", centroid()(both)
        yield "arxiv-sanity-lite, pooled", arxiv_sanity(share=1)(both)


def _typed(day: Day, large: Task, small: Task) -> Profile:
    parts = (("large", large.liked[:25]), ("small", small.liked[:5]))
    return Profile(facets=tuple(Facet(n, liked=tuple(liking(day.texts[p]) for p in ps)) for n, ps in parts))


def _recalls(day: Day, scores: Floats, large: Task, small: Task) -> tuple[float, float]:
    top = {day.candidates[place] for place in np.argsort(-scores, kind="stable")[:20]}
    return tuple(len(top & task.positives) / len(task.positives) for task in (small, large))  # type: ignore[return-value]
