"""How does a sender die? A process of its own does the tick, and the mail server kills it with -9."""

import asyncio
import json
import sys
from pathlib import Path

from bench.simulation.record import Death
from bench.simulation.stage import Stage

ROOT = Path(__file__).parents[2]
MOMENTS = ("addressed", "taken")  # before the letter is handed over; after it, before that is acknowledged
KILLED = -9


def is_doomed(stage: Stage, waiting: int) -> bool:
    """One death on a day of deaths, at the first tick with a good handful of mails to write."""
    today = stage.now.date()
    killed = any(death.at.date() == today for death in stage.record.deaths)
    return today in stage.script.deaths and not killed and waiting >= min(5, len(stage.readers) // 3)


async def die(stage: Stage) -> None:
    """The tick of this moment, killed at its third letter; RuntimeError when it lived."""
    moment = MOMENTS[len(stage.record.deaths) % len(MOMENTS)]
    before = len(stage.letterbox.received)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.simulation.sender", json.dumps(_orders(stage)), cwd=ROOT
    )
    countdown = iter((None, None, process.pid))
    stage.letterbox.doom = lambda now: next(countdown, None) if now == moment else None
    status = await process.wait()
    stage.letterbox.doom = lambda _: None
    if status != KILLED:
        raise RuntimeError(f"The sender of {stage.now:%d %B} was not killed: it ended with {status}.")
    stage.record.deaths.append(Death(stage.now, moment, len(stage.letterbox.received) - before))


def _orders(stage: Stage) -> dict[str, str]:
    return {
        "now": stage.now.isoformat(),
        "database": str(stage.house.store.engine.url.database),
        "upstream": stage.world.url,
        "mailbox": stage.letterbox.url,
    }
