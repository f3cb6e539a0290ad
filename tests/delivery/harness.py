"""Harness of the delivery tests: the real queue and sender, a loopback mail server, a simulated time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any

from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.db.subscribers.rows import create_public_id
from digest.delivery.dispatcher import PrepareBatch, Render
from digest.delivery.message import OutgoingMessage, Transport
from digest.delivery.routes import CircuitBreaker, DomainMonitor, Route
from digest.delivery.sender import send_queue
from digest.delivery.smtp.session import SmtpTimeouts
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport
from digest.delivery.stats import SendStats
from digest.models import (
    AttemptResult,
    Delivery,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Sent,
    Status,
    Subscriber,
)
from digest.models.addresses import parse_address
from tests.factories import NOW, make_paper, make_subscriber
from tests.smtp_server import SmtpServer

SUPPRESSION_KEY = b"a test key"
LIFETIME = timedelta(hours=20)
SHORT_TIMEOUTS = SmtpTimeouts(connect=3, command=3, dot=3, quit=1)


def name_message(delivery: Delivery) -> str:
    """Return the part of the Message-ID before the @, the same on every attempt."""
    return f"{delivery.kind[0]}.{delivery.public_id}"


def build_message(delivery: Delivery, body: str = "Nothing new today.") -> OutgoingMessage:
    """Return a plain message with the delivery's own Message-ID and envelope id."""
    name = f"<{name_message(delivery)}@papers.test>"
    head = f"From: digest@papers.test\r\nTo: {delivery.address}\r\nMessage-ID: {name}"
    return OutgoingMessage(
        raw=f"{head}\r\n\r\n{body}\r\n".encode(),
        mail_from="b@papers.test",
        rcpt_to=delivery.address,
        smtputf8=not delivery.address.isascii(),
        envelope_id=delivery.public_id,
    )


def make_smtp_route(
    server: SmtpServer,
    *,
    connections: int = 1,
    timeouts: SmtpTimeouts = SHORT_TIMEOUTS,
    name: str = "relay",
    **options: Any,
) -> Route:
    """Return a route to a test server whose breaker has no jitter."""
    transport = SmtpTransport(
        SmtpServerConfig.parse(server.url), local_hostname="papers.test", timeouts=timeouts
    )
    return make_route(transport, connections=connections, name=name, **options)


def make_route(transport: Transport, *, connections: int = 1, name: str = "relay", **options: Any) -> Route:
    """Return a route whose breaker has no jitter."""
    return Route(
        name=name,
        transport=transport,
        connections=connections,
        breaker=CircuitBreaker(jitter=lambda: 0.5),
        **options,
    )


def make_attempt_result(delivery: Delivery, state: DeliveryState, **fields: object) -> AttemptResult:
    """Return the result of an attempt at NOW."""
    return AttemptResult(delivery=delivery, state=state, at=NOW, **fields)  # type: ignore[arg-type]  # any fields


def finish_all(store: Database, state: DeliveryState) -> None:
    """Claim every due delivery and give it this state."""
    with SenderSession(store, suppression_key=SUPPRESSION_KEY) as session:
        claimed = session.claim(64, NOW).deliveries
        session.commit([], claimed, NOW, bodies=claimed)
        session.commit([make_attempt_result(delivery, state) for delivery in claimed], [], NOW)


