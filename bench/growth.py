"""How does the cost of a day grow with its readers and its papers? A table, a plot, and the fitted exponent.

    python -m bench.growth [--large] [--million] [--cells growth.jsonl] [--write docs]

Each cell is a whole run (read, rank, plan, render, ledger, SMTP into a sink) in a process of its own; CPU
seconds and peak memory are the run's. With --large, 100,000 readers and 10,000 papers too; with --million, a
million readers of the smallest day. What stands in the file of --cells is not measured again, so that an
evening's work may be interrupted. --write puts the table between the marks of docs/scaling.md and the plot
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

from bench.invented import settled
from bench.machine import machine
from bench.plot import Line, drawn
from bench.row import figure
from bench.smtp import sink
from bench.whole import run

READERS, PAPERS = (1_000, 3_000, 10_000), (500, 2_000)
FAR_SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
PEAK = 0.15  # of the day's mails in the hour in which the fullest zone has its morning: an assumption
MTA = 7  # milliseconds of CPU a mail: an assumption, measure your own
LARGE_READERS, LARGE_PAPERS = (*READERS, 100_000), (*PAPERS, 10_000)
MILLION = 1_000_000
BEGIN, END = "<!-- growth -->", "<!-- end of growth -->"


@dataclass(frozen=True, slots=True)
class Cell:
    """One day."""

    readers: int
    papers: int
    cpu: float  # seconds
    peak: float  # MiB


def measure(readers: int, papers: int) -> Cell:
    """A day of so many readers and papers."""
    args = argparse.Namespace(connections=16, vectors="none")
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        told = run(settled(Path(folder) / "house.sqlite3", people=readers, works=papers), port, args)
    return Cell(readers, papers, told["cpu"] * told["mails"] / 1e6, told["peak"])


def exponent(cells: Sequence[Cell]) -> float:
    """The power of the number of readers with which the cost grows: 1 is proportional."""
    slope, _ = np.polyfit([math.log(c.readers) for c in cells], [math.log(c.cpu) for c in cells], 1)
    return float(slope)


def further(cells: Sequence[Cell]) -> float:
    """Microseconds of CPU for each further reader, between the smallest and the largest day."""
    first, last = cells[0], cells[-1]
    return (last.cpu - first.cpu) / (last.readers - first.readers) * 1e6


def table(by_papers: dict[int, list[Cell]]) -> list[str]:
    """In Markdown."""
    sizes = [cell.readers for cell in max(by_papers.values(), key=len)]
    head = ["papers", *(f"{size:,} readers" for size in sizes), "each further reader", "exponent"]
    lines = [head, ["---"] * len(head)]
    for papers, cells in by_papers.items():
        told = {cell.readers: f"{figure(cell.cpu)} s, {cell.peak:.0f} MiB" for cell in cells}
        row = [f"{papers:,}", *(told.get(size, "") for size in sizes)]
        lines.append([*row, f"{further(cells):.0f} us", f"{exponent(cells):.2f}"])
    return ["| " + " | ".join(line) + " |" for line in lines]


def arithmetic(cells: Sequence[Cell]) -> list[str]:
    """What the measured cost of a further reader comes to at sizes nobody has here: extrapolated."""
    cost = further(cells)
    head = (
        "readers",
        "core-hours of ours a day",
        "mails/s in the peak hour",
        "cores busy in it",
        "core-hours of MTA",
    )
    lines = [head, tuple("---" for _ in head)]
    for size in FAR_SIZES:
        peak = size * PEAK / 3600
        cells_ = (size * cost / 3.6e9, peak, peak * cost / 1e6, size * MTA / 3.6e6)
        lines.append((f"{size:,}", *map(figure, cells_)))
    told = f"Extrapolated from {cost:.0f} us for each further reader,"
    told += f" {PEAK:.0%} of the day's mail in its fullest hour, and an MTA of {MTA} ms a mail."
    return [told, "", *("| " + " | ".join(line) + " |" for line in lines)]


def write(docs: Path, lines: Sequence[str], plot: str) -> None:
    """Table and plot, in their places."""
    page = docs / "scaling.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")
    (docs / "images" / "growth.svg").write_text(plot, encoding="utf-8")


def sizes(given: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """The readers and papers of each cell that is asked for."""
    for papers in LARGE_PAPERS if given.large else PAPERS:
        yield from ((readers, papers) for readers in (LARGE_READERS if given.large else READERS))
        if given.million and papers == PAPERS[0]:
            yield MILLION, papers


def measured(given: argparse.Namespace) -> Iterator[Cell]:
    """Each cell, from the file where it stands there, else measured and added to it."""
    kept = given.cells.read_text().splitlines() if given.cells and given.cells.exists() else []
    known = {(cell.readers, cell.papers): cell for cell in (Cell(**json.loads(line)) for line in kept)}
    for size in sizes(given):
        cell = known.get(size) or measure(*size)
        line = json.dumps(asdict(cell))
        print(line, flush=True)
        if given.cells and size not in known:
            with given.cells.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        yield cell


def asked() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add = parser.add_argument
    add("--large", action="store_true", help="100,000 readers, 10,000 papers: takes half an hour")
    add("--million", action="store_true", help="a million readers of 500 papers: takes half an hour more")
    add("--cells", type=Path, metavar="FILE", help="keep each cell here, and go on from what is there")
    add("--write", type=Path, metavar="DOCS", help="keep table and plot in this folder")
    return parser.parse_args()


def main() -> None:
    """Measure, tell, and with --write keep it."""
    given = asked()
    by_papers: dict[int, list[Cell]] = {}
    for cell in measured(given):
        by_papers.setdefault(cell.papers, []).append(cell)
    lines = [machine(), "", *table(by_papers)]
    print("\n".join(lines))
    lines += ["", *arithmetic(by_papers[PAPERS[0]])]
    if given.write:
        curves = [
            Line(f"{papers:,} papers (n^{exponent(cells):.2f})", [(c.readers, c.cpu) for c in cells])
            for papers, cells in by_papers.items()
        ]
        write(given.write, lines, drawn(curves, across="readers", up="CPU seconds a day"))


if __name__ == "__main__":
    main()
