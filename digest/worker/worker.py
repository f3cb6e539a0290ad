"""The worker process: takes jobs until told to stop, and reconnects after the database was unreachable."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from types import FrameType

import psycopg
from anyio import move_on_after
from procrastinate.app import WorkerOptions
from procrastinate.exceptions import ProcrastinateException

from digest.delivery.sender import DRAIN_SECONDS
from digest.models.errors import StoreError
from digest.worker.queues import SEND_QUEUE, WORK_QUEUE, JobQueues
from digest.worker.scheduler import NOTICE_SECONDS
from digest.worker.tasks import WorkerTasks

log = logging.getLogger(__name__)

MAINTENANCE_SECONDS = 5.0  # between two searches for jobs of dead workers and mail that has become due
POLL_SECONDS = 10.0  # after which a job is found even if PostgreSQL's notification was missed
RECONNECT_DELAYS = (1, 2, 5, 10)  # seconds, the last one again and again
WORK_CONCURRENCY = 2  # jobs at once beside the pump: one may be waiting for a source
STOP_TIMEOUT = 28.0  # seconds from the signal to the end; supervisors are told 45, some wait only 30
EXIT_CUT_SHORT = 1  # exit code after STOP_TIMEOUT: some work was left to others


async def run_worker(tasks: WorkerTasks) -> None:
    """Take jobs until `tasks.stopping` is set; then end those that were begun, within half a minute."""
    failures = 0
    while not tasks.stopping.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await _run_until_stopped(tasks)
        except (ProcrastinateException, psycopg.Error, StoreError) as error:
            seconds = asyncio.get_running_loop().time() - started
            failures = 0 if seconds > sum(RECONNECT_DELAYS) else failures + 1
            delay = RECONNECT_DELAYS[min(failures, len(RECONNECT_DELAYS) - 1)]
            reason = str(error.__cause__ or error).strip().partition("\n")[0]
            log.warning("jobs out of reach", extra={"reason": reason, "again_in": delay})
            with move_on_after(delay):
                await tasks.stopping.wait()


async def run_once(tasks: WorkerTasks) -> None:
    """Tick once, do all jobs that come of it, and return."""
    queues = JobQueues(tasks.services.store.engine.url, tasks)
    async with queues.work_app.open_async():
        await queues.enqueue_tick()
        while await queues.has_waiting_job(WORK_QUEUE):
            await queues.work_app.run_worker_async(**_build_options(tasks, WORK_QUEUE, wait=False))
        await queues.enqueue_pumps()
        await queues.send_app.run_worker_async(**_build_options(tasks, SEND_QUEUE, wait=False))


async def _run_until_stopped(tasks: WorkerTasks) -> None:
    """Serve both queues and do maintenance until one of these ends or the worker is told to stop.

    However it ends, messages being sent are finished first: after a reconnect they must not be found cut off.
    """
    ending = asyncio.Event()
    queues = JobQueues(tasks.services.store.engine.url, replace(tasks, stopping=ending))
    async with queues.work_app.open_async():
        await queues.enqueue_tick()
        await _run_together(
            tasks.stopping,
            ending,
            [
                queues.work_app.run_worker_async(
                    **_build_options(tasks, WORK_QUEUE, concurrency=WORK_CONCURRENCY)
                ),
                queues.send_app.run_worker_async(**_build_options(tasks, SEND_QUEUE)),
                _repeat(lambda: queues.maintain(_get_lease(tasks)), MAINTENANCE_SECONDS),
                _repeat(queues.enqueue_notices, NOTICE_SECONDS),
                queues.job_manager.wait_until_lost(),
            ],
        )


async def _repeat(work: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        await work()
        await asyncio.sleep(pause)


async def _run_together(
    stopping: asyncio.Event, ending: asyncio.Event, coroutines: Sequence[Coroutine[None, None, None]]
) -> None:
    """Run until one ends or `stopping` is set; set `ending`, cancel the others, raise the first error."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.set()
        for task in (*tasks, stopped):
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


def _build_options(
    tasks: WorkerTasks, queue: str, *, wait: bool = True, concurrency: int = 1
) -> WorkerOptions:
    """Return procrastinate's options. The lease is that of the mail: a worker is dead to both at once."""
    lease = _get_lease(tasks).total_seconds()
    return {
        "queues": [queue],
        "wait": wait,
        "concurrency": concurrency,
        "install_signal_handlers": False,  # stop_on_signals stops the sender as well
        "delete_jobs": "successful",
        "fetch_job_polling_interval": POLL_SECONDS,
        "shutdown_graceful_timeout": DRAIN_SECONDS + 3,  # the pump job ends by itself, a little before
        "update_heartbeat_interval": lease / 3,
        "stalled_worker_timeout": lease,
    }


def _get_lease(tasks: WorkerTasks) -> timedelta:
    return timedelta(seconds=tasks.services.settings.lease)


def stop_on_signals(stopping: asyncio.Event, *, timeout: float = STOP_TIMEOUT) -> None:
    """Set `stopping` on SIGTERM and SIGINT; *timeout* seconds later end the process, whatever it is doing.

    A database behind a broken network can block a thread, even the one of the event loop, for as long as
    it likes. Ending then is like being killed: the leases on our mail and jobs run out, others take them.
    """
    loop = asyncio.get_running_loop()

    def handle_signal(_number: int, _frame: FrameType | None) -> None:
        # Not loop.add_signal_handler: that one waits for the loop, which may be the one that is blocked.
        Thread(target=_exit_after, args=(timeout,), name="end", daemon=True).start()
        loop.call_soon_threadsafe(stopping.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle_signal)


def _exit_after(seconds: float) -> None:
    time.sleep(seconds)
    log.warning("stopped in the middle of work", extra={"after": seconds})
    os._exit(EXIT_CUT_SHORT)
