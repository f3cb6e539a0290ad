"""Who takes which mail? The desk claims it, has the letters written, and deals them to the routes."""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.ledger_writer import LedgerWriter
from digest.delivery.message import OutgoingMessage
from digest.delivery.outcomes import given_back, render_failed, withdrawn
from digest.delivery.routes import Route
from digest.delivery.stats import Counts
from digest.models import AttemptResult, Delivery, DeliveryState
from digest.models.errors import StoreError

log = logging.getLogger(__name__)

Write = Callable[[Delivery], OutgoingMessage | None]
Expect = Callable[[Sequence[Delivery]], None]  # what is written soon, so that it can be prepared at once
BATCH = 64
LONGEST_WAIT = 30.0  # seconds a throttled domain is waited for, before it is left to the next run


@dataclass(slots=True)
class Item:
    """A mail in our hands."""

    delivery: Delivery
    letter: OutgoingMessage
    granted: bool = False  # its intent is written down: it may go on the wire
    is_out: bool = False  # it is written down that its body goes out next
    tries: int = 0  # lines that broke under it before it was handed over


class _Pile:
    """One route's share of the claimed mail, and its tokens."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.claimed: deque[Delivery] = deque()
        self.dealt = 0.0  # in proportion to its weight
        self.tokens = 0


class Dispatcher:
    """Everything claimed and not yet handed over."""

    def __init__(  # noqa: PLR0913  the desk is where the sender's parts meet
        self,
        ledger: DeliveryQueue,
        scribe: LedgerWriter,
        write: Write,
        routes: Sequence[Route],
        *,
        counts: Counts,
        lanes: int,
        longest_wait: float = LONGEST_WAIT,
        expect: Expect | None = None,
    ) -> None:
        self._ledger = ledger
        self._scribe = scribe
        self._write = write
        self._expect = expect
        self._counts = counts
        self._piles = {route.name: _Pile(route) for route in routes}
        self._returned: deque[Item] = deque()  # mail that a broken line gave back
        self._left: list[Delivery] = []  # mail that no route takes any more
        self._claiming = asyncio.Lock()
        self._changed = asyncio.Event()
        self._is_empty = False  # the last claim brought nothing
        self._lanes = lanes
        self._longest_wait = longest_wait
        self._resting = 0
        self._stopping = False

    # ---- what lanes ask

    def leave(self) -> None:
        """A lane has ended."""
        self._lanes -= 1
        self._notify()

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopping = True
        self._notify()

    async def next(self, route: Route, *, patience: float = math.inf) -> Item | None:
        """The next mail for a line of this route. Waits as long as there may be one; None: there is none."""
        until = asyncio.get_running_loop().time() + patience
        while True:
            item, wait = await self._look(route)
            if item or self._stopping or not await self._rest(wait, until):
                return item

    async def at_hand(self, route: Route) -> Item | None:
        """The next mail for a line of this route, if it can go now."""
        return (await self._look(route))[0]

    def give_back(self, item: Item) -> None:
        """The line broke before this mail was handed over; another line takes it."""
        self._returned.append(item)
        self._notify()

    def close_route(self, route: Route) -> None:
        """This route takes nothing more; its share goes to the others."""
        if pile := self._piles.pop(route.name, None):
            self._deal(pile.claimed)
            self._notify()

    async def requeue_domain(self, domain: str) -> None:
        """A domain asked for less: its mail goes back to the queue, where its bucket holds it."""
        shunned: list[Delivery] = []
        for pile in self._piles.values():
            shunned += [delivery for delivery in pile.claimed if domain_of(delivery) == domain]
            pile.claimed = deque(each for each in pile.claimed if domain_of(each) != domain)
        await self._release(shunned)

    async def clear(self) -> None:
        """Everything still in our hands goes back to the queue."""
        granted = [item.delivery for item in self._returned if item.granted]
        claimed = [item.delivery for item in self._returned if not item.granted] + self._left
        claimed += [delivery for pile in self._piles.values() for delivery in pile.claimed]
        now = self._scribe.now()
        self._counts.ended[DeliveryState.QUEUED] += len(granted) + len(claimed)
        await self._scribe.turn(settled=[given_back(each, now=now) for each in granted])
        await self._release(claimed)

    # ---- inside

    async def _look(self, route: Route) -> tuple[Item | None, float]:
        """A mail; or after how many seconds to look again (infinite: when something has changed)."""
        while not self._stopping:
            if self._returned:
                return self._returned.popleft(), 0.0
            pile = self._piles.get(route.name)
            wait = await self._fill(pile) if pile else math.inf
            if wait or not pile:
                return None, wait
            pile.tokens -= 1
            if letter := await self._print(delivery := pile.claimed.popleft()):
                return Item(delivery, letter), 0.0
        return None, math.inf

    async def _fill(self, pile: _Pile) -> float:
        """0: something is on the pile and may go; otherwise how long to wait."""
        while not self._stopping:
            if not pile.claimed:
                wait = await self._claim(pile)
            elif pile.route.rate and pile.tokens < 1:
                wait = await self._draw(pile)
            else:
                return 0.0
            if wait:
                return wait
        return math.inf

    async def _claim(self, pile: _Pile) -> float:
        async with self._claiming:
            if pile.claimed or self._is_empty:
                return 0.0 if pile.claimed else math.inf
            now = self._scribe.now()
            claimed = await self._scribe.ask(lambda: self._ledger.claim(BATCH, now))
            self._counts.ended[DeliveryState.EXPIRED] += claimed.expired
            self._counts.ended[DeliveryState.CANCELLED] += claimed.cancelled
            self._prepare(claimed.deliveries)
            self._deal(claimed.deliveries)
        if claimed.deliveries:
            self._notify()
            return 0.0 if pile.claimed else math.inf  # all for the other routes
        return 0.0 if claimed.expired or claimed.cancelled else self._nothing(claimed.again_in)

    def _prepare(self, deliveries: Sequence[Delivery]) -> None:
        if self._expect and deliveries:
            try:
                self._expect(deliveries)
            except Exception:  # whatever is wrong shows again where the one mail is written
                log.exception("mail not prepared")

    def _nothing(self, again_in: float | None) -> float:
        """The queue gave nothing: throttled mail is worth a short wait, otherwise this was all."""
        if again_in is not None and again_in <= self._longest_wait:
            return max(0.05, again_in)
        self._is_empty = True
        return math.inf

    async def _draw(self, pile: _Pile) -> float:
        route = pile.route
        pile.tokens, wait = await self._scribe.ask(
            lambda: self._ledger.draw(f"route:{route.name}", route.rate, len(pile.claimed))
        )
        return 0.0 if pile.tokens else max(0.01, wait)

    async def _release(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            now = self._scribe.now()
            await self._scribe.ask(lambda: self._ledger.release(deliveries, now))

    def _deal(self, deliveries: Sequence[Delivery] | deque[Delivery]) -> None:
        """By weight; a route of weight 0 gets something only when it is the last."""
        piles = [pile for pile in self._piles.values() if pile.route.weight > 0] or list(self._piles.values())
        for delivery in deliveries:
            if not piles:
                self._left.append(delivery)
                continue
            pile = min(piles, key=lambda each: each.dealt)
            pile.dealt += 1 / (pile.route.weight or 1)
            pile.claimed.append(delivery)

    async def _print(self, delivery: Delivery) -> OutgoingMessage | None:
        now = self._scribe.now()
        try:
            letter = await self._written(delivery)
        except StoreError:
            raise
        except Exception as error:
            log.exception("mail not rendered", extra={"delivery": delivery.pid})
            await self._aside(render_failed(delivery, error, now=now))
            return None
        if letter is None:
            await self._aside(withdrawn(delivery, now=now))
        return letter

    async def _written(self, delivery: Delivery) -> OutgoingMessage | None:
        try:
            return self._write(delivery)
        except StoreError:  # the books cannot be read: no fault of this mail, and they may be back soon
            return await self._scribe.ask(lambda: self._write(delivery))

    async def _aside(self, settlement: AttemptResult) -> None:
        if settlement.state is DeliveryState.REJECTED:
            self._counts.alert(f"Delivery {settlement.delivery.pid} cannot be rendered: {settlement.text}.")
        self._counts.settle(settlement)
        await self._scribe.turn(settled=[settlement])

    async def _rest(self, wait: float, until: float) -> bool:
        """Wait for a change; False when there is nothing to wait for any more."""
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            return False
        idle = math.isinf(wait)
        self._resting += idle
        try:
            if self._resting >= self._lanes:  # everyone rests: nothing will change
                self.stop()
                return False
            await _within(self._changed.wait(), min(left, wait))
        finally:
            self._resting -= idle
        return True

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def domain_of(delivery: Delivery) -> str:
    """The receiving domain."""
    return delivery.address.rpartition("@")[2].lower()


async def _within(change: Coroutine[None, None, object], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            await change
