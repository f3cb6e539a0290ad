"""Does memory grow with the number of readers? The peak of a whole run at 1k, 10k and 100k."""

import argparse
from collections.abc import Iterator

from bench.invented import settled
from bench.row import Row
from bench.whole import parts, run

SIZES = (1_000, 10_000, 100_000)
GOAL = 1.1


def rows() -> Iterator[Row]:
    """The largest and the middle size beside the smallest."""
    args = argparse.Namespace(mails=1, connections=16, vectors="none")
    with parts(args) as (folder, port, _):
        peaks = {}
        for size in SIZES:
            peaks[size] = run(settled(folder / f"{size}.sqlite3", people=size), port, args)["peak"]
            if size > SIZES[0]:
                yield Row(
                    name=f"peak memory, {size:,} readers", ours=peaks[size], unit="MiB",
                    reference=peaks[SIZES[0]], against=f"{SIZES[0]:,} readers",
                    ratio=peaks[size] / peaks[SIZES[0]], goal=GOAL, at_most=True,
                )  # fmt: skip


if __name__ == "__main__":
    for row in rows():
        print(row.cells())
