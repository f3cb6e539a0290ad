"""Cost of a whole run: plan and send for synthetic readers, in alternation with Postfix's smtp-source.

    python -m bench.whole [--pairs 7] [--mails 2000] [--connections 16] [--delay 30] [--history 365] [--sizes]
    python -m bench.whole --against REF [--pairs 7] [--mails 2000]

Every run starts from the same SQLite database (500 papers, as many due readers as mails) in a process of its
own, with every guarantee on, against Postfix's smtp-sink. smtp-source sends one fixed body of the same size
and stores nothing. Compare CPU and ratios; the rates vary with other load on the machine.

--against runs the code of another commit instead of smtp-source, in alternation with the code here.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from statistics import median
from typing import Any

from bench.latency_relay import run_relay
from bench.results import BenchResult, build_limit_result, build_ratio_result
from bench.smtp import CHILDREN, Cost, measure_cost, run_sink, run_smtp_source
from bench.synthetic import create_due_database

Figures = dict[str, float]
STAGES = {
    "plan": "read, score, select, plan",
    "render": "render and MIME",
    "queue": "claim, intents, results",
    "smtp": "connections and SMTP",
}


def run(database: Path, port: int, args: argparse.Namespace, *, tree: Path | None = None) -> Figures:
    """Run once on a copy of the database, in a process of its own; return its figures.

    *tree* is the folder of the code to run; None: the code here.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run.sqlite3"
        # without its instance file a database counts as restored from a backup, and sending pauses
        for suffix in ("", ".instance"):
            copyfile(f"{database}{suffix}", f"{copy}{suffix}")
        options = ["--connections", str(args.connections), "--vectors", args.vectors]
        command = [sys.executable, "-m", "bench.stage_costs", str(copy), str(port), *options]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **_run_in(tree))
    figures: Figures = json.loads(answer.stdout)
    return figures


def measure_smtp_source(port: int, args: argparse.Namespace, size: float) -> Cost:
    """Send the same number of mails of the same size by smtp-source."""
    options = argparse.Namespace(connections=args.connections, mails=args.mails, size=round(size))
    return measure_cost(lambda: run_smtp_source(port, options), args.mails, CHILDREN)


def measure_pairs(database: Path, port: int, args: argparse.Namespace) -> Iterator[tuple[Figures, Cost]]:
    """Yield the costs of ours and of smtp-source, measured in alternation."""
    for _ in range(args.pairs):
        ours = run(database, port, args)
        yield ours, measure_smtp_source(port, args, ours["octets"])


def print_medians(measured: list[tuple[Figures, Cost]]) -> None:
    """Print the medians."""
    ours = {name: median(figures[name] for figures, _ in measured) for name in measured[0][0]}
    rate = median(figures["mails"] / figures["seconds"] for figures, _ in measured)
    theirs, their_rate = median(cost.cpu for _, cost in measured), median(cost.rate for _, cost in measured)
    whole = median(figures["mails"] / figures["seconds"] / cost.rate for figures, cost in measured)
    sending = median(figures["mails"] / figures["sending"] / cost.rate for figures, cost in measured)
    print(f"{ours['mails']:.0f} mails of {ours['octets']:,.0f} bytes, {ours['commits']:.2f} commits a mail")
    for stage, label in STAGES.items():
        print(f"{label:28}{ours[stage]:8.0f} us CPU a mail")
    print(f"{'the whole run':28}{ours['cpu']:8.0f} us CPU a mail {rate:8.0f} mails/s")
    print(f"{'smtp-source':28}{theirs:8.0f} us CPU a mail {their_rate:8.0f} mails/s")
    print(f"{whole:.2f} x the rate of smtp-source, planning and all; {sending:.2f} x while sending")


def print_sizes(folder: Path, port: int, args: argparse.Namespace, sizes: list[int]) -> None:
    """Print memory by number of readers, and what each further mail costs."""
    runs = [
        run(create_due_database(folder / f"{size}.sqlite3", reader_count=size), port, args) for size in sizes
    ]
    for size, figures in zip(sizes, runs, strict=True):
        growth = figures["peak"] / runs[0]["peak"]
        peak, cpu = figures["peak"], figures["cpu"]
        print(f"{size:>7,} readers: {peak:5.0f} MiB at most ({growth:.2f} x), {cpu:.0f} us each")
    first, last = runs[0], runs[-1]
    more_mails = last["mails"] - first["mails"]
    for name in (*STAGES, "cpu"):
        per_mail = (last[name] * last["mails"] - first[name] * first["mails"]) / more_mails
        print(f"{STAGES.get(name, 'the whole run'):28}{per_mail:8.0f} us CPU for each further mail")


def print_round_trips(database: Path, port: int, args: argparse.Namespace) -> None:
    """Print how many round trips a mail takes when the server is far away."""
    with run_relay(port, milliseconds=args.delay) as relay:
        figures = run(database, relay.port, args)
    round_trips, rate = relay.round_trips / figures["mails"], figures["mails"] / figures["sending"]
    print(f"{args.delay} ms away: {round_trips:.2f} round trips a mail, {rate:.0f} mails/s")


