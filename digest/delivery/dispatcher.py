"""Dispatcher: claims due deliveries, has them rendered and distributes them to the routes by weight."""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice

from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.ledger_writer import LedgerWriter
from digest.delivery.message import OutgoingMessage
from digest.delivery.outcomes import build_cancellation, build_render_failure, build_requeue
from digest.delivery.routes import Route
from digest.delivery.stats import SendCounters
from digest.models import AttemptResult, Delivery, DeliveryState
from digest.models.errors import StoreError

log = logging.getLogger(__name__)

Render = Callable[[Delivery], OutgoingMessage | None]
PrepareBatch = Callable[[Sequence[Delivery]], None]  # hears what is rendered soon, to prepare it in one go
CLAIM_SIZE, MAX_CLAIM_SIZE = 64, 256
MAX_CLAIM_SECONDS = 0.5  # what is claimed next is twice as much if this was sent sooner, else CLAIM_SIZE
RENDERED_AT_ONCE = 4  # between two looks at the connections
MAX_THROTTLE_WAIT = 30.0  # seconds to wait for a throttled domain, before it is left to the next run


@dataclass(slots=True)
class Item:
    """A claimed delivery with its rendered message."""

    delivery: Delivery
    message: OutgoingMessage
    is_granted: bool = False  # its intent is committed: it may be sent
    is_body_announced: bool = False  # it is committed, or will be next, that its body is sent
    lost_connections: int = 0  # that broke before the body was handed over


