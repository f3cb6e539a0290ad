"""CPU cost of each stage of one whole run: plan and send from a database.

`bench.whole` starts this in a process of its own, so that memory and CPU are the run's alone:
`python -m bench.stage_costs DATABASE PORT [--connections 8] [--vectors none]` prints one JSON object.
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

from bench.synthetic import NOW
from digest.app.services import Services, open_services
from digest.app.settings import Settings
from digest.cli.common import tune_gc
from digest.delivery.interfaces import DeliveryQueue
from digest.delivery.message import OutgoingMessage
from digest.delivery.sender import send_queue
from digest.delivery.stats import SendStats
from digest.models import AttemptResult, ClaimedBatch, Delivery
from digest.pipeline.plan import plan_editions

T = TypeVar("T")


@dataclass(slots=True)
class Meter:
    """CPU seconds by stage, and the bytes of all messages."""

    cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    bytes_built: int = 0

    def measure(self, stage: str, work: Callable[[], T]) -> T:
        """Call *work* and add the CPU time of this thread to a stage."""
        started = time.thread_time()
        result = work()
        self.cpu[stage] += time.thread_time() - started
        return result

    def build_message(self, services: Services, delivery: Delivery) -> OutgoingMessage | None:
        """Build the message of a delivery, and count its bytes."""
        message = self.measure("render", lambda: services.message_builder.build(delivery))
        self.bytes_built += len(message.raw) if message else 0
        return message


@dataclass(slots=True)
class MeasuredQueue:
    """The sender's delivery queue, with its CPU time measured."""

    queue: DeliveryQueue
    meter: Meter

    @property
    def resends(self) -> bool:
        """As the queue has it."""
        return self.queue.resends

    @property
    def heartbeat_seconds(self) -> float:
        """As the queue has it."""
        return self.queue.heartbeat_seconds

    def claim(self, limit: int, now: datetime, *, channels: bool = False) -> ClaimedBatch:
        """Claim deliveries, measured."""
        return self.meter.measure("queue", lambda: self.queue.claim(limit, now, channels=channels))

    def commit(
        self,
        results: Sequence[AttemptResult],
        intents: Sequence[Delivery],
        now: datetime,
        *,
        bodies: Sequence[Delivery] = (),
    ) -> Collection[int]:
        """Write results and intents, measured."""
        return self.meter.measure("queue", lambda: self.queue.commit(results, intents, now, bodies=bodies))

    def release(self, deliveries: Sequence[Delivery], now: datetime) -> None:
        """Give deliveries back; rare, so not measured."""
        self.queue.release(deliveries, now)

    def take_tokens(self, key: str, rate: float, want: int) -> tuple[int, float]:
        """Take tokens of a rate limit; rare, so not measured."""
        return self.queue.take_tokens(key, rate, want)

    def renew_lease(self) -> None:
        """Renew the lease; rare, so not measured."""
        self.queue.renew_lease()


def open_bench_services(args: argparse.Namespace) -> Services:
    """Open the services as an operator would configure them, with the sink as mail server."""
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


def send(services: Services, meter: Meter) -> SendStats:
    """Send everything that is queued, as the pipeline does it."""

    def build(delivery: Delivery) -> OutgoingMessage | None:
        return meter.build_message(services, delivery)

    def preload(deliveries: Sequence[Delivery]) -> None:
        meter.measure("render", lambda: services.message_builder.preload(deliveries))

    with services.open_sender_session() as queue:
        return asyncio.run(
            send_queue(
                MeasuredQueue(queue, meter), build, services.routes, clock=lambda: NOW, prepare=preload
            )
        )


def run(services: Services) -> dict[str, float]:
    """Plan and send; return CPU microseconds a mail by stage, and mails, seconds, bytes and peak memory."""
    meter = Meter()
    started, cpu_before = time.perf_counter(), time.process_time()
    planned = plan_editions(
        services.store, NOW, embedding_model=services.active_embedding_model, spread_over=services.spread_over
    )
    meter.cpu["plan"], planned_at = time.process_time() - cpu_before, time.perf_counter()
    stats = send(services, meter)
    total_cpu, finished = time.process_time() - cpu_before, time.perf_counter()
    if not 0 < planned.due == planned.planned == stats.accepted:
        raise SystemExit(f"Not all deliveries were sent: {planned} {stats}.")
    meter.cpu["smtp"] = total_cpu - sum(meter.cpu.values())
    return {
        **{stage: cpu / stats.accepted * 1e6 for stage, cpu in meter.cpu.items()},
        "cpu": total_cpu / stats.accepted * 1e6,
        "mails": stats.accepted,
        "seconds": finished - started,
        "sending": finished - planned_at,
        "octets": meter.bytes_built / stats.accepted,
        "commits": stats.commits / stats.accepted,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Run once and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--vectors", default="none")
    services = open_bench_services(parser.parse_args())
    tune_gc()  # as every command does
    print(json.dumps(run(services)))
    services.close()


if __name__ == "__main__":
    main()