def _run_in(tree: Path | None) -> dict[str, Any]:
    """Return what makes a subprocess run the code of a folder."""
    return {"cwd": tree, "env": {**os.environ, "PYTHONPATH": str(tree)}} if tree else {}


@contextmanager
def extract_commit(reference: str) -> Iterator[Path]:
    """Yield a temporary folder with the files of a commit."""
    archive = subprocess.run(["git", "archive", reference], check=True, capture_output=True).stdout
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["tar", "-x", "-C", name], input=archive, check=True)
        yield Path(name)


def compare_with_commit(database: Path, port: int, args: argparse.Namespace) -> None:
    """Print the costs (us CPU a mail) here beside those of another commit, measured in alternation."""
    with extract_commit(args.against) as tree:
        copy = tree / "bench.sqlite3"  # with the schema of that commit
        create = "from bench.synthetic import create_due_database as create; from pathlib import Path; "
        create += f"create(Path({str(copy)!r}), reader_count={args.mails})"
        subprocess.run([sys.executable, "-c", create], check=True, **_run_in(tree))
        pairs: list[dict[str, Figures]] = []
        for turn in range(args.pairs):
            sides = {"here": (database, None), "there": (copy, tree)}
            order = sorted(sides, reverse=bool(turn % 2))  # each is first in every second pair
            pairs.append({side: run(sides[side][0], port, args, tree=sides[side][1]) for side in order})
    print(f"{'':28}{'here':>10}{args.against:>10}{'ratio':>8}  median of {args.pairs} pairs")
    labels = {**STAGES, "cpu": "the whole run", "commits": "commits a mail", "octets": "bytes a mail"}
    for name, label in {**labels, "peak": "memory at most, MiB"}.items():
        here, there = (median(pair[side][name] for pair in pairs) for side in ("here", "there"))
        ratio = median(pair["here"][name] / pair["there"][name] for pair in pairs)
        print(f"{label:28}{here:10,.5g}{there:10,.5g}{ratio:8.3f}")


@contextmanager
def prepare_run(args: argparse.Namespace) -> Iterator[tuple[Path, int, Path]]:
    """Yield a folder, the port of a sink, and the database every run starts from."""
    with tempfile.TemporaryDirectory() as name, run_sink() as port:
        folder = Path(name)
        yield (
            folder,
            port,
            create_due_database(folder / "bench.sqlite3", reader_count=args.mails, history_days=args.history),
        )


def run_bench(turns: int = 5) -> Iterator[BenchResult]:
    """Measure the whole run beside smtp-source, its CPU and commits, and a server with latency."""
    args = argparse.Namespace(pairs=turns, mails=4000, connections=16, vectors="none", delay=30, history=0)
    with prepare_run(args) as (_, port, database):
        measured = list(measure_pairs(database, port, args))
        ours, theirs = [t["mails"] / t["seconds"] for t, _ in measured], [cost.rate for _, cost in measured]
        yield build_ratio_result("whole run", ours, theirs, unit="mails/s", against="smtp-source", goal=0.2)
        cpu, commits = (median(figures[name] for figures, _ in measured) for name in ("cpu", "commits"))
        yield build_limit_result("whole run", cpu, unit="us CPU/mail", goal=560)
        yield build_limit_result("delivery queue, commits per mail", commits, unit="commits/mail", goal=0.15)
        with run_relay(port, milliseconds=args.delay) as relay:
            figures = run(database, relay.port, args)
        yield build_limit_result(
            "server with 30 ms latency",
            relay.round_trips / figures["mails"],
            unit="round trips/mail",
            goal=1.2,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7, help="pairs of runs, ours and smtp-source; 0: none")
    parser.add_argument("--mails", type=int, default=2000, help="readers who are due")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--vectors", default="none", help="as DIGEST_VECTORS: auto, none, static, sentences")
    parser.add_argument("--history", type=int, default=0, help="days on which readers got a digest before")
    parser.add_argument("--delay", type=int, default=30, help="ms of a round trip to a far server; 0: none")
    parser.add_argument("--sizes", action="store_true", help="memory at 1,000 and 10,000 readers too")
    parser.add_argument("--large", action="store_true", help="and at 100,000: takes minutes")
    parser.add_argument("--against", default="", metavar="REF", help="a commit to compare with, and no more")
    args = parser.parse_args()
    with prepare_run(args) as (folder, port, database):
        if args.against:
            compare_with_commit(database, port, args)
            return
        if args.pairs:
            print_medians(list(measure_pairs(database, port, args)))
        if args.delay:
            print_round_trips(database, port, args)
        if args.sizes or args.large:
            print_sizes(folder, port, args, [1_000, 10_000, *([100_000] if args.large else [])])


if __name__ == "__main__":
    main()
