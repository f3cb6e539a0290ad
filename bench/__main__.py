"""Benchmarks: each runs in a process of its own, and the results are printed as one table.

    python -m bench                     all of them; half an hour on a quiet machine
    python -m bench score due           these
    python -m bench --json              a line of JSON for each figure
    python -m bench --write docs/performance.md    put the table between the marks in that file

Figures are CPU seconds, or ratios of two programs measured in alternation, so that other load on the machine
affects both. A benchmark whose reference is not installed says what to install, and is left out.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from bench.machine import describe_machine
from bench.results import BenchResult, format_table

BENCHES = (
    "parse", "upsert", "search", "score", "render", "smtp", "whole", "memory", "peers", "due", "web", "admin",
    "startup", "importing", "trending", "ranking", "picks",
)  # fmt: skip
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def run_in_process(name: str) -> None:
    """Run one benchmark in this process; print each result as JSON as soon as it is measured."""
    bench = import_module(f"bench.{name}")
    if not hasattr(bench, "run_bench"):
        sys.exit(f"This benchmark prints a report instead of rows. Run python -m bench.{name}")
    for result in bench.run_bench():
        print(json.dumps(result.to_json()), flush=True)


def run_in_subprocess(name: str) -> Iterator[BenchResult]:
    """Yield the results of one benchmark, run in a process of its own.

    If it fails, the reason is printed to stderr.
    """
    command = [sys.executable, "-m", "bench", "--alone", name]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    for line in process.stdout.splitlines():
        if line.startswith("{"):
            fields = json.loads(line)
            yield BenchResult(**{key: value for key, value in fields.items() if key != "met"})
    if process.returncode:
        reason = (process.stderr.strip().splitlines() or ["it printed no reason"])[-1]
        print(f"{name}: left out. {reason}", file=sys.stderr)


def write_table(path: Path, results: Sequence[BenchResult]) -> None:
    """Replace the table between the marks in the file."""
    text = path.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    table = "\n".join([BEGIN, describe_machine(), "", *format_table(results), END])
    path.write_text(before + table + after, encoding="utf-8")


def main() -> None:
    """Run the requested benchmarks and print their results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--json", action="store_true", help="a line of JSON for each figure")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the table between the marks in this file"
    )
    parser.add_argument("--alone", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    if options.alone:
        run_in_process(options.alone)
        return
    results: list[BenchResult] = []
    for name in options.names or BENCHES:
        for result in run_in_subprocess(name):
            results.append(result)
            print(json.dumps(result.to_json()) if options.json else _format_line(result), flush=True)
    if options.write:
        write_table(options.write, results)
    if not options.json:
        met = sum(result.is_met for result in results)
        print(f"{met} of {len(results)} goals met. {describe_machine()}")


def _format_line(result: BenchResult) -> str:
    name, ours, theirs, ratio, verdict = result.format_cells()
    return f"{name:38} {ours:>24}   {theirs:38} {ratio:>9}   {verdict}"


if __name__ == "__main__":
    main()
