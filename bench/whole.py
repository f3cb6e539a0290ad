"""What does a whole run cost? Plan and send for many invented readers, in turns with Postfix's smtp-source.

    python -m bench.whole [--pairs 7] [--mails 2000] [--connections 16] [--delay 30] [--sizes] [--large]

Every run starts from the same SQLite database (500 papers, so many readers who are due) in a process of its
own, with every guarantee on, against Postfix's smtp-sink. smtp-source sends one fixed body of the same size
and remembers nothing. CPU and ratios are the facts; the rates swing with whatever else the machine does.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

from bench.far import far
from bench.invented import settled
from bench.row import Row, absolute, compared
from bench.smtp import CHILDREN, Cost, cost_of, sink, source

Told = dict[str, float]
STAGES = {
    "plan": "read, score, select, plan",
    "letters": "render and MIME",
    "ledger": "claim, intents, results",
    "wire": "lanes and SMTP",
}


def run(database: Path, port: int, args: argparse.Namespace) -> Told:
    """One whole run on a copy of the database, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "run.sqlite3"
        for suffix in ("", ".instance"):  # without its instance file a database is a restored one, and pauses
            copyfile(f"{database}{suffix}", f"{copy}{suffix}")
        options = ["--connections", str(args.connections), "--vectors", args.vectors]
        command = [sys.executable, "-m", "bench.inside", str(copy), str(port), *options]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    told: Told = json.loads(answer.stdout)
    return told


def fixed(port: int, args: argparse.Namespace, size: float) -> Cost:
    """The same number of mails of the same size by smtp-source."""
    again = argparse.Namespace(connections=args.connections, mails=args.mails, size=round(size))
    return cost_of(lambda: source(port, again), args.mails, CHILDREN)


def pairs(database: Path, port: int, args: argparse.Namespace) -> Iterator[tuple[Told, Cost]]:
    """Ours and theirs by turns, so that a busy machine is busy for both."""
    for _ in range(args.pairs):
        ours = run(database, port, args)
        yield ours, fixed(port, args, ours["octets"])


def median(values: Iterator[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def tell(measured: list[tuple[Told, Cost]]) -> None:
    """The medians."""
    ours = {name: median(told[name] for told, _ in measured) for name in measured[0][0]}
    rate = median(told["mails"] / told["seconds"] for told, _ in measured)
    theirs, their_rate = median(cost.cpu for _, cost in measured), median(cost.rate for _, cost in measured)
    whole = median(told["mails"] / told["seconds"] / cost.rate for told, cost in measured)
    sending = median(told["mails"] / told["sending"] / cost.rate for told, cost in measured)
    print(f"{ours['mails']:.0f} mails of {ours['octets']:,.0f} bytes, {ours['commits']:.2f} commits a mail")
    for stage, words in STAGES.items():
        print(f"{words:28}{ours[stage]:8.0f} us CPU a mail")
    print(f"{'the whole run':28}{ours['cpu']:8.0f} us CPU a mail {rate:8.0f} mails/s")
    print(f"{'smtp-source':28}{theirs:8.0f} us CPU a mail {their_rate:8.0f} mails/s")
    print(f"{whole:.2f} x the rate of smtp-source, planning and all; {sending:.2f} x while sending")


def tell_sizes(folder: Path, port: int, args: argparse.Namespace, sizes: list[int]) -> None:
    """Memory, and what one more mail costs once the run's own work is done."""
    told = [run(settled(folder / f"{size}.sqlite3", people=size), port, args) for size in sizes]
    for size, each in zip(sizes, told, strict=True):
        growth = each["peak"] / told[0]["peak"]
        print(
            f"{size:>7,} readers: {each['peak']:5.0f} MiB at most ({growth:.2f} x), {each['cpu']:.0f} us each"
        )
    first, last = told[0], told[-1]
    more = last["mails"] - first["mails"]
    for name in (*STAGES, "cpu"):
        further = (last[name] * last["mails"] - first[name] * first["mails"]) / more
        print(f"{STAGES.get(name, 'the whole run'):28}{further:8.0f} us CPU for each further mail")


def tell_far(database: Path, port: int, args: argparse.Namespace) -> None:
    """How many round trips a mail takes when the server is far away."""
    with far(port, milliseconds=args.delay) as relay:
        told = run(database, relay.port, args)
    trips = relay.turns / told["mails"]
    print(
        f"{args.delay} ms away: {trips:.2f} round trips a mail, {told['mails'] / told['sending']:.0f} mails/s"
    )


@contextmanager
def parts(args: argparse.Namespace) -> Iterator[tuple[Path, int, Path]]:
    """A folder, the port of a sink, and the database every run starts from."""
    with tempfile.TemporaryDirectory() as name, sink() as port:
        folder = Path(name)
        yield folder, port, settled(folder / "house.sqlite3", people=args.mails)


def rows(turns: int = 7) -> Iterator[Row]:
    """The whole run beside smtp-source, its own CPU and commits, and a far server."""
    args = argparse.Namespace(pairs=turns, mails=2000, connections=16, vectors="none", delay=30)
    with parts(args) as (_, port, database):
        measured = list(pairs(database, port, args))
        ours, theirs = [t["mails"] / t["seconds"] for t, _ in measured], [cost.rate for _, cost in measured]
        yield compared("whole run", ours, theirs, unit="mails/s", against="smtp-source", goal=0.8)
        cpu, commits = (median(told[name] for told, _ in measured) for name in ("cpu", "commits"))
        yield absolute("whole run", cpu, unit="us CPU/mail", goal=300)
        yield absolute("ledger, both steps of a mail", commits, unit="commits/mail", goal=0.8)
        with far(port, milliseconds=args.delay) as relay:
            told = run(database, relay.port, args)
        yield absolute("server 30 ms away", relay.turns / told["mails"], unit="round trips/mail", goal=1.3)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7, help="turns of ours and smtp-source; 0: none")
    parser.add_argument("--mails", type=int, default=2000, help="readers who are due")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--vectors", default="none", help="as DIGEST_VECTORS: auto, none, static, sentences")
    parser.add_argument("--delay", type=int, default=30, help="ms of a round trip to a far server; 0: none")
    parser.add_argument("--sizes", action="store_true", help="memory at 1,000 and 10,000 readers too")
    parser.add_argument("--large", action="store_true", help="and at 100,000: takes minutes")
    args = parser.parse_args()
    with parts(args) as (folder, port, database):
        if args.pairs:
            tell(list(pairs(database, port, args)))
        if args.delay:
            tell_far(database, port, args)
        if args.sizes or args.large:
            tell_sizes(folder, port, args, [1_000, 10_000, *([100_000] if args.large else [])])


if __name__ == "__main__":
    main()
