"""Speed of ranking in readers a CPU second, beside a bare matrix product.

    python -m bench score

CPU seconds, the two interleaved. Profiles are encoded already, as on every day after the first. The bare
product has a vector for each reader and paper and takes the best of each row: the limit of the processor.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import numpy as np

from bench.results import BenchResult, build_ratio_result
from bench.synthetic import generate_papers, generate_readers
from digest.models import Profile
from digest.pipeline.plan import CHUNK_SIZE
from digest.ranking.array_types import Floats
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.ranker import Ranker

WIDTH, TOP, ROUNDS = 256, 12, 7

Reader = tuple[Profile, ProfileVectors]


def multiply(papers: Floats, readers: Floats) -> None:
    """Compute product and partition, nothing else."""
    for start in range(0, len(readers), CHUNK_SIZE):
        _take_best(readers[start : start + CHUNK_SIZE] @ papers.T)


def rank_readers(ranker: Ranker, readers: Sequence[Reader]) -> None:
    """Rank the day for every reader, in the chunks of planning."""
    for start in range(0, len(readers), CHUNK_SIZE):
        profiles, vectors = zip(*readers[start : start + CHUNK_SIZE], strict=True)
        _take_best(np.array([ranking.affinity for ranking in ranker.rank(profiles, vectors)]))


def run_bench(readers: int = 5_000, papers: int = 500) -> Iterator[BenchResult]:
    """Compare readers a CPU second with the bare product."""
    rng = np.random.default_rng(1)
    paper_vectors, reader_vectors = (
        rng.standard_normal((size, WIDTH), np.float32) for size in (papers, readers)
    )
    ranker, profiles = (
        Ranker([*generate_papers(papers)]),
        [reader.profile for reader in generate_readers(0, readers)],
    )
    encoded = [*zip(profiles, ranker.encode_profiles(profiles), strict=True)]
    rates = (
        (
            readers / _measure_cpu(partial(rank_readers, ranker, encoded)),
            readers / _measure_cpu(partial(multiply, paper_vectors, reader_vectors)),
        )
        for _ in range(ROUNDS + 1)
    )
    ours, theirs = zip(*islice(rates, 1, None), strict=True)  # the first is warm-up
    name = f"ranking {papers} papers per reader"
    yield build_ratio_result(
        name, ours, theirs, unit="readers/CPU s", against="matrix product and partition", goal=0.4
    )


def _take_best(scores: Floats) -> None:
    np.argpartition(-scores, TOP, axis=1)[:, :TOP]


def _measure_cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
