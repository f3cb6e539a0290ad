"""Simulate a month, print which guarantees held, and exit with 1 if one did not."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.simulation.context import Refusal, Scenario
from bench.simulation.month import Month, load_recorded_month, load_sample_month
from bench.simulation.readers import Reader, create_readers
from bench.simulation.record import Record
from bench.simulation.report import SimulationResult, check_all_guarantees, format_lines, publish
from bench.simulation.timeline import DATABASE, run_month
from bench.simulation.upgrade import simulate_first_half, upgrade_database
from bench.simulation.upstreams import ARXIV, VOTES, Outage

DOCS = Path(__file__).parents[2] / "docs"
FAULTS = (
    (
        "a block list named our address",
        "550 5.7.1 Client [192.0.2.7] blocked using bl.example",
    ),
    ("our login had gone missing", "530 5.7.0 Authentication required"),
)
REPLAY = Path(__file__).parents[3] / "shared" / "replay"


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate the month, or with --quick a week; return 1 when a guarantee is broken."""
    options = _parse_arguments(arguments)
    if not options.quick and not (options.replay / "constants.json").exists():
        sys.exit(f"no replay in {options.replay.name}; set DIGEST_REPLAY to its folder, or use --quick")
    month = load_sample_month() if options.quick else load_recorded_month(options.replay)
    readers = create_readers(month, 10 if options.quick else 50)
    if options.until:
        scenario = build_scenario(month)
        asyncio.run(run_month(month, readers, options.folder, scenario, until=options.until))
        return 0
    result = simulate(month, readers, options)
    guarantees = check_all_guarantees(result)
    for line in format_lines(result, guarantees):
        print(line)
    if options.publish and not options.quick:
        publish(result, guarantees, DOCS)
    return 0 if all(guarantee.holds for guarantee in guarantees) else 1


def simulate(month: Month, readers: Sequence[Reader], options: argparse.Namespace) -> SimulationResult:
    """Run the month twice: with feedback, and as a control in which nobody clicks on anything."""
    started = time.process_time()
    scenario = build_scenario(month)
    if options.database_url:  # a server is backed up and restored by its own tools
        scenario = replace(scenario, database_url=options.database_url, restore_day=None)
    with TemporaryDirectory(prefix="digest-month-") as folder:
        if options.upgrade_from:
            shared = ["--quick"] if options.quick else ["--replay", str(options.replay.absolute())]
            simulate_first_half(options.upgrade_from, scenario.upgrade_day, Path(folder), shared)
            upgrade_database(Path(folder) / DATABASE)
        record = asyncio.run(run_month(month, readers, Path(folder), scenario))
        record.upgraded = bool(options.upgrade_from)
    control = Record()
    if month.days >= 28:
        without_feedback = Scenario(outages=scenario.outages, gives_feedback=False, scores_rankings=False)
        with TemporaryDirectory(prefix="digest-month-") as folder:
            control = asyncio.run(run_month(month, readers, Path(folder), without_feedback))
    return SimulationResult(month, readers, scenario, record, control, time.process_time() - started)


def build_scenario(month: Month) -> Scenario:
    """Return the planned failures of the month.

    Votes fail for two days of the second week, arXiv for one of the fourth; a sender crashes every third day;
    on two days the mail server refuses everything for a fault of ours; a backup is restored; strangers
    flood the sign-up; another version of the program may live the first half.
    """
    days = month.dates
    votes = days[7:9] if month.days >= 28 else days[3:4]
    outages = [Outage("votes", frozenset(votes), VOTES)]
    if month.days >= 28:
        outages.append(Outage("arXiv", frozenset({days[22]}), ARXIV))
    refused = (days[12], days[18]) if month.days >= 28 else days[3:4]
    return Scenario(
        outages=tuple(outages),
        crash_days=frozenset(days[2::3]),
        refusals=tuple(Refusal(*fault, day) for fault, day in zip(FAULTS, refused, strict=False)),
        restore_day=days[15] if month.days >= 28 else days[4],
        upgrade_day=days[14] if month.days >= 28 else days[3],
        flood_day=days[9] if month.days >= 28 else days[2],
        flood_size=1_600 if month.days >= 28 else 200,
    )


def _parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seven invented days and ten readers")
    parser.add_argument("--publish", action="store_true", help="rewrite docs/simulation.md and its pictures")
    parser.add_argument(
        "--upgrade-from", metavar="REF", help="let this commit simulate the first half, then upgrade"
    )
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL database; else SQLite")
    parser.add_argument("--until", type=date.fromisoformat, help="stop on this day, as --upgrade-from asks")
    parser.add_argument("--folder", type=Path, help="with --until: where database and state stay")
    parser.add_argument("--replay", type=Path, default=Path(os.environ.get("DIGEST_REPLAY") or REPLAY))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
