"""How much memory does an import take? A file of many people, read by the installed command, on a new SQLite.

Memory is flat when a hundred times the rows take no more than half as much again. Dry runs are measured too:
they stay in one transaction to the end. `python -m bench.importing [FEW] [MANY]`
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row

GOAL = 1.5
FEW, MANY = 10_000, 1_000_000
MODES = {"dry run": ["--dry-run"], "import": ["--confirmed"], "again": ["--confirmed"], "to be asked": []}


def people(path: Path, rows: int) -> Path:
    """Invented people, every tenth row with wishes of their own."""
    with path.open("w", encoding="utf-8") as lines:
        lines.write("email,keywords,timezone\n")
        for number in range(rows):
            wishes = '"sheep, goats",Europe/Berlin' if number % 10 == 0 else ","
            lines.write(f"reader{number}@house{number % 997}.example,{wishes}\n")
    return path


def measured(folder: Path, path: Path, mode: str, *, rows: int) -> float:
    """Peak memory in MiB of one import, as the system counts it."""
    database = f"sqlite:///{folder}/{'asked' if mode == 'to be asked' else 'house'}.sqlite3"
    environment = {**os.environ, "DIGEST_DATABASE_URL": database}
    started = time.perf_counter()
    command = [sys.executable, "-m", "digest", "subscribers", "import", str(path), "--json", *MODES[mode]]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
    if child.returncode:
        sys.exit(f"The {mode} of {rows:,} rows ended with {child.returncode}.")
    peak = used.ru_maxrss / 1024  # Linux counts in KiB
    seconds = time.perf_counter() - started
    print(f"{rows:>9,} rows  {mode:<12} {peak:7.1f} MiB  {seconds:7.1f} s", file=sys.stderr)
    return peak


def rows(few: int = FEW, many: int = MANY // 10) -> Iterator[Row]:
    """The mode that takes most; ten times the rows instead of a hundred, for the time it takes."""
    few_peak, many_peak = max(measure(few, many).values(), key=lambda pair: pair[1] / pair[0])
    yield Row(
        name=f"memory of an import, {many:,} rows", ours=many_peak, unit="MiB", reference=few_peak,
        against=f"{few:,} rows", ratio=many_peak / few_peak, goal=GOAL, at_most=True,
    )  # fmt: skip


def main() -> None:
    """Both sizes in every mode, and the ratio of their memory."""
    few, many = map(int, sys.argv[1:3]) if sys.argv[2:] else (FEW, MANY)
    worst = max(large / small for small, large in measure(few, many).values())
    print(f"{worst:.2f} times the memory at most (goal {GOAL})")
    sys.exit(worst > GOAL)


def measure(few: int, many: int) -> dict[str, list[float]]:
    """The peaks of both sizes, by mode."""
    peaks: dict[str, list[float]] = {mode: [] for mode in MODES}
    for rows in (few, many):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = people(folder / "people.csv", rows)
            for mode in MODES:
                peaks[mode].append(measured(folder, path, mode, rows=rows))
    return peaks


if __name__ == "__main__":
    main()
