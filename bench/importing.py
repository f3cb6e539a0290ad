"""Memory of an import: a file of many people, read by the installed command into a new SQLite database.

The goal is that a hundred times the rows take no more than 1.5 times the memory. Dry runs are measured too:
they stay in one transaction to the end. `python -m bench.importing [FEW] [MANY]`
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.results import BenchResult

GOAL = 1.5
FEW, MANY = 10_000, 1_000_000
MODES = {"dry run": ["--dry-run"], "import": ["--confirmed"], "again": ["--confirmed"], "unconfirmed": []}


def write_file(path: Path, rows: int) -> Path:
    """Write a file of synthetic people; every tenth row has settings of its own."""
    with path.open("w", encoding="utf-8") as lines:
        lines.write("email,keywords,timezone\n")
        for number in range(rows):
            settings = '"sheep, goats",Europe/Berlin' if number % 10 == 0 else ","
            lines.write(f"reader{number}@domain{number % 997}.example,{settings}\n")
    return path


def measure_import(folder: Path, path: Path, mode: str, *, rows: int) -> float:
    """Return the peak memory in MiB of one import, as reported by the kernel."""
    database = f"sqlite:///{folder}/{'unconfirmed' if mode == 'unconfirmed' else 'confirmed'}.sqlite3"
    environment = {**os.environ, "DIGEST_DATABASE_URL": database}
    started = time.perf_counter()
    command = [sys.executable, "-m", "digest", "subscribers", "import", str(path), "--json", *MODES[mode]]
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)  # wait4 has reaped it: Popen must not wait again
    if child.returncode:
        sys.exit(f"The {mode} of {rows:,} rows failed with exit code {child.returncode}.")
    peak = usage.ru_maxrss / 1024  # Linux counts in KiB
    seconds = time.perf_counter() - started
    print(f"{rows:>9,} rows  {mode:<12} {peak:7.1f} MiB  {seconds:7.1f} s", file=sys.stderr)
    return peak


def run_bench(few: int = FEW, many: int = MANY // 10) -> Iterator[BenchResult]:
    """Compare ten times the rows (not a hundred, which takes too long), in the mode that grows most."""
    few_peak, many_peak = max(measure_modes(few, many).values(), key=lambda pair: pair[1] / pair[0])
    yield BenchResult(
        name=f"import memory, {many:,} rows", ours=many_peak, unit="MiB", reference=few_peak,
        against=f"{few:,} rows", ratio=many_peak / few_peak, goal=GOAL, at_most=True,
    )  # fmt: skip


def main() -> None:
    """Measure both sizes in every mode, and print the largest ratio of their memory."""
    few, many = map(int, sys.argv[1:3]) if sys.argv[2:] else (FEW, MANY)
    worst = max(large / small for small, large in measure_modes(few, many).values())
    print(f"{worst:.2f} times the memory at most (goal {GOAL})")
    sys.exit(worst > GOAL)


def measure_modes(few: int, many: int) -> dict[str, list[float]]:
    """Return the peaks of both sizes, by mode."""
    peaks: dict[str, list[float]] = {mode: [] for mode in MODES}
    for rows in (few, many):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = write_file(folder / "people.csv", rows)
            for mode in MODES:
                peaks[mode].append(measure_import(folder, path, mode, rows=rows))
    return peaks


if __name__ == "__main__":
    main()
