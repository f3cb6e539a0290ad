"""How is a worker told to end? By a signal: in order if it can, and in time whatever holds it."""

import asyncio
import logging
import os
import signal
import time
from threading import Thread
from types import FrameType

log = logging.getLogger(__name__)

WITHIN = 28.0  # seconds from the signal to the end; supervisors are told 45, some wait only 30
CUT_SHORT = 1  # the exit code then: some work was left to others


def stop_on_signals(stopping: asyncio.Event, *, within: float = WITHIN) -> None:
    """Set `stopping` on SIGTERM and SIGINT; after so many seconds the process ends, whatever it is doing.

    A database behind a broken network can hold a thread, even the one of the event loop, for as long as
    it likes. To end there is to be killed there: the leases on our mail and jobs run out, others take them.
    """
    loop = asyncio.get_running_loop()

    def told(_number: int, _frame: FrameType | None) -> None:
        # Not the loop's own handler: that one waits for the loop, which may be the one that is held.
        Thread(target=_end, args=(within,), name="end", daemon=True).start()
        loop.call_soon_threadsafe(stopping.set)

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, told)


def _end(within: float) -> None:
    time.sleep(within)
    log.warning("stopped in the middle of work", extra={"after": within})
    os._exit(CUT_SHORT)
