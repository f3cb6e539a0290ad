"""Simulated recipients with their mail server, and a delivery queue that crashes, for test_guarantees."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import TypeVar

from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryKind
from digest.pipeline.edition_payload import get_paper_ids

T = TypeVar("T")
RESULTS = {
    "later": SendResult(SmtpStage.RCPT, 451, "4.3.0 later"),
    "full": SendResult(SmtpStage.RCPT, 552, "5.2.2 over quota"),
    "no": SendResult(SmtpStage.RCPT, 550, "go away"),
    "nobody": SendResult(SmtpStage.RCPT, 550, "5.1.1 nobody"),
    "slow": SendResult(SmtpStage.RCPT, 450, "4.7.28 too much"),
}


class SimulatedRecipients:
    """A transport that knows who consented to mail, and checks every message it gets."""

    is_open = True
    is_pipelined = False

    def __init__(self) -> None:
        self.consenting: dict[
            str, date | None
        ] = {}  # who gave consent and has not withdrawn it, from which day on; None: any day
        self.suppressed: set[str] = set()
        self.ended: dict[str, date | None] = {}  # consent that a bounce or an administrator ended
        self.copies: Counter[str] = Counter()  # accepted, by public id of the delivery
        self.days: Counter[tuple[int | None, date | None]] = (
            Counter()
        )  # different digests, by subscriber and day
        self.papers: Counter[tuple[int | None, str]] = Counter()  # different digests, by subscriber and paper
        self.uncertain = 0  # results that the sender cannot know
        self.script: list[str] = []  # the next results: "yes", "lost", or a key of RESULTS
        self.deliveries: dict[str, Delivery] = {}

    # ---- consent

    def consent(self, address: str, *, since: date | None = None) -> None:
        """Allow digests, from a day on."""
        self.consenting[address] = since

    def lift(self, address: str) -> None:
        """Allow mail again; digests too if only a bounce or an administrator ended the subscription."""
        self.suppressed.discard(address)
        if address in self.ended:
            self.consent(address, since=self.ended.pop(address))

    def withdraw(self, address: str, *, for_ever: bool = False) -> None:
        """Allow no more digests because the person said so; or nothing at all, until it is lifted."""
        if not for_ever:
            self.ended.pop(address, None)
        elif address in self.consenting:
            self.ended[address] = self.consenting[address]
        self.consenting.pop(address, None)
        if for_ever:
            self.suppressed.add(address)

    # ---- transport and connection

    async def open(self) -> "SimulatedRecipients":
        """Return the connection: always open."""
        return self

    async def close(self) -> None:
        """Do nothing."""

    def abort(self) -> None:
        """Do nothing."""

    async def deliver(
        self,
        message: OutgoingMessage,
        *,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  only pipelining needs it
    ) -> SendResult:
        """Check who the message is for, and return the next result of the script."""
        delivery = self.deliveries[message.envelope_id]
        self.check(delivery, message.rcpt_to)
        name = self.script.pop(0) if self.script else "yes"
        if name in RESULTS:
            if name == "nobody":
                self.withdraw(message.rcpt_to, for_ever=True)
            return RESULTS[name]
        self.accept(delivery)
        if name == "lost":
            self.uncertain += 1
            return SendResult(SmtpStage.DOT, 0, "hung up")
        return SendResult(SmtpStage.DOT, 250, "2.0.0 ok")

    def check(self, delivery: Delivery, address: str) -> None:
        """Fail if this address must not get this message."""
        assert address not in self.suppressed, f"{delivery.kind} to a suppressed address"
        if delivery.kind is DeliveryKind.DIGEST:
            assert address in self.consenting, "a digest without consent"
            assert delivery.day
            assert delivery.day >= (self.consenting[address] or delivery.day), "a digest in a pause"

    def accept(self, delivery: Delivery) -> None:
        """Count one more copy in a mailbox."""
        if not self.copies[delivery.public_id] and delivery.kind is DeliveryKind.DIGEST:
            self.days[delivery.subscriber_id, delivery.day] += 1
            for paper in get_paper_ids(delivery.payload):
                self.papers[delivery.subscriber_id, paper] += 1
        self.copies[delivery.public_id] += 1


class Crashed(Exception):
    """The sender's process died."""


class CrashingQueue:
    """A sender session whose process dies at one of its commits: just before it, or just after."""

    heartbeat_seconds = 0.0

    def __init__(self, session: SenderSession, *, commits: int, after: bool) -> None:
        self._session = session
        self._commits_left = commits
        self._after = after

    @property
    def resends(self) -> bool:
        """Call the session."""
        return self._session.resends

    def claim(self, limit: int, now: datetime, *, channels: bool = False) -> ClaimedBatch:
        """Call the session."""
        return self._run(lambda: self._session.claim(limit, now, channels=channels))

    def commit(
        self,
        results: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Call the session."""
        return self._run(lambda: self._session.commit(results, intents, now, bodies=bodies))

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Call the session."""
        self._run(lambda: self._session.release(deliveries, now))

    def take_tokens(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Call the session."""
        return self._run(lambda: self._session.take_tokens(key, rate, want))

    def renew_lease(self) -> None:
        """Call the session."""
        self._session.renew_lease()

    def _run(self, commit: Callable[[], T]) -> T:
        self._commits_left -= 1
        if self._commits_left == 0 and not self._after:
            raise Crashed
        result = commit()
        if self._commits_left == 0:
            raise Crashed
        return result