@dataclass(slots=True)
class DeliveryHarness:
    """A database with subscribers and deliveries, and the time the sender sees."""

    store: Database
    now: datetime = NOW
    resend: bool = True
    domain_monitor: DomainMonitor = field(default_factory=DomainMonitor)
    wall_clock: Callable[[], datetime] | None = None

    def add_reader(self, address: str = "ada@example.com", status: Status = Status.CONFIRMED) -> Subscriber:
        """Add a subscriber."""
        return self._add([address], status)[0]

    def add_readers(self, count: int, *domains: str) -> list[Subscriber]:
        """Add subscribers reader000, reader001, ... at these domains in turn, or at example.com."""
        turn = cycle(domains or ("example.com",))
        return self._add([f"reader{number:03}@{next(turn)}" for number in range(count)], Status.CONFIRMED)

    def _add(self, addresses: Sequence[str], status: Status) -> list[Subscriber]:
        newcomers = [
            replace(
                make_subscriber(address, status=status),
                public_id=create_public_id(),
                created_at=self.now,
                confirmed_at=self.now if status is Status.CONFIRMED else None,
                status_since=self.now,
            )
            for address in addresses
        ]
        with self.store.begin() as tx:
            tx.subscribers.add_many(newcomers)
            added = tx.subscribers.get_by_addresses(addresses)
        return [added[parse_address(address).mailbox] for address in addresses]

    def queue_digest(self, reader: Subscriber, *, day: date | None = None, papers: Sequence[str] = ()) -> str:
        """Queue today's digest for a subscriber; return its delivery key."""
        return self.queue_digests([reader], day=day, papers=papers)[0]

    def queue_digests(
        self, readers: Sequence[Subscriber], *, day: date | None = None, papers: Sequence[str] = ()
    ) -> list[str]:
        """Queue today's digest for many subscribers; return the delivery keys."""
        day = day or self.now.date()
        planned = [
            NewDelivery(
                kind=DeliveryKind.DIGEST,
                key=f"digest/{day}/{reader.id}",
                subscriber_id=reader.id,
                address=reader.address,
                slot=self.now,
                not_before=self.now,
                not_after=self.now + LIFETIME,
                day=day,
                papers={paper: Sent(day=day, expected=5.0, votes=3.0) for paper in papers},
            )
            for reader in readers
        ]
        with self.store.begin() as tx:
            unknown = [paper for paper in papers if not tx.papers.get_by_ids([paper])]
            tx.papers.add([make_paper(f"Paper {paper}", id=paper) for paper in unknown], seen_at=self.now)
            tx.deliveries.enqueue(planned, now=self.now)
        return [delivery.key for delivery in planned]

    def row(self, key: str) -> Delivery:
        """Return a delivery as it is stored."""
        with self.store.begin(write=False) as tx:
            delivery = tx.deliveries.find_by_key(key)
        assert delivery is not None
        return delivery

    def state(self, key: str) -> DeliveryState:
        """Return the state of a delivery."""
        return self.row(key).state

    def status(self, reader: Subscriber) -> Status:
        """Return the status of a subscriber."""
        return self.statuses([reader])[0]

    def statuses(self, readers: Sequence[Subscriber]) -> list[Status]:
        """Return the status of each of these subscribers."""
        with self.store.begin(write=False) as tx:
            found = tx.subscribers.get_by_ids([reader.id for reader in readers])
        return [found[reader.id].status for reader in readers]

    def advance(self, **time: float) -> None:
        """Move the time forward."""
        self.now += timedelta(**time)

    def open_session(self) -> SenderSession:
        """Return a sender session on this database, to be entered."""
        wall_clock = self.wall_clock or (lambda: datetime.now(UTC))
        return SenderSession(
            self.store, suppression_key=SUPPRESSION_KEY, resend=self.resend, wall_clock=wall_clock
        )

    async def run(
        self,
        *routes: Route,
        render: Render = build_message,
        stopping: asyncio.Event | None = None,
        drain_seconds: float = 5.0,
        retry_delays: Sequence[float] = (0.05, 0.1),
        max_throttle_wait: float = 0.0,
        prepare: PrepareBatch | None = None,
    ) -> SendStats:
        """Run the sender once, as one process would."""
        with self.open_session() as session:
            return await send_queue(
                session,
                render,
                routes,
                clock=lambda: self.now,
                stopping=stopping,
                drain_seconds=drain_seconds,
                retry_delays=retry_delays,
                domain_monitor=self.domain_monitor,
                max_throttle_wait=max_throttle_wait,
                prepare=prepare,
            )
