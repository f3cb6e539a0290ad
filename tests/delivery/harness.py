"""A post office for tests: real ledger, real pump, real mail server on loopback; only the hour is ours."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from digest.db import Database
from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage, Transport
from digest.delivery.routes import Breaker, DomainWatch, Route
from digest.delivery.sender import pump
from digest.delivery.smtp.session import Patience
from digest.delivery.smtp.transport import Server, SmtpTransport
from digest.delivery.stats import Tally
from digest.models import (
    AttemptResult,
    Delivery,
    DeliveryKind,
    DeliveryState,
    NewDelivery,
    Preferences,
    Profile,
    Schedule,
    Sent,
    Status,
    Subscriber,
)
from tests.factories import NOW
from tests.smtp_server import SmtpServer

PEPPER = b"a pinch"
LASTS = timedelta(hours=20)
QUICK = Patience(connect=3, command=3, dot=3, quit=1)


def letter_to(delivery: Delivery, body: str = "Nothing new under the sun.") -> OutgoingMessage:
    """A plain letter, with what a server needs to tell it from others."""
    name = f"<{delivery.message_id}@papers.test>"
    head = f"From: digest@papers.test\r\nTo: {delivery.address}\r\nMessage-ID: {name}"
    return OutgoingMessage(
        raw=f"{head}\r\n\r\n{body}\r\n".encode(),
        mail_from="b@papers.test",
        rcpt_to=delivery.address,
        smtputf8=not delivery.address.isascii(),
        envelope_id=delivery.pid,
    )


def route_to(
    server: SmtpServer,
    *,
    connections: int = 1,
    patience: Patience = QUICK,
    name: str = "relay",
    **options: float,
) -> Route:
    """A route to a server of ours, without chance in its breaker."""
    transport = SmtpTransport(Server.parse(server.url), local_hostname="papers.test", patience=patience)
    return route(transport, connections=connections, name=name, **options)


def route(transport: Transport, *, connections: int = 1, name: str = "relay", **options: float) -> Route:
    """A route without chance in its breaker."""
    return Route(
        name=name,
        transport=transport,
        connections=connections,
        breaker=Breaker(jitter=lambda: 0.5),
        **options,
    )


def settled(delivery: Delivery, state: DeliveryState, **more: object) -> AttemptResult:
    """What became of a mail."""
    return AttemptResult(delivery=delivery, state=state, at=NOW, **more)  # type: ignore[arg-type]  # a test's facts


def end_all(store: Database, state: DeliveryState) -> None:
    """A sender that meets the same end with every mail."""
    with SenderSession(store, suppression_key=PEPPER) as ledger:
        claimed = ledger.claim(64, NOW).deliveries
        ledger.turn([], claimed, NOW, bodies=claimed)
        ledger.turn([settled(each, state) for each in claimed], [], NOW)


@dataclass(slots=True)
class Post:
    """A store with readers and mail in it, and the hour of the day."""

    store: Database
    now: datetime = NOW
    resend: bool = True
    watch: DomainWatch = field(default_factory=DomainWatch)
    wall: Callable[[], datetime] | None = None

    def reader(self, address: str = "ada@example.com", status: Status = Status.CONFIRMED) -> Subscriber:
        """Somebody who signed up."""
        with self.store.begin() as tx:
            return tx.subscribers.add(
                address,
                profile=Profile(),
                schedule=Schedule(),
                preferences=Preferences(),
                status=status,
                now=self.now,
            )

    def readers(self, number: int, domain: str = "example.com") -> list[Subscriber]:
        """Many who signed up."""
        return [self.reader(f"reader{place:03}@{domain}") for place in range(number)]

    def digest(self, reader: Subscriber, *, day: date | None = None, papers: Sequence[str] = ()) -> str:
        """Queue today's digest for a reader; gives its key."""
        return self.digests([reader], day=day, papers=papers)[0]

    def digests(
        self, readers: Sequence[Subscriber], *, day: date | None = None, papers: Sequence[str] = ()
    ) -> list[str]:
        """Queue today's digest for many."""
        on = day or self.now.date()
        planned = [
            NewDelivery(
                kind=DeliveryKind.DIGEST,
                key=f"digest/{reader.id}/{on}",
                subscriber_id=reader.id,
                address=reader.address,
                slot=self.now,
                not_before=self.now,
                not_after=self.now + LASTS,
                day=on,
                papers={paper: Sent(day=on, expected=5.0, votes=3.0) for paper in papers},
            )
            for reader in readers
        ]
        with self.store.begin() as tx:
            tx.deliveries.plan(planned, now=self.now)
        return [plan.key for plan in planned]

    def row(self, key: str) -> Delivery:
        """How the ledger has a delivery."""
        with self.store.begin(write=False) as tx:
            found = tx.deliveries.by_key(key)
        assert found is not None
        return found

    def state(self, key: str) -> DeliveryState:
        """Where a delivery stands."""
        return self.row(key).state

    def status(self, reader: Subscriber) -> Status:
        """Where a reader stands."""
        with self.store.begin(write=False) as tx:
            return tx.subscribers.by_id(reader.id).status

    def later(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def ledger(self) -> SenderSession:
        """A sender's ledger on this store."""
        wall = self.wall or (lambda: datetime.now(UTC))
        return SenderSession(self.store, suppression_key=PEPPER, resend=self.resend, wall=wall)

    async def run(
        self,
        *routes: Route,
        write: Callable[[Delivery], OutgoingMessage | None] = letter_to,
        stopping: asyncio.Event | None = None,
        drain: float = 5.0,
        patience: Sequence[float] = (0.05, 0.1),
        longest_wait: float = 0.0,
        expect: Callable[[Sequence[Delivery]], None] | None = None,
    ) -> Tally:
        """One run of the sender, as one process would do it."""
        with self.ledger() as ledger:
            return await pump(
                ledger,
                write,
                routes,
                clock=lambda: self.now,
                stopping=stopping,
                drain=drain,
                patience=patience,
                watch=self.watch,
                longest_wait=longest_wait,
                expect=expect,
            )
