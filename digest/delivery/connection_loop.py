"""The send loop of one connection: commit the intent, send the message, commit the result."""

import logging
import time
from collections.abc import Collection
from dataclasses import replace

from digest.delivery.dispatcher import Dispatcher, Item, domain_of
from digest.delivery.message import Connection, SendResult, SmtpStage, Unreachable
from digest.delivery.outcomes import build_attempt_result
from digest.delivery.reply_codes import UNEXPLAINED, Action, ReplyAction
from digest.delivery.routes import DomainMonitor, Route
from digest.models import AttemptResult, Delivery, DeliveryState, ThrottleAction

log = logging.getLogger(__name__)

MAX_MESSAGES, MAX_CONNECTION_SECONDS = 100, 300.0  # after either a connection is replaced
MAX_IDLE_SECONDS = 10.0  # an open connection waits no longer for its next message


class ConnectionLoop:
    """Keeps one connection of a route in use until nothing is left to send or the route is down.

    At any moment at most one message of a loop is between the end of its body and the commit of its
    result: that is all a crash can duplicate.
    """

    def __init__(self, route: Route, dispatcher: Dispatcher, domain_monitor: DomainMonitor) -> None:
        self._route = route
        self._dispatcher = dispatcher
        self._writer = dispatcher.writer
        self._counters = dispatcher.counters
        self._domain_monitor = domain_monitor
        self._result: AttemptResult | None = None  # of the last message, not yet committed
        self._body: Delivery | None = None  # whose body is sent next, not yet committed
        self._is_pipelined = False

    async def run(self) -> None:
        """Send until nothing is left, over one connection after the other."""
        item = await self._dispatcher.get_next(self._route)
        while item:
            connection = await self._open(item)
            if connection is None:
                return
            item = await self._use(connection, item) or await self._dispatcher.get_next(self._route)

    # ---- connections

    async def _open(self, item: Item) -> Connection | None:
        """Open a connection; None when the route is down, and then the item is returned."""
        if not self._route.breaker.is_open:
            try:
                connection = await self._route.transport.open()
            except Unreachable as error:
                self._fail_route(self._route.classify(error.result), error.result)
            else:
                self._route.breaker.record_success()
                return connection
        self._dispatcher.return_item(item)
        return None

    async def _use(self, connection: Connection, item: Item) -> Item | None:
        """Send over a connection until it ends; return the item that needs another one."""
        try:
            leftover = await self._send_from(connection, item)
            if self._result:
                await self._commit()
        except BaseException:
            connection.abort()
            raise
        await connection.close()
        return leftover

    async def _send_from(self, connection: Connection, item: Item) -> Item | None:
        self._is_pipelined = connection.is_pipelined
        current, sent, started = await self._get_granted(item), 0, time.monotonic()
        while current:
            sent += 1
            is_worn = sent >= MAX_MESSAGES or time.monotonic() - started >= MAX_CONNECTION_SECONDS
            self._announce_body(current)
            following = await self._get_granted() if self._is_pipelined and not is_worn else None
            if self._body or self._result:
                await self._commit()  # did not go with that intent; from here on a crash leaves it in doubt
            self._writer.check_lease()
            result = await connection.deliver(
                current.message, next_message=following.message if following else None
            )
            if self._needs_other_connection(current, result):
                if following:
                    self._dispatcher.return_item(following)
                return current
            if not connection.is_open or is_worn or self._route.breaker.is_open:
                return following
            current = following or await self._wait_for_next()
        return None

    def _needs_other_connection(self, item: Item, result: SendResult) -> bool:
        """Record the result; return True when the message is not the cause and needs another connection."""
        reply_action = self._route.classify(result)
        if reply_action.action in (Action.BREAK, Action.REFUSED):
            self._fail_route(reply_action, result)
            return True
        if _is_lost_before_body(result) and reply_action.throttle is None and not item.lost_connections:
            item.lost_connections += 1
            return True
        self._result = self._settle(item.delivery, result, reply_action)
        return False

    # ---- items

    async def _wait_for_next(self) -> Item | None:
        """Return the next granted item, after a short wait if need be."""
        if item := await self._get_granted():
            return item
        if self._result:
            await self._commit()  # it does not wait for the next message
        item = await self._dispatcher.get_next(self._route, max_wait=MAX_IDLE_SECONDS)
        return item and await self._get_granted(item)

    async def _get_granted(self, item: Item | None = None) -> Item | None:
        """Return this item, or the next that can go now, once its intent is granted."""
        while item := item or await self._dispatcher.get_next(self._route, max_wait=0.0):
            if not self._is_pipelined:
                self._announce_body(item)  # its body follows at once: one commit for both
            if item.is_granted or item.delivery.id in await self._commit(item.delivery):
                item.is_granted = True
                break
            self._counters.by_state[DeliveryState.CANCELLED] += 1
            item = None
        return item

    def _announce_body(self, item: Item) -> None:
        """Let the next commit say that the body of this item is sent."""
        if not item.is_body_announced:
            self._body, item.is_body_announced = item.delivery, True

    async def _commit(self, *intents: Delivery) -> Collection[int]:
        result, self._result = self._result, None
        body, self._body = self._body, None
        granted = await self._dispatcher.commit(
            results=[result] if result else [], intents=intents, bodies=[body] if body else []
        )
        if result and result.throttle:
            await self._dispatcher.requeue_domain(domain_of(result.delivery))
        return granted

    # ---- results

    def _settle(self, delivery: Delivery, result: SendResult, reply_action: ReplyAction) -> AttemptResult:
        attempt = build_attempt_result(
            delivery,
            result,
            reply_action,
            now=self._writer.now(),
            route=self._route.name,
            resend=self._writer.resends,
            throttle=self._get_throttle(delivery, result, reply_action),
        )
        self._counters.add_result(attempt)
        if reply_action.action is Action.ACCEPT:
            self._route.record_accepted()
        else:
            fields = {
                "delivery": delivery.public_id,
                "state": attempt.state,
                "why": reply_action.reason,
                "reply": result.code,
            }
            log.info("mail not accepted", extra=fields)
        if reply_action.alerts:
            self._counters.add_alert(
                f"{self._route.name}: {reply_action.reason}: {result.code} {result.text}",
                topic=f"{self._route.name}: {reply_action.reason}",
            )
        if reply_action is UNEXPLAINED or (
            reply_action.alerts and reply_action.throttle is ThrottleAction.STOP
        ):
            self._rest_if_refused(domain_of(delivery), reply_action, result)
        return attempt

    def _rest_if_refused(self, domain: str, reply_action: ReplyAction, result: SendResult) -> None:
        """Let the route rest when several domains in a row refuse us: trying all readers would not help."""
        if self._route.record_refusal(domain):
            self._route.refusing_domains.clear()
            self._fail_route(replace(reply_action, action=Action.REFUSED), result)

    def _get_throttle(
        self, delivery: Delivery, result: SendResult, reply_action: ReplyAction
    ) -> ThrottleAction | None:
        """Return SLOW when the server asks for it, STOP when the domain refuses too much of our mail."""
        domain = domain_of(delivery)
        if not self._domain_monitor.record(domain, refused=reply_action.throttle is ThrottleAction.STOP):
            return reply_action.throttle if reply_action.throttle is ThrottleAction.SLOW else None
        self._counters.add_alert(
            f"{domain} refuses our email; nothing is sent there for an hour: {result.code} {result.text}",
            topic=f"refused by {domain}",
        )
        return ThrottleAction.STOP

    def _fail_route(self, reply_action: ReplyAction, result: SendResult) -> None:
        reason = f"{reply_action.reason}: {result.code or 'no reply'} {result.text}".rstrip()
        self._route.breaker.record_failure(reason, is_refusal=reply_action.action is Action.REFUSED)
        self._counters.add_alert(
            f"Route {self._route.name} is down: {reason}", topic=f"down: {self._route.name}"
        )
        log.warning("route down", extra={"route": self._route.name, "why": reason})


def _is_lost_before_body(result: SendResult) -> bool:
    """Return True if the connection ended before the body was handed over."""
    return result.stage is not SmtpStage.DOT and result.code in (0, 421)
