"""How does one connection work through the mail? Intent, wire, result, over and over."""

import logging
import time
from collections.abc import Collection

from digest.delivery.dispatcher import Dispatcher, Item, domain_of
from digest.delivery.ledger_writer import LedgerWriter
from digest.delivery.message import Connection, SendResult, SmtpStage, Unreachable
from digest.delivery.outcomes import settle
from digest.delivery.reply_codes import Action, ReplyAction, classify
from digest.delivery.routes import DomainWatch, Route
from digest.delivery.stats import Counts
from digest.models import AttemptResult, Delivery, DeliveryState, ThrottleAction

log = logging.getLogger(__name__)

MOST_MAILS, MOST_SECONDS, MOST_IDLE = 100, 300.0, 10.0  # how long one connection is used


class ConnectionLoop:
    """One connection of a route after the other, until there is no more mail or the route is down.

    At any moment at most one mail of a lane is between its dot and the commit of its result: that is
    all a crash can double.
    """

    def __init__(  # noqa: PLR0913  a lane is where the sender's parts meet
        self,
        route: Route,
        desk: Dispatcher,
        scribe: LedgerWriter,
        *,
        counts: Counts,
        watch: DomainWatch,
        resend: bool,
    ) -> None:
        self._route = route
        self._desk = desk
        self._scribe = scribe
        self._counts = counts
        self._watch = watch
        self._resend = resend
        self._result: AttemptResult | None = None  # known, not yet written down
        self._body: Delivery | None = None  # goes out next, not yet written down
        self._looks_ahead = False

    async def run(self) -> None:
        """Take mail as long as there is some."""
        hand = await self._desk.next(self._route)
        while hand:
            line = await self._open(hand)
            if line is None:
                return
            hand = await self._use(line, hand) or await self._desk.next(self._route)

    # ---- lines

    async def _open(self, item: Item) -> Connection | None:
        """A new line; or the mail is given back, because the route is down."""
        if not self._route.breaker.is_open:
            try:
                line = await self._route.transport.open()
            except Unreachable as error:
                self._fail_route(classify(error.outcome), error.outcome)
            else:
                self._route.breaker.succeed()
                return line
        self._desk.give_back(item)
        return None

    async def _use(self, line: Connection, item: Item) -> Item | None:
        """Work with a line until it ends; gives the mail that needs another one."""
        try:
            hand = await self._work(line, item)
            await self._commit()
        except BaseException:
            line.abort()
            raise
        await line.close()
        return hand

    async def _work(self, line: Connection, item: Item) -> Item | None:
        self._looks_ahead = line.looks_ahead
        hand, sent, since = await self._granted(item), 0, time.monotonic()
        while hand:
            sent += 1
            is_worn = sent >= MOST_MAILS or time.monotonic() - since >= MOST_SECONDS
            self._let_out(hand)
            behind = await self._at_hand() if self._looks_ahead and not is_worn else None
            await self._commit()  # unless it went with that intent: from here on a crash leaves it in doubt
            self._scribe.check_lease()
            outcome = await line.deliver(hand.letter, ahead=behind.letter if behind else None)
            if self._must_move(hand, outcome):
                self._give_back(behind)
                return hand
            if not line.is_open or is_worn or self._route.breaker.is_open:
                return behind
            hand = behind or await self._next()
        return None

    def _must_move(self, hand: Item, outcome: SendResult) -> bool:
        """Take the outcome down; True when the mail was not to blame and wants another line now."""
        verdict = classify(outcome)
        if verdict.action in (Action.BREAK, Action.REFUSED):
            self._fail_route(verdict, outcome)
            return True
        if _broke_before(outcome) and verdict.brake is None and not hand.tries:
            hand.tries += 1
            return True
        self._result = self._settlement(hand.delivery, outcome, verdict)
        return False

    # ---- mail

    async def _next(self) -> Item | None:
        """The next mail that may go, after a short wait if need be."""
        if item := await self._at_hand():
            return item
        await self._commit()  # a result does not wait for mail to come
        item = await self._desk.next(self._route, patience=MOST_IDLE)
        return item and await self._granted(item)

    async def _at_hand(self) -> Item | None:
        """The next mail that may go, if there is one now: its intent is written with the last result."""
        item = await self._desk.at_hand(self._route)
        return item and await self._granted(item)

    async def _granted(self, item: Item | None) -> Item | None:
        """This mail, or the next one at hand, that the ledger lets go."""
        while item and not item.granted:
            if not self._looks_ahead:
                self._let_out(item)  # its body follows at once: one commit for both
            item.granted = item.delivery.id in await self._commit(item.delivery)
            if not item.granted:
                self._counts.ended[DeliveryState.CANCELLED] += 1
                item = await self._desk.at_hand(self._route)
        return item

    def _let_out(self, item: Item) -> None:
        """Its body goes out after the next commit."""
        if not item.is_out:
            self._body, item.is_out = item.delivery, True

    async def _commit(self, *wanted: Delivery) -> Collection[int]:
        result, self._result = self._result, None
        body, self._body = self._body, None
        granted = await self._scribe.turn(
            settled=[result] if result else [], wanted=wanted, bodies=[body] if body else []
        )
        if result and result.brake:
            await self._desk.requeue_domain(domain_of(result.delivery))
        return granted

    def _give_back(self, item: Item | None) -> None:
        if item:
            self._desk.give_back(item)

    # ---- verdicts

    def _settlement(self, delivery: Delivery, outcome: SendResult, verdict: ReplyAction) -> AttemptResult:
        told = settle(
            delivery,
            outcome,
            verdict,
            now=self._scribe.now(),
            route=self._route.name,
            resend=self._resend,
            brake=self._brake(delivery, outcome, verdict),
        )
        self._counts.settle(told)
        if verdict.action is Action.ACCEPT:
            self._route.breaker.succeed()
        else:
            seen = {"delivery": delivery.pid, "state": told.state, "why": verdict.why, "reply": outcome.code}
            log.info("mail not accepted", extra=seen)
        if verdict.alerts:
            self._counts.alert(f"{self._route.name}: {verdict.why}: {outcome.code} {outcome.text}")
        return told

    def _brake(self, delivery: Delivery, outcome: SendResult, verdict: ReplyAction) -> ThrottleAction | None:
        """Slow down when asked to; stop when a domain refuses too much of our mail."""
        domain = domain_of(delivery)
        if not self._watch.note(domain, refused=verdict.brake is ThrottleAction.STOP):
            return verdict.brake if verdict.brake is ThrottleAction.SLOW else None
        self._counts.alert(f"{domain} refuses our mail, stopped for an hour: {outcome.code} {outcome.text}")
        return ThrottleAction.STOP

    def _fail_route(self, verdict: ReplyAction, outcome: SendResult) -> None:
        reason = f"{verdict.why}: {outcome.code or 'no reply'} {outcome.text}".rstrip()
        self._route.breaker.fail(reason, long=verdict.action is Action.REFUSED)
        self._counts.alert(f"Route {self._route.name} is down: {reason}")
        log.warning("route down", extra={"route": self._route.name, "why": reason})


def _broke_before(outcome: SendResult) -> bool:
    """The line ended before the body was handed over."""
    return outcome.step is not SmtpStage.DOT and outcome.code in (0, 421)
