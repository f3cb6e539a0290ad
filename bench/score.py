"""How many readers a second can be ranked? The product's own ranking, beside a bare matrix product.

    python -m bench score

CPU seconds, the two interleaved. Profiles are in numbers already, as on every morning after the first; the
bare product has a vector for each reader and paper and takes the best of each row: what the machine can do.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import numpy as np

from bench.invented import papers as invented
from bench.invented import readers as people
from bench.row import Row, compared
from digest.models import Profile
from digest.pipeline.plan import CHUNK
from digest.ranking.bm25 import Floats
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.ranker import Ranker

WIDTH, TOP, ROUNDS = 256, 12, 7

Reader = tuple[Profile, ProfileVectors]


def bare(papers: Floats, readers: Floats) -> None:
    """Product and partition, nothing else."""
    for start in range(0, len(readers), CHUNK):
        _best(readers[start : start + CHUNK] @ papers.T)


def ours(ranker: Ranker, readers: Sequence[Reader]) -> None:
    """The day as every reader sees it, chunk after chunk as planning ranks them."""
    for start in range(0, len(readers), CHUNK):
        profiles, outlines = zip(*readers[start : start + CHUNK], strict=True)
        _best(np.array([ranking.affinity for ranking in ranker.rank(profiles, outlines)]))


def rows(readers: int = 5_000, papers: int = 500) -> Iterator[Row]:
    """Readers a CPU second beside the bare product."""
    chance = np.random.default_rng(1)
    left, right = (chance.standard_normal((size, WIDTH), np.float32) for size in (papers, readers))
    ranker, profiles = Ranker([*invented(papers)]), [reader.profile for reader in people(0, readers)]
    known = [*zip(profiles, ranker.outlined(profiles), strict=True)]
    turns = (
        (readers / _seconds(partial(ours, ranker, known)), readers / _seconds(partial(bare, left, right)))
        for _ in range(ROUNDS + 1)
    )
    mine, theirs = zip(*islice(turns, 1, None), strict=True)  # the first warms up
    name = f"readers ranked over {papers} papers"
    yield compared(name, mine, theirs, unit="readers/CPU s", against="bare product and partition", goal=0.4)


def _best(heights: Floats) -> None:
    np.argpartition(-heights, TOP, axis=1)[:, :TOP]


def _seconds(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began
