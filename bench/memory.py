"""Peak memory of a whole run at 1,000, 10,000 and 100,000 readers: it must not grow with them."""

import argparse
from collections.abc import Iterator

from bench.results import BenchResult, build_limit_result
from bench.synthetic import create_due_database
from bench.whole import prepare_run, run

SIZES = (1_000, 10_000, 100_000)
GOAL, GOAL_MIB = 1.1, 150  # of the larger sizes, and of the smallest


def run_bench() -> Iterator[BenchResult]:
    """Compare the middle and the largest size with the smallest."""
    args = argparse.Namespace(mails=1, connections=16, vectors="none", history=0)
    with prepare_run(args) as (folder, port, _):
        peaks = {}
        for size in SIZES:
            peaks[size] = run(create_due_database(folder / f"{size}.sqlite3", reader_count=size), port, args)[
                "peak"
            ]
            if size == SIZES[0]:
                yield build_limit_result(
                    f"peak memory, {size:,} readers", peaks[size], unit="MiB", goal=GOAL_MIB
                )
            else:
                yield BenchResult(
                    name=f"peak memory, {size:,} readers", ours=peaks[size], unit="MiB",
                    reference=peaks[SIZES[0]], against=f"{SIZES[0]:,} readers",
                    ratio=peaks[size] / peaks[SIZES[0]], goal=GOAL, at_most=True,
                )  # fmt: skip


if __name__ == "__main__":
    for result in run_bench():
        print(result.format_cells())