class _RouteQueue:
    """One route's share of the claimed deliveries, and its rate tokens."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.connections = route.connections  # that have not ended
        self.claimed: deque[Delivery] = deque()
        self.rendered: deque[OutgoingMessage | None] = deque()  # of the first of them; None: not possible
        self.assigned = 0.0  # deliveries so far, divided by the weight
        self.tokens = 0


class Dispatcher:
    """Holds everything that is claimed and not yet handed over to a server."""

    def __init__(  # noqa: PLR0913  the parts of the sender meet here
        self,
        queue: DeliveryQueue,
        writer: LedgerWriter,
        render: Render,
        routes: Sequence[Route],
        *,
        counters: SendCounters,
        max_throttle_wait: float = MAX_THROTTLE_WAIT,
        prepare: PrepareBatch | None = None,
    ) -> None:
        self.writer, self.counters = writer, counters
        self._queue = queue
        self._render = render
        self._prepare = prepare
        self._route_queues = {route.name: _RouteQueue(route) for route in routes}
        self._returned: deque[Item] = deque()  # from connections that broke
        self._unassigned: list[Delivery] = []  # no route is left to take them
        self._claiming = asyncio.Lock()
        self._rendering = asyncio.Lock()
        self._changed = asyncio.Event()
        # Of mail (False) and channels (True): a claim returned nothing, or less than it might.
        self._empty: set[bool] = set()
        self._short: set[bool] = set()
        self._connections = sum(route.connections for route in routes)
        self._max_throttle_wait = max_throttle_wait
        self._idle = 0
        self._stopping = False
        self._claim_size, self._claimed_at = CLAIM_SIZE, -math.inf

    # ---- called by the connections

    def remove_connection(self, route: Route) -> None:
        """Count a connection as ended; with its last one a route leaves its share to the others."""
        self._connections -= 1
        route_queue = self._route_queues[route.name]
        route_queue.connections -= 1
        if not route_queue.connections:
            del self._route_queues[route.name]
            self._distribute(route_queue.claimed)
        self._notify()

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopping = True
        self._notify()

    async def get_next(self, route: Route, *, max_wait: float = math.inf) -> Item | None:
        """Return the next item for this route, or None; wait while there may be one."""
        deadline = asyncio.get_running_loop().time() + max_wait
        while True:
            item, wait = await self._find_item(route)
            if item or self._stopping or not await self._wait_for_change(wait, deadline):
                return item

    async def commit(
        self,
        *,
        results: Sequence[AttemptResult] = (),
        intents: Sequence[Delivery] = (),
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Commit as the writer does; while the commit is written, messages are rendered that soon go."""
        granted = self.writer.commit(results=results, intents=intents, bodies=bodies)
        if not self._rendering.locked():  # one of the connections is enough
            async with self._rendering:
                while self._render_ahead():
                    await asyncio.sleep(0)
                    if granted.done():
                        break
        return await granted

    def return_item(self, item: Item) -> None:
        """Take back an item whose connection broke before it was handed over; another connection gets it."""
        self._returned.append(item)
        self._notify()

    async def requeue_domain(self, domain: str) -> None:
        """Release the deliveries of a throttled domain; its token bucket holds them back."""
        released: list[Delivery] = []
        for route_queue in self._route_queues.values():
            claimed, route_queue.claimed = route_queue.claimed, deque()
            route_queue.rendered.clear()
            for delivery in claimed:
                (released if domain_of(delivery) == domain else route_queue.claimed).append(delivery)
        await self._release(released)

    async def release_all(self) -> None:
        """Put everything that is still here back into the queue."""
        granted = [item.delivery for item in self._returned if item.is_granted]
        claimed = [item.delivery for item in self._returned if not item.is_granted] + self._unassigned
        claimed += [
            delivery for route_queue in self._route_queues.values() for delivery in route_queue.claimed
        ]
        now = self.writer.now()
        self.counters.by_state[DeliveryState.QUEUED] += len(granted) + len(claimed)
        if granted:
            await self.writer.commit(results=[build_requeue(delivery, now=now) for delivery in granted])
        await self._release(claimed)

    # ---- claiming

    async def _find_item(self, route: Route) -> tuple[Item | None, float]:
        """Return an item; or the seconds after which to look again, inf: when something has changed."""
        while not self._stopping:
            if self._returned:
                return self._returned.popleft(), 0.0
            route_queue = self._route_queues[route.name]
            if not route_queue.claimed or (self._is_low(route_queue) and not self._claiming.locked()):
                wait = await self._claim(route_queue)
            elif route.rate and route_queue.tokens < 1:
                wait = await self._take_tokens(route_queue)
            else:
                route_queue.tokens -= 1
                delivery = route_queue.claimed.popleft()
                message = route_queue.rendered.popleft() if route_queue.rendered else None
                if message := message or await self._render_or_settle(delivery):
                    return Item(delivery, message), 0.0
                continue
            if wait:
                return None, wait
        return None, math.inf

    def _is_low(self, route_queue: _RouteQueue) -> bool:
        """Return True if nothing is claimed, or soon will not be and there may be more."""
        claimed, route = len(route_queue.claimed), route_queue.route
        return not claimed or (claimed < route.connections and route.takes_channels not in self._short)

    async def _claim(self, route_queue: _RouteQueue) -> float:
        channels = route_queue.route.takes_channels
        async with self._claiming:
            if not self._is_low(route_queue) or channels in self._empty:
                return 0.0 if route_queue.claimed else math.inf
            now, limit = self.writer.now(), self._get_claim_size()
            batch = await self.writer.call(lambda: self._queue.claim(limit, now, channels=channels))
            self.counters.by_state[DeliveryState.EXPIRED] += batch.expired
            self.counters.by_state[DeliveryState.CANCELLED] += batch.cancelled
            if len(batch.deliveries) + batch.expired + batch.cancelled < limit:
                self._short.add(channels)
            self._prepare_batch(batch.deliveries)
            self._distribute(batch.deliveries)
        if batch.deliveries:
            self._notify()
        elif batch.expired or batch.cancelled:
            return 0.0
        elif batch.retry_in is not None and batch.retry_in <= self._max_throttle_wait:
            return 0.0 if route_queue.claimed else max(0.05, batch.retry_in)
        else:
            self._empty.add(channels)
        return 0.0 if route_queue.claimed else math.inf  # all went to the other routes

    def _get_claim_size(self) -> int:
        """Return how many to claim: few enough that an urgent message never waits long behind them."""
        time = asyncio.get_running_loop().time()
        is_fast = time - self._claimed_at < MAX_CLAIM_SECONDS
        self._claim_size = min(2 * self._claim_size, MAX_CLAIM_SIZE) if is_fast else CLAIM_SIZE
        self._claimed_at = time
        return self._claim_size

    def _prepare_batch(self, deliveries: Sequence[Delivery]) -> None:
        if self._prepare and deliveries:
            try:
                self._prepare(deliveries)
            except Exception:  # whatever is wrong shows again when the one message is rendered
                log.exception("mail not prepared")

    async def _take_tokens(self, route_queue: _RouteQueue) -> float:
        route = route_queue.route
        route_queue.tokens, wait = await self.writer.call(
            lambda: self._queue.take_tokens(f"route:{route.name}", route.rate, len(route_queue.claimed))
        )
        return 0.0 if route_queue.tokens else max(0.01, wait)

    async def _release(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            now = self.writer.now()
            await self.writer.call(lambda: self._queue.release(deliveries, now))

    def _distribute(self, deliveries: Sequence[Delivery] | deque[Delivery]) -> None:
        """Assign deliveries by weight; a route of weight 0 gets some only when no other is left."""
        everywhere = list(self._route_queues.values())
        mail = [target for target in everywhere if not target.route.takes_channels]
        mail = [target for target in mail if target.route.weight > 0] or mail
        channels = [target for target in everywhere if target.route.takes_channels]
        for delivery in deliveries:
            targets = mail if delivery.channel_id is None else channels
            if not targets:
                self._unassigned.append(delivery)
                continue
            target = min(targets, key=lambda candidate: candidate.assigned)
            target.assigned += 1 / (target.route.weight or 1)
            target.claimed.append(delivery)

    # ---- rendering

    def _render_ahead(self) -> bool:
        """Render a few messages that soon go; return False if there are none."""
        for route_queue in self._route_queues.values():
            first, claimed = len(route_queue.rendered), route_queue.claimed
            soon = [*islice(claimed, first, min(first + RENDERED_AT_ONCE, route_queue.route.connections))]
            for delivery in soon:
                message = None
                with contextlib.suppress(Exception):  # whatever is wrong shows again when it is its turn
                    message = self._render(delivery)
                route_queue.rendered.append(message)
            if soon:
                return True
        return False

    async def _render_or_settle(self, delivery: Delivery) -> OutgoingMessage | None:
        """Render a delivery; None: there is nothing to send, and the result of that is committed."""
        now = self.writer.now()
        try:
            try:
                message = self._render(delivery)
            except StoreError:  # not the fault of this message, and the database may be back soon
                message = await self.writer.call(lambda: self._render(delivery))
        except StoreError:
            raise
        except Exception as error:
            log.exception("mail not rendered", extra={"delivery": delivery.public_id})
            await self._settle(build_render_failure(delivery, error, now=now))
            return None
        if message is None:
            await self._settle(build_cancellation(delivery, now=now))
        return message

    async def _settle(self, result: AttemptResult) -> None:
        if result.state is DeliveryState.REJECTED:
            self.counters.add_alert(
                f"Delivery {result.delivery.public_id} cannot be rendered: {result.text}.",
                topic=f"rendering: {result.text}",
            )
        self.counters.add_result(result)
        await self.writer.commit(results=[result])

    # ---- waiting

    async def _wait_for_change(self, wait: float, deadline: float) -> bool:
        """Wait until something changes; return False when there is nothing left to wait for."""
        remaining = deadline - asyncio.get_running_loop().time()
        if remaining <= 0:
            return False
        is_idle = math.isinf(wait)
        self._idle += is_idle
        try:
            if self._idle >= self._connections:  # all are idle: nothing will change
                self.stop()
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, wait)):
                    await self._changed.wait()
        finally:
            self._idle -= is_idle
        return True

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def domain_of(delivery: Delivery) -> str:
    """Return the receiving domain of a delivery."""
    return delivery.address.rpartition("@")[2].lower()
