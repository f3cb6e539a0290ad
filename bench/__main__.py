"""How fast is it? Every bench, each in a process of its own, and one table of what came out.

    python -m bench                     all of them; half an hour on a quiet machine
    python -m bench score due           these
    python -m bench --json              a line of JSON for each figure
    python -m bench --write docs/performance.md    put the table between the marks in that file

Figures are CPU seconds, or ratios of two things that took turns: a busy machine is busy for both. A bench
whose reference is missing here says what to install, and is left out.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from bench.machine import machine
from bench.row import Row, markdown

ALL = (
    "parse", "upsert", "search", "score", "render", "smtp", "whole", "memory", "peers", "due", "web",
    "startup", "importing", "trending", "ranking",
)  # fmt: skip
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def alone(name: str) -> None:
    """One bench in this process: a line of JSON for each row, as soon as it is known."""
    bench = import_module(f"bench.{name}")
    if not hasattr(bench, "rows"):
        sys.exit(f"It tells more than a figure: python -m bench.{name}")
    for row in bench.rows():
        print(json.dumps(row.told()), flush=True)


def measured(name: str) -> Iterator[Row]:
    """The rows of one bench, from a process of its own; nothing, and why, when it cannot be run here."""
    command = [sys.executable, "-m", "bench", "--alone", name]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in told.stdout.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            yield Row(**{key: value for key, value in row.items() if key != "met"})
    if told.returncode:
        reason = (told.stderr.strip().splitlines() or ["no word"])[-1]
        print(f"{name}: left out. {reason}", file=sys.stderr)


def write(path: Path, rows: Sequence[Row]) -> None:
    """The table, in the place that is kept for it."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join([BEGIN, machine(), "", *markdown(rows), END])
    path.write_text(before + table + after, encoding="utf-8")


def main() -> None:
    """Measure what was asked for, and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(ALL))
    parser.add_argument("--json", action="store_true", help="a line of JSON for each figure")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the table between the marks in this file"
    )
    parser.add_argument("--alone", metavar="NAME", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.names) - set(ALL):
        parser.error(f"there is no bench {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if given.alone:
        alone(given.alone)
        return
    rows: list[Row] = []
    for name in given.names or ALL:
        for row in measured(name):
            rows.append(row)
            print(json.dumps(row.told()) if given.json else _line(row), flush=True)
    if given.write:
        write(given.write, rows)
    if not given.json:
        met = sum(row.is_met for row in rows)
        print(f"{met} of {len(rows)} goals met. {machine()}")


def _line(row: Row) -> str:
    name, ours, theirs, ratio, verdict = row.cells()
    return f"{name:38} {ours:>24}   {theirs:38} {ratio:>9}   {verdict}"


if __name__ == "__main__":
    main()
