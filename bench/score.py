"""How many readers a second can be scored? One matrix product per chunk, beside the bare product itself.

    python -m bench.score [--readers 20000] [--papers 500] [--width 256]

CPU seconds, the two interleaved; memory must not grow with the number of readers.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np

from bench.row import Row, compared
from digest.rank.lexical import Floats
from digest.rank.vectors import best

CHUNK, TOP, ROUNDS = 2_048, 12, 7


def bare(papers: Floats, readers: Floats) -> None:
    """What the machine can do at best: product and partition, nothing else."""
    for start in range(0, len(readers), CHUNK):
        scores = readers[start : start + CHUNK] @ papers.T
        np.argpartition(-scores, TOP, axis=1)[:, :TOP]


def ours(papers: Floats, readers: Floats) -> None:
    """Standardised, blended with heat, the best in order."""
    attention = np.ones(len(papers), np.float32)
    for start in range(0, len(readers), CHUNK):
        best(papers, readers[start : start + CHUNK], attention, top=TOP)


def seconds(run: Callable[[Floats, Floats], None], papers: Floats, readers: Floats) -> float:
    """CPU seconds of one run."""
    began = time.process_time()
    run(papers, readers)
    return time.process_time() - began


def pairs(papers: Floats, readers: Floats) -> Iterator[tuple[float, float]]:
    """Both, one after the other, so that a busy machine is busy for both."""
    for _ in range(ROUNDS):
        yield seconds(bare, papers, readers), seconds(ours, papers, readers)


def rows(readers: int = 20_000, papers: int = 500, width: int = 256) -> Iterator[Row]:
    """Readers a CPU second beside the bare product."""
    chance = np.random.default_rng(1)
    left = chance.standard_normal((papers, width), np.float32)
    right = chance.standard_normal((readers, width), np.float32)
    ours(left, right[: readers // 10])
    bare_, mine = zip(*pairs(left, right), strict=True)
    rates = [[readers / spent for spent in each] for each in (mine, bare_)]
    name = f"readers scored over {papers} papers"
    yield compared(name, *rates, unit="readers/CPU s", against="bare product and partition", goal=0.4)


def main() -> None:
    """Print readers a CPU second for both, the ratio, and the memory for a tenth and all of the readers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--readers", type=int, default=20_000)
    parser.add_argument("--papers", type=int, default=500)
    parser.add_argument("--width", type=int, default=256)
    options = parser.parse_args()
    chance = np.random.default_rng(1)
    papers = chance.standard_normal((options.papers, options.width), np.float32)
    readers = chance.standard_normal((options.readers, options.width), np.float32)
    ours(papers, readers[: options.readers // 10])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    timed = list(pairs(papers, readers))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lowest, mine = (statistics.median(each) for each in zip(*timed, strict=True))
    ratio = statistics.median(one / other for one, other in timed)
    print(f"{options.papers} papers x {options.readers} readers, width {options.width}")
    print(f"bare product   {options.readers / lowest:10,.0f} readers a CPU second")
    print(
        f"ours           {options.readers / mine:10,.0f} readers a CPU second, {ratio:.2f} x the bare product"
    )
    print(f"memory         {before / 1024:.0f} MB after a tenth, {after / 1024:.0f} MB after all")


if __name__ == "__main__":
    main()
