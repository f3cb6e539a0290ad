"""The sender: claims, renders and sends deliveries over all routes until nothing is left that may go now."""

import asyncio
from asyncio import Task
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from functools import partial

from digest.delivery.connection_loop import ConnectionLoop
from digest.delivery.dispatcher import MAX_THROTTLE_WAIT, Dispatcher, PrepareBatch, Render
from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.ledger_writer import RETRY_DELAYS, LedgerWriter
from digest.delivery.routes import DomainMonitor, Route
from digest.delivery.stats import SendCounters, SendStats

DRAIN_SECONDS = 20.0  # for the messages being sent when the sender is told to stop


async def send_queue(  # noqa: PLR0913  everything the sender needs is passed in
    queue: DeliveryQueue,
    render: Render,
    routes: Sequence[Route],
    *,
    clock: Callable[[], datetime],
    stopping: asyncio.Event | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    retry_delays: Sequence[float] = RETRY_DELAYS,
    domain_monitor: DomainMonitor | None = None,
    max_throttle_wait: float = MAX_THROTTLE_WAIT,
    prepare: PrepareBatch | None = None,
) -> SendStats:
    """Send everything that is due; return when nothing more can go now.

    `render` makes a message just before it is sent; None means that there is nothing to send any more.
    `prepare` is called with the deliveries that will be rendered soon.
    `clock` is the queue's time, so a simulated day works.
    `stopping`: once set, nothing more is begun, and messages being sent get `drain_seconds` to end.
    `max_throttle_wait`: seconds to wait for a throttled domain, then it is left to the next run.

    Raises StoreError when the database cannot be written: nothing more was sent then. Raises LeaseLost
    when another worker has taken over.
    """
    counters, writer = SendCounters(), LedgerWriter(queue, clock, retry_delays=retry_delays)
    dispatcher = Dispatcher(
        queue, writer, render, routes,
        counters=counters, max_throttle_wait=max_throttle_wait, prepare=prepare,
    )  # fmt: skip
    monitor = domain_monitor or DomainMonitor()

    async def run_connection(route: Route) -> None:
        try:
            await ConnectionLoop(route, dispatcher, monitor).run()
        finally:
            dispatcher.remove_connection(route)

    try:
        await _run_all(
            [run_connection(route) for route in _interleave_connections(routes)],
            writer.keep_lease(),
            partial(_stop_when_asked, dispatcher, stopping, drain_seconds),
        )
        await dispatcher.release_all()
    finally:
        await writer.close()
    return counters.to_stats(commits=writer.commits)


def _interleave_connections(routes: Sequence[Route]) -> Iterator[Route]:
    """Yield each route as often as it has connections, the routes taking turns."""
    most = max((route.connections for route in routes), default=0)
    return (route for number in range(most) for route in routes if number < route.connections)


async def _run_all(
    connections: Sequence[Coroutine[None, None, None]],
    lease_keeper: Coroutine[None, None, None],
    stop: Callable[[Sequence[Task[None]]], Coroutine[None, None, None]],
) -> None:
    """Run all connections to their end; the first error ends them all and is raised."""
    tasks = [asyncio.create_task(connection) for connection in connections]
    keeping, stopper = asyncio.create_task(lease_keeper), asyncio.create_task(stop(tasks))
    pending = set(tasks)
    try:
        while pending:
            done, _ = await asyncio.wait({*pending, keeping}, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
            for task in done:
                if not task.cancelled():
                    task.result()
    finally:
        everything = (*tasks, keeping, stopper)
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)


async def _stop_when_asked(
    dispatcher: Dispatcher, stopping: asyncio.Event | None, drain_seconds: float, tasks: Sequence[Task[None]]
) -> None:
    """Once `stopping` is set: begin nothing more, wait for messages being sent, then cancel the rest."""
    await (stopping or asyncio.Event()).wait()
    dispatcher.stop()
    await asyncio.sleep(drain_seconds)
    for task in tasks:
        task.cancel()
