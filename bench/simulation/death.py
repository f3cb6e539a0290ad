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
    """Whether a death is owed, and a good handful of readers waits; on a quiet day it is put off."""
    owed = sum(day <= stage.now.date() for day in stage.script.deaths)
    return owed > len(stage.record.deaths) and waiting >= min(5, len(stage.readers) // 3)


async def die(stage: Stage) -> None:
    """The tick of this moment, killed at its third letter; one that has fewer to write lives on."""
    moment = MOMENTS[len(stage.record.deaths) % len(MOMENTS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.simulation.sender", json.dumps(_orders(stage)), cwd=ROOT
    )
    countdown = iter((None, None, process.pid))
    stage.letterbox.doom = lambda now: next(countdown, None) if now == moment else None
    status = await process.wait()
    stage.letterbox.doom = lambda _: None
    if status == KILLED:
        stage.record.deaths.append(Death(stage.now, moment))
    elif status:
        raise RuntimeError(f"The sender of {stage.now:%d %B} ended by itself, with {status}.")


def _orders(stage: Stage) -> dict[str, str]:
    return {
        "now": stage.now.isoformat(),
        "database": str(stage.services.store.engine.url.database),
        "upstream": stage.world.url,
        "mailbox": stage.letterbox.url,
    }
