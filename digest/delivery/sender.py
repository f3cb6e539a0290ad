"""How does mail get out? Claim, write, hand over, settle, until nothing is left that may go now."""

import asyncio
from asyncio import Task
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from functools import partial

from digest.delivery.connection_loop import ConnectionLoop
from digest.delivery.dispatcher import LONGEST_WAIT, Dispatcher, Expect, Write
from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.ledger_writer import PATIENCE, LedgerWriter
from digest.delivery.routes import DomainWatch, Route
from digest.delivery.stats import Counts, Tally

DRAIN = 20.0  # seconds for what is on the wire when we are told to stop


async def pump(  # noqa: PLR0913  the sender's seam: everything it needs, nothing it makes
    ledger: DeliveryQueue,
    write: Write,
    routes: Sequence[Route],
    *,
    clock: Callable[[], datetime],
    stopping: asyncio.Event | None = None,
    drain: float = DRAIN,
    patience: Sequence[float] = PATIENCE,
    watch: DomainWatch | None = None,
    longest_wait: float = LONGEST_WAIT,
    expect: Expect | None = None,
) -> Tally:
    """Send everything that is due, and come back when nothing more can go now.

    `write` renders a mail just before it goes; None means there is nothing to say any more. `expect`
    hears of mails that will be written soon. `clock`
    is the ledger's time: a simulated day works. When `stopping` is set nothing more is begun, and what
    is on the wire is brought to its end. A throttled domain is waited for so many seconds, then left
    to the next run. Raises StoreError when the ledger cannot be written: then
    nothing more was sent. Raises LeaseLost when another worker has taken over.
    """
    counts, scribe = Counts(), LedgerWriter(ledger, clock, patience=patience)
    alive = Counter({route.name: route.connections for route in routes})
    desk = Dispatcher(
        ledger, scribe, write, routes,
        counts=counts, lanes=sum(alive.values()), longest_wait=longest_wait, expect=expect,
    )  # fmt: skip
    known = watch or DomainWatch()
    lanes = [
        _work(
            ConnectionLoop(route, desk, scribe, counts=counts, watch=known, resend=ledger.resends),
            desk,
            route,
            alive,
        )
        for route in _in_turn(routes)
    ]
    try:
        await _until_done(lanes, scribe.beat_for_ever(), partial(_stop, desk, stopping, drain))
        await desk.clear()
    finally:
        await scribe.close()
    return counts.tally(commits=scribe.commits)


def _in_turn(routes: Sequence[Route]) -> Iterator[Route]:
    """Each route as often as it has connections, the routes taking turns."""
    most = max((route.connections for route in routes), default=0)
    return (route for turn in range(most) for route in routes if turn < route.connections)


async def _work(lane: ConnectionLoop, desk: Dispatcher, route: Route, alive: Counter[str]) -> None:
    try:
        await lane.run()
    finally:
        alive[route.name] -= 1
        if not alive[route.name]:
            desk.close_route(route)
        desk.leave()


async def _until_done(
    lanes: Sequence[Coroutine[None, None, None]],
    beats: Coroutine[None, None, None],
    stop: Callable[[Sequence[Task[None]]], Coroutine[None, None, None]],
) -> None:
    """All lanes to their end; the first error ends them all."""
    working = [asyncio.create_task(lane) for lane in lanes]
    beating, stopper = asyncio.create_task(beats), asyncio.create_task(stop(working))
    pending = set(working)
    try:
        while pending:
            done, _ = await asyncio.wait({*pending, beating}, return_when=asyncio.FIRST_COMPLETED)
            pending -= done
            for task in done:
                if not task.cancelled():
                    task.result()
    finally:
        others = (*working, beating, stopper)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _stop(
    desk: Dispatcher, stopping: asyncio.Event | None, drain: float, working: Sequence[Task[None]]
) -> None:
    """When told to: begin nothing more, wait for what is on the wire, and then wait no longer."""
    await (stopping or asyncio.Event()).wait()
    desk.stop()
    await asyncio.sleep(drain)
    for task in working:
        task.cancel()
