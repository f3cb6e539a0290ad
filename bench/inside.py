"""What does one whole run cost inside? Plan and send from a database, each stage by its own CPU seconds.

`bench.whole` starts this in a process of its own, so that memory and CPU are the run's alone:
`python -m bench.inside DATABASE PORT [--connections 8] [--vectors none]` prints one JSON object.
"""

import argparse
import asyncio
import json
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import SecretStr

from bench.invented import NOW
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.cli.common import tune_gc
from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.message import OutgoingMessage
from digest.delivery.sender import pump
from digest.delivery.stats import Tally
from digest.models import AttemptResult, ClaimedBatch, Delivery
from digest.pipeline.plan import plan

T = TypeVar("T")


@dataclass(slots=True)
class Meter:
    """CPU seconds by stage."""

    spent: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    octets: int = 0

    def told(self, stage: str, work: Callable[[], T]) -> T:
        """Do it, and see what that took of this thread."""
        began = time.thread_time()
        done = work()
        self.spent[stage] += time.thread_time() - began
        return done

    def letter(self, services: Services, delivery: Delivery) -> OutgoingMessage | None:
        """Write it, and weigh it."""
        letter = self.told("letters", lambda: services.letters.write(delivery))
        self.octets += len(letter.raw) if letter else 0
        return letter


@dataclass(slots=True)
class Metered:
    """The sender's ledger, and what it takes."""

    ledger: DeliveryQueue
    meter: Meter

    @property
    def resends(self) -> bool:
        """As the ledger has it."""
        return self.ledger.resends

    @property
    def heartbeat(self) -> float:
        """As the ledger has it."""
        return self.ledger.heartbeat

    def claim(self, limit: int, now: datetime) -> ClaimedBatch:
        """Measured."""
        return self.meter.told("ledger", lambda: self.ledger.claim(limit, now))

    def turn(
        self,
        settlements: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Measured."""
        return self.meter.told("ledger", lambda: self.ledger.turn(settlements, intents, now, bodies=bodies))

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Rare."""
        self.ledger.release(deliveries, now)

    def draw(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Rare."""
        return self.ledger.draw(key, rate, want)

    def beat(self) -> None:
        """Rare."""
        self.ledger.beat()


def house_of(args: argparse.Namespace) -> Services:
    """The house as an operator would set it up, with the sink as its mail server."""
    return open_services(
        Settings(
            _env_file=None,
            database_url=f"sqlite:///{args.database}",
            smtp_url=SecretStr(f"smtp://127.0.0.1:{args.port}?tls=none"),
            smtp_connections=args.connections,
            base_url="https://papers.example.org",
            secret_key=SecretStr("a key for measuring"),
            vectors=args.vectors,
        )
    )


def send(services: Services, meter: Meter) -> Tally:
    """Everything that is queued, as the pipeline does it."""

    def write(delivery: Delivery) -> OutgoingMessage | None:
        return meter.letter(services, delivery)

    def expect(deliveries: Sequence[Delivery]) -> None:
        meter.told("letters", lambda: services.letters.expect(deliveries))

    with services.ledger() as ledger:
        return asyncio.run(
            pump(Metered(ledger, meter), write, services.routes, clock=lambda: NOW, expect=expect)
        )


def run(services: Services) -> dict[str, float]:
    """Plan and send; microseconds of CPU a mail for each stage, mails, seconds, bytes, peak memory."""
    meter = Meter()
    begun, before = time.perf_counter(), time.process_time()
    planned = plan(services.store, NOW, vectors=services.vectors, over=services.spread)
    meter.spent["plan"], until = time.process_time() - before, time.perf_counter()
    tally = send(services, meter)
    whole, done = time.process_time() - before, time.perf_counter()
    if not 0 < planned.due == planned.planned == tally.accepted:
        raise SystemExit(f"not all were sent: {planned} {tally}")
    meter.spent["wire"] = whole - sum(meter.spent.values())
    return {
        **{stage: spent / tally.accepted * 1e6 for stage, spent in meter.spent.items()},
        "cpu": whole / tally.accepted * 1e6,
        "mails": tally.accepted,
        "seconds": done - begun,
        "sending": done - until,
        "octets": meter.octets / tally.accepted,
        "commits": tally.commits / tally.accepted,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """One run, told as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--vectors", default="none")
    services = house_of(parser.parse_args())
    tune_gc()  # as every command does
    print(json.dumps(run(services)))
    services.close()


if __name__ == "__main__":
    main()
