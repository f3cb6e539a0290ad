"""The command: live through the month, say what held, and exit with 1 if something did not."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.simulation.life import live
from bench.simulation.month import Month, invented, recorded
from bench.simulation.readers import Reader, readers_of
from bench.simulation.record import Record
from bench.simulation.report import Lived, promises_of, publish, told
from bench.simulation.stage import Script
from bench.simulation.world import ARXIV, VOTES, Outage

DOCS = Path(__file__).parents[2] / "docs"
REPLAY = Path(__file__).parents[3] / "shared" / "replay"


def main(arguments: Sequence[str] | None = None) -> int:
    """The month, or with --quick a week; 1 when a promise is broken."""
    given = _asked(arguments)
    if not given.quick and not (given.replay / "constants.json").exists():
        sys.exit(f"no replay in {given.replay.name}; set DIGEST_REPLAY to its folder, or use --quick")
    month = invented() if given.quick else recorded(given.replay)
    lived = asyncio.run(simulate(month, readers_of(month, 10 if given.quick else 50)))
    kept = promises_of(lived)
    for line in told(lived, kept):
        print(line)
    if given.publish and not given.quick:
        publish(lived, kept, DOCS)
    return 0 if all(promise.holds for promise in kept) else 1


async def simulate(month: Month, readers: Sequence[Reader]) -> Lived:
    """The month twice: as it goes, and a quieter copy of it in which nobody clicks on anything."""
    begun = time.process_time()
    script = script_of(month)
    record = await _lived(month, readers, script)
    control = Record()
    if month.days >= 28:
        quiet = Script(outages=script.outages, gives_feedback=False, tries=False)
        control = await _lived(month, readers, quiet)
    return Lived(month, readers, script, record, control, time.process_time() - begun)


def script_of(month: Month) -> Script:
    """Votes unread for two days of the second week, arXiv for one of the fourth, a death every third day."""
    days = month.dates
    votes = days[7:9] if month.days >= 28 else days[3:4]
    outages = [Outage("votes", frozenset(votes), VOTES)]
    if month.days >= 28:
        outages.append(Outage("arXiv", frozenset({days[22]}), ARXIV))
    return Script(outages=tuple(outages), deaths=frozenset(days[2::3]))


async def _lived(month: Month, readers: Sequence[Reader], script: Script) -> Record:
    with TemporaryDirectory(prefix="digest-month-") as folder:
        return await live(month, readers, Path(folder), script)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.simulation", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seven invented days and ten readers")
    parser.add_argument("--publish", action="store_true", help="rewrite docs/simulation.md and its pictures")
    parser.add_argument("--replay", type=Path, default=Path(os.environ.get("DIGEST_REPLAY") or REPLAY))
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
