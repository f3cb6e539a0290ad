"""How does a worker live? It takes jobs until told to stop, and begins anew when the database was away."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from types import FrameType

import psycopg
from anyio import move_on_after
from procrastinate.app import WorkerOptions
from procrastinate.exceptions import ProcrastinateException

from digest.delivery.sender import DRAIN
from digest.models.errors import StoreError
from digest.worker.queues import POST, WORK, JobQueues
from digest.worker.tasks import WorkerTasks

log = logging.getLogger(__name__)
LOOK = 5.0  # seconds between two looks at what nobody calls for: dead workers, mail whose hour has come
POLL = 10.0  # seconds after which a job is found even if PostgreSQL's call was missed
RESTS = (1, 2, 5, 10)  # seconds to wait for a database that is away, the last for ever
PLANS = 2  # jobs at once beside the pump: one may be waiting for a source


async def work(chores: WorkerTasks) -> None:
    """Take jobs until `chores.stopping` is set; then end those that were begun, within half a minute."""
    failures = 0
    while not chores.stopping.is_set():
        begun = asyncio.get_running_loop().time()
        try:
            await _live(chores)
        except (ProcrastinateException, psycopg.Error, StoreError) as error:
            lived = asyncio.get_running_loop().time() - begun
            failures = 0 if lived > sum(RESTS) else failures + 1
            rest = RESTS[min(failures, len(RESTS) - 1)]
            log.warning("jobs out of reach", extra={"reason": _reason(error), "again_in": rest})
            await _rest(chores.stopping, rest)


async def work_off(chores: WorkerTasks) -> None:
    """Come round once, do what there is, and leave."""
    board = JobQueues(chores.services.store.engine.url, chores)
    async with board.works.open_async():
        await board.call_tick()
        while await board.is_waiting(WORK):
            await board.works.run_worker_async(**_options(chores, WORK, wait=False))
        await board.call_pumps()
        await board.posts.run_worker_async(**_options(chores, POST, wait=False))


async def _live(chores: WorkerTasks) -> None:
    """One life: both queues and the look-out, until one of them ends or we are told to stop.

    However it ends, what is on the wire is brought to its end: a new life must not find it cut off.
    """
    leaving = asyncio.Event()
    board = JobQueues(chores.services.store.engine.url, replace(chores, stopping=leaving))
    async with board.works.open_async():
        await board.call_tick()
        await _until(
            chores.stopping,
            leaving,
            [
                board.works.run_worker_async(**_options(chores, WORK, at_once=PLANS)),
                board.posts.run_worker_async(**_options(chores, POST)),
                _look_out(board, _lease(chores)),
                board.ends.until_lost(),
            ],
        )


async def _look_out(board: JobQueues, patience: timedelta) -> None:
    while True:
        await board.look(patience)
        await asyncio.sleep(LOOK)


async def _until(
    stopping: asyncio.Event, leaving: asyncio.Event, lives: Sequence[Coroutine[None, None, None]]
) -> None:
    """Run them together; when one ends, or all shall, the others are ended and the first error is told."""
    tasks = [asyncio.ensure_future(life) for life in lives]
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({*tasks, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.set()
        for task in (*tasks, told):
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):
            raise end


def _options(chores: WorkerTasks, queue: str, *, wait: bool = True, at_once: int = 1) -> WorkerOptions:
    """How jobs are taken. The lease is the one of the mail: who is dead to one is dead to the other."""
    lease = _lease(chores).total_seconds()
    return {
        "queues": [queue],
        "wait": wait,
        "concurrency": at_once,
        "install_signal_handlers": False,  # ours tell the pump as well
        "delete_jobs": "successful",
        "fetch_job_polling_interval": POLL,
        "shutdown_graceful_timeout": DRAIN + 3,  # the pump ends by itself, a little before
        "update_heartbeat_interval": lease / 3,
        "stalled_worker_timeout": lease,
    }


def _lease(chores: WorkerTasks) -> timedelta:
    return timedelta(seconds=chores.services.settings.lease)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error).strip().partition("\n")[0]


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    with move_on_after(seconds):
        await stopping.wait()


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
