"""Growth of the cost of a day with its readers and papers: a table, a plot, and the fitted exponent.

    python -m bench.growth [--large] [--million] [--pools] [--cells growth.jsonl] [--write docs]

Each cell is a whole run (read, rank, plan, render, queue, SMTP into a sink) in a process of its own; CPU
seconds and peak memory are the run's. With --large, 100,000 readers and 10,000 papers too; with --million, a
million readers of the smallest day. Cells in the file of --cells are not measured again, so that a long
measurement may be interrupted. --write puts the table between the marks of docs/performance.md and the plot
into docs/images/growth.svg.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.machine import describe_machine
from bench.plot import Curve, draw_plot
from bench.results import format_figure
from bench.smtp import run_sink
from bench.synthetic import create_due_database
from bench.whole import run

READERS, PAPERS = (1_000, 3_000, 10_000), (500, 2_000)
EXTRAPOLATED_SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
PEAK_HOUR_SHARE = 0.15  # of the day's mails in the peak hour: an assumption
MTA_MILLISECONDS = 7  # milliseconds of CPU a mail: an assumption, measure your own
LARGE_READERS, LARGE_PAPERS = (*READERS, 100_000), (*PAPERS, 10_000)
MILLION = 1_000_000
POOL_READERS, POOLS = 100, (2_000, 10_000, 30_000)
BEGIN, END = "<!-- growth -->", "<!-- end of growth -->"


@dataclass(frozen=True, slots=True)
class Cell:
    """Cost of one day."""

    readers: int
    papers: int
    cpu: float  # seconds
    peak: float  # MiB


def measure_cell(readers: int, papers: int) -> Cell:
    """Measure a day of that many readers and papers."""
    args = argparse.Namespace(connections=16, vectors="none")
    with tempfile.TemporaryDirectory() as folder, run_sink() as port:
        database = create_due_database(
            Path(folder) / "bench.sqlite3", reader_count=readers, paper_count=papers
        )
        figures = run(database, port, args)
    return Cell(readers, papers, figures["cpu"] * figures["mails"] / 1e6, figures["peak"])


def fit_exponent(cells: Sequence[Cell]) -> float:
    """Return the power of the number of readers with which the cost grows: 1 is proportional."""
    slope, _ = np.polyfit([math.log(c.readers) for c in cells], [math.log(c.cpu) for c in cells], 1)
    return float(slope)


def compute_marginal_cost(cells: Sequence[Cell]) -> float:
    """Return CPU microseconds for each further reader, between the smallest and the largest day."""
    first, last = cells[0], cells[-1]
    return (last.cpu - first.cpu) / (last.readers - first.readers) * 1e6


def format_cells(by_papers: dict[int, list[Cell]]) -> list[str]:
    """Return the lines of the measured table in Markdown."""
    sizes = [cell.readers for cell in max(by_papers.values(), key=len)]
    head = ["papers", *(f"{size:,} readers" for size in sizes), "each further reader", "exponent"]
    lines = [head, ["---"] * len(head)]
    for papers, cells in by_papers.items():
        by_readers = {cell.readers: f"{format_figure(cell.cpu)} s, {cell.peak:.0f} MiB" for cell in cells}
        row = [f"{papers:,}", *(by_readers.get(size, "") for size in sizes)]
        lines.append([*row, f"{compute_marginal_cost(cells):.0f} us", f"{fit_exponent(cells):.2f}"])
    return ["| " + " | ".join(line) + " |" for line in lines]


def format_extrapolation(cells: Sequence[Cell]) -> list[str]:
    """Return a table of sizes that were not measured, extrapolated from the cost of a further reader."""
    cost = compute_marginal_cost(cells)
    head = (
        "readers",
        "core-hours of ours a day",
        "mails/s in the peak hour",
        "cores busy in it",
        "core-hours of MTA",
    )
    lines = [head, tuple("---" for _ in head)]
    for size in EXTRAPOLATED_SIZES:
        peak = size * PEAK_HOUR_SHARE / 3600
        values = (size * cost / 3.6e9, peak, peak * cost / 1e6, size * MTA_MILLISECONDS / 3.6e6)
        lines.append((f"{size:,}", *map(format_figure, values)))
    note = f"Extrapolated from {cost:.0f} us for each further reader,"
    note += f" {PEAK_HOUR_SHARE:.0%} of the day's mail in its peak hour,"
    note += f" and an MTA of {MTA_MILLISECONDS} ms a mail."
    return [note, "", *("| " + " | ".join(line) + " |" for line in lines)]


def publish(docs: Path, lines: Sequence[str], plot: str) -> None:
    """Write table and plot to their places."""
    page = docs / "performance.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")
    (docs / "images" / "growth.svg").write_text(plot, encoding="utf-8")


def list_sizes(options: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """Yield readers and papers of each requested cell."""
    if options.pools:
        yield from ((POOL_READERS, papers) for papers in POOLS)
        return
    for papers in LARGE_PAPERS if options.large else PAPERS:
        yield from ((readers, papers) for readers in (LARGE_READERS if options.large else READERS))
        if options.million and papers == PAPERS[0]:
            yield MILLION, papers


def measure_cells(options: argparse.Namespace) -> Iterator[Cell]:
    """Yield each cell; those in the file of --cells are read, the others measured and appended to it."""
    lines = options.cells.read_text().splitlines() if options.cells and options.cells.exists() else []
    existing = {(cell.readers, cell.papers): cell for cell in (Cell(**json.loads(line)) for line in lines)}
    for size in list_sizes(options):
        cell = existing.get(size) or measure_cell(*size)
        line = json.dumps(asdict(cell))
        print(line, flush=True)
        if options.cells and size not in existing:
            with options.cells.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        yield cell


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--large", action="store_true", help="100,000 readers, 10,000 papers: takes half an hour")
    add("--million", action="store_true", help="a million readers of 500 papers: takes half an hour more")
    add("--pools", action="store_true", help="few readers, up to 30,000 papers; prints the cells only")
    add("--cells", type=Path, metavar="FILE", help="keep each cell here, and continue from its content")
    add("--write", type=Path, metavar="DOCS", help="write table and plot to this folder")
    return parser.parse_args()


def main() -> None:
    """Measure, print, and with --write publish."""
    options = parse_arguments()
    by_papers: dict[int, list[Cell]] = {}
    for cell in measure_cells(options):
        by_papers.setdefault(cell.papers, []).append(cell)
    if options.pools:
        return
    lines = [describe_machine(), "", *format_cells(by_papers)]
    print("\n".join(lines))
    lines += ["", *format_extrapolation(by_papers[PAPERS[0]])]
    if options.write:
        curves = [
            Curve(f"{papers:,} papers (n^{fit_exponent(cells):.2f})", [(c.readers, c.cpu) for c in cells])
            for papers, cells in by_papers.items()
        ]
        publish(options.write, lines, draw_plot(curves, x_label="readers", y_label="CPU seconds a day"))


if __name__ == "__main__":
    main()
