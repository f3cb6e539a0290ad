"""How much memory does an import take? A file of many people, read by the installed command, on a new SQLite.

Memory is flat when a hundred times the rows take no more than half as much again. Dry runs are measured too:
they stay in one transaction to the end. `python bench/importing.py [FEW] [MANY]`
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
    print(f"{rows:>9,} rows  {mode:<12} {peak:7.1f} MiB  {time.perf_counter() - started:7.1f} s")
    return peak


def main() -> None:
    """Both sizes in every mode, and the ratio of their memory."""
    few, many = map(int, sys.argv[1:3]) if sys.argv[2:] else (FEW, MANY)
    peaks: dict[str, list[float]] = {mode: [] for mode in MODES}
    for rows in (few, many):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            path = people(folder / "people.csv", rows)
            for mode in MODES:
                peaks[mode].append(measured(folder, path, mode, rows=rows))
    worst = max(large / small for small, large in peaks.values())
    print(f"{worst:.2f} times the memory at most (goal {GOAL})")
    sys.exit(worst > GOAL)


if __name__ == "__main__":
    main()
