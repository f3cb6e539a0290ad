"""stop_on_signals: a process ends in time even if a dead connection blocks its event loop."""

import asyncio
import signal
import sys
import time

import pytest

from tests.torture.network import TcpProxy

PROGRAM = """
import asyncio, sys
import psycopg
from digest.worker.worker import stop_on_signals

async def work():
    stopping = asyncio.Event()
    stop_on_signals(stopping, timeout=float(sys.argv[1]))
    print("working", flush=True)
    if len(sys.argv) > 2:
        psycopg.connect(host="127.0.0.1", port=sys.argv[2])  # blocks the event loop's own thread for ever
    await stopping.wait()

asyncio.run(work())
"""


async def run_and_terminate(*arguments: str) -> tuple[int, float]:
    """Run the program and send it SIGTERM; return its exit code and the seconds it took to end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    return await asyncio.wait_for(process.wait(), 20), time.monotonic() - started


async def test_idle_process_ends_at_once_with_code_0() -> None:
    code, _ = await run_and_terminate("15")
    assert code == 0


@pytest.mark.parametrize("limit", ["0", "0.5"])
async def test_process_blocked_by_a_dead_database_connection_ends_in_time(limit: str) -> None:
    async with TcpProxy(socket="").running() as proxy:
        proxy.cut()
        code, seconds = await run_and_terminate(limit, str(proxy.port))
    assert code == 1
    assert float(limit) <= seconds < 10
