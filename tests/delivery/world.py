"""The world outside, for tests of promises: a server that answers as told, and people who said yes or no."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import TypeVar

from digest.db.sender_session import SenderSession
from digest.delivery.message import OutgoingMessage, SendResult, SmtpStage
from digest.models import AttemptResult, ClaimedBatch, Delivery, DeliveryKind
from digest.pipeline.edition_payload import paper_ids

T = TypeVar("T")
ANSWERS = {
    "later": SendResult(SmtpStage.RCPT, 451, "4.3.0 later"),
    "full": SendResult(SmtpStage.RCPT, 552, "5.2.2 over quota"),
    "no": SendResult(SmtpStage.RCPT, 550, "go away"),
    "nobody": SendResult(SmtpStage.RCPT, 550, "5.1.1 nobody"),
    "slow": SendResult(SmtpStage.RCPT, 450, "4.7.28 too much"),
}


class World:
    """The other side. It knows who said yes, and looks at every mail at the door."""

    is_open = True
    looks_ahead = False

    def __init__(self) -> None:
        self.willing: dict[str, date | None] = {}  # who said yes and has not taken it back; None: any day
        self.suppressed: set[str] = set()
        self.copies: Counter[str] = Counter()  # taken, by Message-ID
        self.days: Counter[tuple[int | None, date | None]] = Counter()  # different digests, by reader and day
        self.papers: Counter[tuple[int | None, str]] = Counter()  # different digests, by reader and paper
        self.doubts = 0
        self.answers: list[str] = []
        self.deliveries: dict[str, Delivery] = {}

    # ---- what people say

    def agrees(self, address: str, *, since: date | None = None) -> None:
        """Digests may come, from a day on."""
        self.willing[address] = since

    def refuses(self, address: str, *, for_ever: bool = False) -> None:
        """No digest may come any more; or nothing at all."""
        self.willing.pop(address, None)
        if for_ever:
            self.suppressed.add(address)

    # ---- a way out

    async def open(self) -> "World":
        """Always there."""
        return self

    async def close(self) -> None:
        """Never gone."""

    def abort(self) -> None:
        """Never gone."""

    async def deliver(self, letter: OutgoingMessage, *, ahead: OutgoingMessage | None = None) -> SendResult:  # noqa: ARG002
        """Look who it is for, and answer as told."""
        delivery = self.deliveries[letter.envelope_id]
        self.look(delivery, letter.rcpt_to)
        answer = self.answers.pop(0) if self.answers else "yes"
        if answer in ANSWERS:
            if answer == "nobody":
                self.refuses(letter.rcpt_to, for_ever=True)
            return ANSWERS[answer]
        self.take(delivery)
        if answer == "lost":
            self.doubts += 1
            return SendResult(SmtpStage.DOT, 0, "hung up")
        return SendResult(SmtpStage.DOT, 250, "2.0.0 ok")

    def look(self, delivery: Delivery, address: str) -> None:
        """What no mail may ever do."""
        assert address not in self.suppressed, f"{delivery.kind} to a suppressed address"
        if delivery.kind is DeliveryKind.DIGEST:
            assert address in self.willing, "a digest to somebody who did not say yes"
            assert delivery.day
            assert delivery.day >= (self.willing[address] or delivery.day), "a digest in a pause"

    def take(self, delivery: Delivery) -> None:
        """One more copy in a mailbox."""
        if not self.copies[delivery.message_id] and delivery.kind is DeliveryKind.DIGEST:
            self.days[delivery.subscriber_id, delivery.day] += 1
            for paper in paper_ids(delivery.payload):
                self.papers[delivery.subscriber_id, paper] += 1
        self.copies[delivery.message_id] += 1


class Killed(Exception):
    """The process is no more."""


class Mortal:
    """A ledger whose process dies at one of its commits: just before it, or just after."""

    heartbeat = 0.0

    def __init__(self, ledger: SenderSession, *, commits: int, after: bool) -> None:
        self._ledger = ledger
        self._left = commits
        self._after = after

    @property
    def resends(self) -> bool:
        """As the ledger has it."""
        return self._ledger.resends

    def claim(self, limit: int, now: datetime) -> ClaimedBatch:
        """As the ledger has it."""
        return self._live(lambda: self._ledger.claim(limit, now))

    def turn(
        self,
        settlements: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """As the ledger has it."""
        return self._live(lambda: self._ledger.turn(settlements, intents, now, bodies=bodies))

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """As the ledger has it."""
        self._live(lambda: self._ledger.release(deliveries, now))

    def draw(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """As the ledger has it."""
        return self._live(lambda: self._ledger.draw(key, rate, want))

    def beat(self) -> None:
        """As the ledger has it."""
        self._ledger.beat()

    def _live(self, commit: Callable[[], T]) -> T:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        done = commit()
        if self._left == 0:
            raise Killed
        return done
