"""Does a worker that is told to end do so in time, even while a dead connection holds its event loop?"""

import asyncio
import signal
import sys
import time

import pytest

from tests.torture.cables import Cable

HELD = """
import asyncio, sys
import psycopg
from digest.worker.worker import stop_on_signals

async def work():
    stopping = asyncio.Event()
    stop_on_signals(stopping, within=float(sys.argv[1]))
    print("working", flush=True)
    if len(sys.argv) > 2:
        psycopg.connect(host="127.0.0.1", port=sys.argv[2])  # in the loop's own thread, for ever
    await stopping.wait()

asyncio.run(work())
"""


async def told_to_end(*arguments: str) -> tuple[int, float]:
    """The exit code, and after how many seconds it came."""
    machine = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HELD, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert machine.stdout is not None
    await machine.stdout.readline()
    machine.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    return await asyncio.wait_for(machine.wait(), 20), time.monotonic() - begun


async def test_who_has_nothing_in_hand_ends_at_once_and_well() -> None:
    code, _ = await told_to_end("15")
    assert code == 0


@pytest.mark.parametrize("within", ["0", "0.5"])
async def test_who_waits_for_a_database_that_swallows_everything_ends_in_time(within: str) -> None:
    async with Cable(socket="").laid() as cable:
        cable.cut()
        code, seconds = await told_to_end(within, str(cable.port))
    assert code == 1
    assert float(within) <= seconds < 10
