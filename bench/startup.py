"""How long until a command does something? CPU seconds of `digest --help` over those of bare Python."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median

from bench.row import Row, absolute

ROUNDS = 9


def cpu_of(arguments: Sequence[str]) -> float:
    """CPU milliseconds of one Python process."""
    child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
    if child.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {child.returncode}")
    return (used.ru_utime + used.ru_stime) * 1000


def rows() -> Iterator[Row]:
    """Bare Python and the list of commands, in turns."""
    pairs = [(cpu_of(["-c", "pass"]), cpu_of(["-m", "digest", "--help"])) for _ in range(ROUNDS)]
    yield absolute("digest --help over bare Python", median(b - a for a, b in pairs), unit="ms CPU", goal=300)


if __name__ == "__main__":
    for row in rows():
        print(row.cells())
