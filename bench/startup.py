"""Startup time: CPU seconds of `digest --help` beyond those of bare Python."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from bench.results import BenchResult, build_limit_result

ROUNDS = 9


def measure_cpu(arguments: Sequence[str]) -> float:
    """Return the CPU milliseconds of one Python process."""
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)  # wait4 has reaped it: Popen must not wait again
    if child.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def run_bench() -> Iterator[BenchResult]:
    """Measure bare Python and the list of commands in alternation."""
    pairs = [(measure_cpu(["-c", "pass"]), measure_cpu(["-m", "digest", "--help"])) for _ in range(ROUNDS)]
    yield build_limit_result(
        "digest --help, beyond bare Python",
        median(full - bare for bare, full in pairs),
        unit="ms CPU",
        goal=150,
    )


if __name__ == "__main__":
    for result in run_bench():
        print(result.format_cells())
